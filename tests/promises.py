"""Holds docs/reliability.md to its word: every promise has tests, and `make stress` runs them all.

    python tests/promises.py            runs every test of every promise, a verdict a line
    python tests/promises.py --check    says whether document and tests name the same promises

A promise is a line of the document that begins with its key in backticks; a test that holds it
carries `@pytest.mark.promise(key)`. The long tests need root, and say so where it is missing. Every
test runs although others fail; the exit status is 1 where a promise is broken or has no test.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/reliability.md"


def read_promises(text: str) -> dict[str, str]:
    """Each promise of the document by its key."""
    return dict(re.findall(r"^- `([a-z0-9-]+)`:? (.*)$", text, re.M))


class Promises:
    """A plugin of pytest: which tests hold which promise, and how they ended."""

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = defaultdict(set)
        self.outcomes: dict[str, Counter] = defaultdict(Counter)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Notes the promises of every collected test."""
        for item in items:
            for marker in item.iter_markers("promise"):
                self.tests[marker.args[0]].add(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts once, by its call; a fixture that fails counts for it."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid][report.outcome] += 1

    def verdict(self, key: str) -> tuple[bool, str]:
        """Whether a promise was kept, and how many of its tests passed."""
        outcomes = [self.outcomes[test] for test in sorted(self.tests[key])]
        passed = sum(each["passed"] for each in outcomes)
        total = sum(max(1, each.total()) for each in outcomes)
        return 0 < passed == total, f"{passed} of {total}"


def disagreements(promises: dict[str, str], tests: dict[str, set[str]]) -> list[str]:
    """Promises that no test holds, and keys of tests that the document does not have."""
    return [
        *(f"no test holds the promise {key}" for key in promises if not tests.get(key)),
        *(
            f"{min(tests[key])} holds {key}, which is no promise"
            for key in set(tests) - set(promises)
        ),
    ]


def main() -> int:
    """Runs or collects the tests, and prints what they say of each promise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="run nothing")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--only", default="", help="promises with this in their key")
    options = parser.parse_args()
    promises, plugin = read_promises(DOCUMENT.read_text(encoding="utf-8")), Promises()
    chosen = {key: text for key, text in promises.items() if options.only in key}
    arguments = ["-q", f"--rootdir={ROOT}", str(ROOT / "tests"), "-m", "promise and not slurm"]
    if status := pytest.main([*arguments, "--collect-only", "-qq"], plugins=[plugin]):
        return status
    if problems := disagreements(promises, plugin.tests):
        print("\n".join(problems))
        return 1
    if options.check:
        print(f"{len(promises)} promises, each held by a test")
        return 0
    tests = sorted(set().union(*(plugin.tests[key] for key in chosen)))
    for _ in range(options.times):
        pytest.main(["-q", f"--rootdir={ROOT}", "-m", "promise", *tests], plugins=[plugin])
    verdicts = {key: plugin.verdict(key) for key in chosen}
    for key, (kept, counts) in verdicts.items():
        print(f"{'kept  ' if kept else 'BROKEN'}  {counts}  {key}: {promises[key]}")
    return 0 if all(kept for kept, _ in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
