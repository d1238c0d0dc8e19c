"""The command line: its commands, their arguments, and what a mistake says."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ganbench.jobs.errors import ActionableError
from ganbench.study.schema import StudyError


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit status: 1, after one message, if it cannot be done."""
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
