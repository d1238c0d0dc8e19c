"""docs/reliability.md and the tests name the same promises, and a broken one is seen."""

import subprocess
import sys

from project import ROOT
from promises import Promises, disagreements, read_promises


class Item:
    def __init__(self, nodeid, *keys):
        self.nodeid, self.keys = nodeid, keys

    def iter_markers(self, _):
        return [type("Marker", (), {"args": (key,)}) for key in self.keys]


class Report:
    def __init__(self, nodeid, outcome, when="call"):
        self.nodeid, self.outcome, self.when = nodeid, outcome, when


def test_every_promise_of_the_document_has_a_test_and_every_key_a_promise():
    command = [sys.executable, "tests/promises.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "promises, each held by a test" in done.stdout


def test_promise_without_a_test_and_test_without_a_promise_are_named():
    promises = read_promises(
        "# Title\n\n- `full-disk`: it is said.\n- `other` nothing.\n- no key\n"
    )
    assert promises == {"full-disk": "it is said.", "other": "nothing."}
    assert disagreements(promises, {"full-disk": {"a::b"}, "third": {"c::d"}}) == [
        "no test holds the promise other",
        "c::d holds third, which is no promise",
    ]


def test_promise_is_kept_when_every_test_of_it_ran_and_passed():
    plugin = Promises()
    plugin.pytest_collection_modifyitems([Item("a::x[1]", "one"), Item("a::y", "one", "two")])
    plugin.pytest_runtest_logreport(Report("a::x[1]", "passed", "setup"))
    plugin.pytest_runtest_logreport(Report("a::x[1]", "passed"))
    assert plugin.verdict("one") == (False, "1 of 2")
    plugin.pytest_runtest_logreport(Report("a::y", "failed", "setup"))
    assert plugin.verdict("two") == (False, "0 of 1")
    plugin.pytest_runtest_logreport(Report("a::y", "passed"))
    assert plugin.verdict("one") == (False, "2 of 3")
