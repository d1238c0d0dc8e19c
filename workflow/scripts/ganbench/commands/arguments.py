"""Plans seeds, looks at a study, scores images and exports generators; snakemake does the rest."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ganbench.jobs.errors import ActionableError
from ganbench.study.schema import StudyError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status: 1, after one message, if it cannot be done.

    Without `arguments` they are those of the process.
    """
    options = _make_parser().parse_args(arguments)
    try:
        print(options.run(options))
    except (ActionableError, StudyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ganbench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plan = commands.add_parser(
        "plan-seeds", help="how many seeds each comparison of a finished study needs"
    )
    plan.add_argument(
        "results", type=Path, help="the folder of the study, such as results/my_study"
    )
    plan.add_argument("--margin", help="the difference to show, such as 5 or 10%%")
    plan.set_defaults(run=_plan_seeds)
    check = commands.add_parser(
        "check", help="resolve a study without running it: its runs, devices, time and disk"
    )
    check.add_argument("study", type=Path, help="the study's file, such as config/my_study.yaml")
    check.add_argument("--cores", type=int, help="cores to run on; all if left out")
    check.set_defaults(run=_check_study)
    watch = commands.add_parser(
        "watch", help="the runs of a study while they train: losses, gradients, time left"
    )
    watch.add_argument(
        "results", type=Path, help="the folder of the study, such as results/my_study"
    )
    watch.add_argument(
        "--once", action="store_true", help="show them once, as where output is no terminal"
    )
    watch.set_defaults(run=_watch_runs)
    score = commands.add_parser("score", help="every metric of images against a dataset")
    score.add_argument(
        "samples", type=Path, help="a folder of image files, of a run, or of an exported generator"
    )
    score.add_argument("--dataset", default="digits", help="the dataset; digits if left out")
    score.add_argument("--count", type=int, help="images to draw of a generator")
    score.add_argument("--cache", type=Path, help="where prepared data are kept")
    score.set_defaults(run=_score)
    export = commands.add_parser("export", help="a run's generator as safetensors, with its card")
    export.add_argument("run_folder", type=Path, metavar="run", help="results/…/runs/…/seed0")
    export.add_argument("folder", type=Path, help="the folder to write")
    export.add_argument("--step", type=int, help="a snapshot's step; the last if left out")
    export.set_defaults(run=_export)
    bundle = commands.add_parser("bundle", help="a finished study as one archive")
    bundle.add_argument("results", type=Path, help="the folder of the study, results/my_study")
    bundle.add_argument("--to", type=Path, help="the archive; results/my_study.zip if left out")
    bundle.add_argument(
        "--snapshots",
        type=int,
        help="generators of each run, from the last on; the last, if all have 50 MB, if left out",
    )
    bundle.set_defaults(run=_bundle)
    verify = commands.add_parser("verify", help="check a bundle: hashes, scores, and runs again")
    verify.add_argument("bundle", type=Path, help="the archive that `bundle` wrote")
    verify.add_argument("--runs", type=int, default=2, help="runs to train again; 2 if left out")
    verify.add_argument("--scores", type=int, default=2, help="generators to score again; 2")
    verify.add_argument("--seed", type=int, default=0, help="of the choice of runs; 0 if left out")
    verify.add_argument("--cores", default="all", help="cores to run on; all if left out")
    verify.set_defaults(run=_verify)
    return parser


def _plan_seeds(options: argparse.Namespace) -> str:
    from ganbench.commands.seed_table import describe_seed_plans  # noqa: PLC0415 (slow to import)

    return describe_seed_plans(options.results, options.margin)


def _check_study(options: argparse.Namespace) -> str:
    from ganbench.commands.study_check import describe_study  # noqa: PLC0415 (slow to import)

    return describe_study(options.study, options.cores)


def _watch_runs(options: argparse.Namespace) -> str:
    from ganbench.commands.watch import watch_runs  # noqa: PLC0415 (slow to import)

    return watch_runs(options.results, once=options.once)


def _score(options: argparse.Namespace) -> str:
    from ganbench.interface.export import find_generator  # noqa: PLC0415 (slow to import)
    from ganbench.interface.prepared import CACHE  # noqa: PLC0415
    from ganbench.interface.scoring import score_samples  # noqa: PLC0415

    samples = find_generator(options.samples) or options.samples
    cache = options.cache or CACHE
    scores = score_samples(samples, dataset=options.dataset, count=options.count, cache=cache)
    return scores.to_string(index=False, float_format="{:.5g}".format)


def _bundle(options: argparse.Namespace) -> str:
    from ganbench.commands.bundle import bundle_study  # noqa: PLC0415 (slow to import)

    archive = options.to or options.results.with_name(f"{options.results.name}.zip")
    return bundle_study(options.results, archive, options.snapshots)


def _verify(options: argparse.Namespace) -> str:
    from ganbench.commands.bundle_check import check_bundle  # noqa: PLC0415 (slow to import)

    return check_bundle(
        options.bundle,
        runs=options.runs,
        scores=options.scores,
        seed=options.seed,
        cores=options.cores,
    )


def _export(options: argparse.Namespace) -> str:
    from ganbench.interface.export import export_generator  # noqa: PLC0415 (slow to import)

    return str(export_generator(options.run_folder, options.folder, options.step))
