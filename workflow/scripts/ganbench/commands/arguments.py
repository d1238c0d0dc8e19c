"""Checks, watches, bundles and verifies studies, plans seeds, scores images, exports generators.

`snakemake` does the rest: it runs a study.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganbench.jobs.errors import ActionableError
from ganbench.jobs.systems import check_system
from ganbench.study.schema import StudyError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status: 1, after one message, if it cannot be done.

    Without `arguments` they are those of the process.
    """
    options = _make_parser().parse_args(arguments)
    try:
        check_system()
        outcome = options.run(options)
    except (ActionableError, StudyError) as error:
        print(error, file=sys.stderr)
        return 1
    if isinstance(outcome, int):
        return outcome
    print(outcome)
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ganbench", description=" ".join(__doc__.split()))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_check,
        _add_watch,
        _add_plan_seeds,
        _add_score,
        _add_export,
        _add_bundle,
        _add_verify,
    ):
        add(commands)
    return parser


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check", help="resolve a study without running it: its runs, devices, time and disk"
    )
    check.add_argument("study", type=Path, help="the study's file, such as config/my_study.yaml")
    check.add_argument("--cores", type=int, help="cores to run on; all if left out")
    check.set_defaults(run=_check_study)


def _add_watch(commands: Any) -> None:
    watch = commands.add_parser(
        "watch", help="the runs of a study while they train: losses, gradients, time left"
    )
    _add_results(watch)
    watch.add_argument(
        "--once", action="store_true", help="show them once, as where output is no terminal"
    )
    watch.set_defaults(run=_watch_runs)


def _add_plan_seeds(commands: Any) -> None:
    plan = commands.add_parser(
        "plan-seeds", help="how many seeds each comparison of a finished study needs"
    )
    _add_results(plan)
    plan.add_argument("--margin", help="the difference to show, such as 5 or 10%%")
    _add_plugins(plan)
    plan.set_defaults(run=_plan_seeds)


def _add_score(commands: Any) -> None:
    score = commands.add_parser("score", help="every metric of images against a dataset")
    score.add_argument(
        "samples", type=Path, help="a folder of image files, of a run, or of an exported generator"
    )
    score.add_argument("--dataset", default="digits", help="the dataset; digits if left out")
    score.add_argument("--count", type=int, help="images to draw of a generator")
    score.add_argument("--cache", type=Path, help="where prepared data are kept")
    _add_plugins(score)
    score.set_defaults(run=_score)


def _add_export(commands: Any) -> None:
    export = commands.add_parser("export", help="a run's generator as safetensors, with its card")
    export.add_argument("run_folder", type=Path, metavar="run", help="results/…/runs/…/seed0")
    export.add_argument("folder", type=Path, help="the folder to write")
    export.add_argument("--step", type=int, help="a snapshot's step; the last if left out")
    _add_plugins(export)
    export.set_defaults(run=_export)


def _add_bundle(commands: Any) -> None:
    bundle = commands.add_parser("bundle", help="a finished study as one archive")
    _add_results(bundle)
    bundle.add_argument("--to", type=Path, help="the archive; results/my_study.zip if left out")
    bundle.add_argument(
        "--snapshots",
        type=int,
        metavar="N",
        help="include the generators of the last N snapshots of each run, 0 for none; if left out, "
        "the last one, or none where those of all runs are larger than 50 MB together",
    )
    _add_plugins(bundle)
    bundle.set_defaults(run=_bundle)


def _add_verify(commands: Any) -> None:
    verify = commands.add_parser(
        "verify",
        help="check a bundle: hashes, scores, and runs again; or repeat runs of a published study",
    )
    verify.add_argument(
        "what",
        nargs="?",
        default="goodfellow2014",
        metavar="ARCHIVE or STUDY",
        help="an archive of `bundle`, or a study of results/published, which needs a checkout; "
        "goodfellow2014 if left out",
    )
    verify.add_argument("--cores", default="all", help="cores to run on; all if left out")
    bundle = verify.add_argument_group("of an archive")
    bundle.add_argument("--runs", type=int, default=2, help="runs to train again; 2 if left out")
    bundle.add_argument("--scores", type=int, default=2, help="generators to score again; 2")
    bundle.add_argument("--seed", type=int, default=0, help="of the choice of runs; 0 if left out")
    published = verify.add_argument_group("of a published study")
    published.add_argument("--variants", nargs="+", help="the first two if left out")
    published.add_argument("--seeds", nargs="+", type=int, help="the first one if left out")
    verify.set_defaults(run=_verify)


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "results", type=Path, help="the folder of the study, such as results/my_study"
    )


def _add_plugins(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--plugins",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="the plugins of the study, where they are not found by the names in its study.json",
    )


def _plan_seeds(options: argparse.Namespace) -> str:
    from ganbench.commands.seed_table import describe_seed_plans  # noqa: PLC0415 (slow to import)

    return describe_seed_plans(options.results, options.margin, options.plugins)


def _check_study(options: argparse.Namespace) -> str:
    from ganbench.commands.study_check import describe_study  # noqa: PLC0415 (slow to import)

    return describe_study(options.study, options.cores)


def _watch_runs(options: argparse.Namespace) -> str:
    from ganbench.commands.watch import watch_runs  # noqa: PLC0415 (slow to import)

    return watch_runs(options.results, once=options.once)


def _score(options: argparse.Namespace) -> str:
    from ganbench.interface.export import find_generator  # noqa: PLC0415 (slow to import)
    from ganbench.interface.scoring import score_samples  # noqa: PLC0415

    _register_network(options.samples, options.plugins)
    samples = find_generator(options.samples) or options.samples
    scores = score_samples(
        samples, dataset=options.dataset, count=options.count, cache=options.cache
    )
    return scores.to_string(index=False, float_format="{:.5g}".format)


def _bundle(options: argparse.Namespace) -> str:
    from ganbench.commands.bundle import bundle_study  # noqa: PLC0415 (slow to import)

    archive = options.to or options.results.with_name(f"{options.results.name}.zip")
    return bundle_study(options.results, archive, options.snapshots, options.plugins)


def _register_network(folder: Path, plugins: Sequence[Path]) -> None:
    """Lets the generator in a folder be built where its network is a plugin's."""
    from ganbench.interface.export import CARD  # noqa: PLC0415 (slow to import)
    from ganbench.study.former_plugins import register_network_of  # noqa: PLC0415

    for name in ("run.json", CARD):
        register_network_of(folder / name, plugins)


def _verify(options: argparse.Namespace) -> str | int:
    if options.what.endswith(".zip"):
        from ganbench.commands.bundle_check import check_bundle  # noqa: PLC0415 (slow to import)

        return check_bundle(
            Path(options.what),
            runs=options.runs,
            scores=options.scores,
            seed=options.seed,
            cores=options.cores,
        )
    from ganbench.commands.published_check import verify_study  # noqa: PLC0415 (slow to import)

    return verify_study(options.what, options.variants, options.seeds, options.cores)


def _export(options: argparse.Namespace) -> str:
    from ganbench.interface.export import export_generator  # noqa: PLC0415 (slow to import)

    _register_network(options.run_folder, options.plugins)
    return str(export_generator(options.run_folder, options.folder, options.step))
