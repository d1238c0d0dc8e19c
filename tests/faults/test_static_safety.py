"""What the code never does, read from the code: no call of it, tested or not, is left out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ganbench.catalogue import datasets
from ganbench.catalogue.extractors import EXTRACTORS
from project import ROOT

FILES = sorted(
    [*ROOT.glob("workflow/**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("envs/*.py")]
)
LIBRARY = [file for file in FILES if "workflow" in file.parts]
RULES = sorted([ROOT / "Snakefile", *ROOT.glob("workflow/rules/*.smk")])

PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
RUNNING = {"subprocess", "pty", "commands"}
WALL_CLOCK = {"time.time", "time.time_ns", "time.localtime", "time.strftime", "datetime.now"}
WALL_CLOCK |= {"datetime.datetime.now", "datetime.today", "date.today", "datetime.utcnow"}


def calls(files) -> Iterator[tuple[str, str, ast.Call]]:
    """(place, dotted name, call) of every call in files."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{file.name}:{node.lineno}", ast.unparse(node.func), node


def imports(files) -> Iterator[tuple[Path, str]]:
    """(file, module) of everything that files import."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield file, node.module


def option(call: ast.Call, name: str) -> object:
    """A keyword's literal value; None where it is not given."""
    found = [each.value for each in call.keywords if each.arg == name]
    return ast.literal_eval(found[0]) if found else None


def test_there_is_code_to_read():
    assert len(FILES) > 100
    assert len(RULES) > 5


def test_every_load_of_weights_reads_tensors_alone():
    loads = [(place, call) for place, name, call in calls(FILES) if name == "torch.load"]
    assert len(loads) >= 4
    for place, call in loads:
        assert option(call, "weights_only") is True, place


def test_no_pickle_is_read():
    assert not [
        (file.name, module) for file, module in imports(FILES) if module.split(".")[0] in PICKLING
    ]
    for place, name, call in calls(FILES):
        assert not option(call, "allow_pickle"), place
        assert not name.endswith(("read_pickle", "add_safe_globals", "loadtxt", "fromfile")), place


def test_nothing_is_run_that_was_put_together_from_text():
    """No shell, no other program, no `eval`: of the workflow; benchmarks start their own parts."""
    assert not [
        (file.name, module) for file, module in imports(LIBRARY) if module.split(".")[0] in RUNNING
    ]
    for place, name, call in calls(LIBRARY):
        assert name not in {"eval", "exec", "compile", "__import__"}, place
        assert not re.match(r"os\.(system|popen|exec|spawn|posix_spawn)", name), place
        assert not option(call, "shell"), place
    for file in RULES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(shell|run|wrapper|cwl|notebook)\s*:|\bshell\(", text, re.M), (
            file
        )


def test_yaml_is_read_as_plain_values():
    for place, name, _ in calls(FILES):
        assert not re.fullmatch(r"yaml\.(load|full_load|unsafe_load)(_all)?", name), place


def test_no_archive_is_unpacked_to_the_disk():
    for place, name, _ in calls(FILES):
        assert not name.endswith((".extractall", ".extract", "unpack_archive")), place


def test_network_is_used_by_the_verified_download_alone():
    users = {
        file.stem
        for file, module in imports(LIBRARY)
        if module.startswith(("urllib.request", "http", "socket", "requests"))
    }
    assert users == {"downloads", "https", "locks"}, "locks names this machine, and opens nothing"
    hubs = ("load_state_dict_from_url", "hub.load", "urlretrieve", "urlopen", "hf_hub_download")
    for place, name, call in calls(LIBRARY):
        assert not name.endswith(hubs), place
        if name in ("download", "downloads.download"):
            assert any(each.arg == "sha256" for each in call.keywords), place


def test_every_address_to_download_from_is_https_with_a_whole_digest():
    digest = re.compile(r"[0-9a-f]{64}")
    downloaded = [kind for kind in datasets.KINDS.values() if kind.download]
    assert len(downloaded) >= 3
    for kind in downloaded:
        assert kind.download.startswith("https://")
        assert kind.archives
        assert all(digest.fullmatch(each) for each in (kind.archives | kind.files).values())
    for known in filter(lambda each: each.is_pretrained, EXTRACTORS.values()):
        assert known.url.startswith("https://")
        assert digest.fullmatch(known.sha256)


def test_no_result_depends_on_the_time_of_day():
    """Durations are taken from clocks that nobody can set."""
    for place, name, _ in calls(LIBRARY):
        assert name not in WALL_CLOCK, place


def test_text_is_read_and_written_as_utf8_whatever_the_locale():
    for place, name, call in calls(LIBRARY):
        method = name.rsplit(".", 1)[-1]
        if method in ("read_text", "write_text") and not place.startswith("provenance.py"):
            own = name in (method, f"files.{method}")
            assert own or option(call, "encoding") in ("utf-8", "ascii"), place


def test_tests_of_what_is_never_done_find_it_where_it_is_done(tmp_path):
    """The readers above, on code that does all of it."""
    bad = tmp_path / "bad.py"
    bad.write_text("import pickle, time\ntime.time()\ntorch.load(f)\nos.system(x)\n")
    assert tuple(name for _, name, _ in calls([bad])) == ("time.time", "torch.load", "os.system")
    assert [module for _, module in imports([bad])] == ["pickle", "time"]
    (load,) = [call for _, name, call in calls([bad]) if name == "torch.load"]
    assert option(load, "weights_only") is None
