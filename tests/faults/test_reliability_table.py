"""docs/reliability.md names every test of faults beside the promise that it holds, and no other."""

import ast

from project import ROOT
from stress import Verdicts, promises


def functions_of(file) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if node.name.startswith("test_")}


def test_every_test_that_the_table_names_exists():
    assert len(promises()) > 20
    for tests in promises().values():
        for test in tests:
            file, name = test.split("::")
            assert name in functions_of(ROOT / "tests" / file), test


def test_every_test_of_faults_holds_a_promise():
    named = {test for tests in promises().values() for test in tests}
    for file in sorted(ROOT.glob("tests/faults/test_*.py")):
        if file.stem != "test_reliability_table":
            for name in functions_of(file):
                assert f"faults/{file.name}::{name}" in named


class Report:
    def __init__(self, name, outcome, when="call"):
        self.nodeid, self.outcome, self.when = f"tests/faults/{name}", outcome, when


def test_promise_is_held_when_every_test_of_it_ran_and_passed():
    verdicts = Verdicts()
    verdicts.pytest_runtest_logreport(Report("test_a.py::test_x[1]", "passed", "setup"))
    verdicts.pytest_runtest_logreport(Report("test_a.py::test_x[1]", "passed"))
    verdicts.pytest_runtest_logreport(Report("test_a.py::TestAll::test_x[2]", "passed"))
    x, y = "faults/test_a.py::test_x", "faults/test_a.py::test_y"
    assert verdicts.line("It holds", [x]) == (True, "held    2 of 2  It holds")
    assert not verdicts.line("One did not run", [x, y])[0]
    verdicts.pytest_runtest_logreport(Report("test_a.py::test_y", "failed", "setup"))
    assert verdicts.line("Broken", [x, y]) == (False, "BROKEN  2 of 3  Broken")
