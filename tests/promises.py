"""Runs every test that docs/reliability.md names, long ones too: one line of verdict per promise.

`make stress`; `make stress TIMES=3` runs all of it three times. Needs root, and says so where it is
missing. Every test runs although others fail; the exit status is 1 where a promise is broken.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs/reliability.md"


def promises() -> dict[str, list[str]]:
    """Each promise of the table, and the tests that hold it to it, as `folder/file.py::name`."""
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (tests := re.findall(r"`(\w+/\w+\.py::\w+)`", line)):
            found[cells[0]] = tests
    return found


class Verdicts:
    """Counts how each test ended, parametrised ones together."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts once, by its call; a fixture that fails counts for it."""
        if report.when == "call" or report.outcome != "passed":
            name = report.nodeid.split("[")[0].removeprefix("tests/")
            parts = name.split("::")
            self.outcomes.setdefault(f"{parts[0]}::{parts[-1]}", Counter())[report.outcome] += 1

    def line(self, promise: str, tests: list[str]) -> tuple[bool, str]:
        """Whether a promise was held, and a line that says so."""
        total = sum((self.outcomes.get(test, Counter()) for test in tests), Counter())
        held = total["passed"] == total.total() > 0 and all(map(self.outcomes.get, tests))
        return (
            held,
            f"{'held  ' if held else 'BROKEN'}  {total['passed']} of {total.total()}  {promise}",
        )


def main() -> int:
    """Runs the tests and prints the verdicts."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--times", type=int, default=1)
    reader.add_argument("--only", default="", help="only promises with this in them")
    given = reader.parse_args()
    table = {name: tests for name, tests in promises().items() if given.only in name}
    verdicts = Verdicts()
    chosen = sorted({f"tests/{test.split('::')[0]}" for tests in table.values() for test in tests})
    names = {test.split("::")[1] for tests in table.values() for test in tests}
    arguments = ["-m", "not slurm", "-k", " or ".join(sorted(names)), "-q", f"--rootdir={ROOT}"]
    for _ in range(given.times):
        pytest.main([*arguments, *(str(ROOT / file) for file in chosen)], plugins=[verdicts])
    lines = [verdicts.line(*row) for row in table.items()]
    print("\n".join(line for _, line in lines))
    return 0 if all(held for held, _ in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
