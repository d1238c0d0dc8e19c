"""The rooms of the library: which may import which, and that every name means one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from ganbench.jobs import code_digest
from project import ROOT

LIBRARY = ROOT / "workflow/scripts/ganbench"
SCRIPTS = sorted(LIBRARY.parent.glob("*.py"))
FILES = sorted(LIBRARY.rglob("*.py"))
FOLDERS = sorted({file.parent for file in FILES})

FLOORS = (
    {"wording", "jobs"},
    {"downloads", "formula"},
    {"catalogue"},
    {"study", "randomness", "samples", "densities"},
    {"networks", "augmentation", "evidence", "terminal"},
    {"regularizers", "duality_gap"},
    {"datasets", "training", "evaluation", "theory", "references", "report"},
    {"interface"},
    {"commands"},
    {"__main__"},
)
"""Rooms from the ground up. A room imports only rooms of lower floors."""


def find_room(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


def find_floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def list_named_modules(file: Path) -> set[str]:
    """The modules of the library that a file imports by a string.

    All strings that name a module count where the file calls `import_module`, because the name may
    be a constant.
    """
    nodes = list(ast.walk(parse(file)))
    calls = (ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call))
    if not any(call.endswith("import_module") for call in calls):
        return set()
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and text.startswith("ganbench.")}


def list_imported_rooms(file: Path) -> set[str]:
    """The rooms that a file imports from, also within functions."""
    rooms = set()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganbench"):
            names = node.module.split(".")[1:] or [alias.name for alias in node.names]
            rooms.add(names[0])
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("ganbench") for alias in node.names), file
    return rooms


def test_every_room_has_a_floor():
    assert {find_room(file) for file in FILES} - {"__init__"} == set().union(*FLOORS)


def test_rooms_import_only_rooms_of_lower_floors():
    """So no stage imports another stage: they share one floor, and meet only in files."""
    for file in FILES:
        if file.name != "__init__.py":
            room = find_room(file)
            for other in list_imported_rooms(file) - {room}:
                assert find_floor(other) < find_floor(room), f"{file} imports {other}"


BY_NAME = {
    "__init__.py": {"ganbench.", "ganbench.jobs.systems"},
    "jobs/training_jobs.py": {"ganbench.evaluation.stopping_score"},
}
"""Modules that are imported by a string: the library's own functions when they are named, and the
scoring by which some runs stop, so that an edit of it does not train the other runs again."""


def test_no_other_module_is_imported_by_a_string():
    """`list_imported_rooms` does not see these imports."""
    named = {file.relative_to(LIBRARY).as_posix(): list_named_modules(file) for file in FILES}
    assert {name: modules for name, modules in named.items() if modules} == BY_NAME


def test_library_itself_imports_nothing_of_its_own():
    """Its public functions are looked up when they are named."""
    script = LIBRARY.parent / "prepare.py"
    files = [file for file in code_digest.find_library_files(script) if file.parent == LIBRARY]
    assert not {"interface"} & {find_room(file) for file in files}
    assert list_imported_rooms(LIBRARY / "__init__.py") == set()


@pytest.mark.parametrize("folder", FOLDERS[1:], ids=lambda folder: folder.name)
def test_package_file_holds_only_a_docstring(folder):
    body = parse(folder / "__init__.py").body
    assert len(body) == 1
    assert isinstance(body[0].value.value, str)


def test_few_files_lie_at_the_root():
    assert len(list(LIBRARY.glob("[!_]*.py"))) <= 5


def list_public_definitions(file: Path) -> Iterator[str]:
    for node in parse(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def test_no_two_files_and_no_two_public_definitions_share_a_name():
    places = defaultdict(list)
    for file in FILES:
        if file.name != "__init__.py":
            for name in (file.name, *list_public_definitions(file)):
                places[name].append(file.relative_to(LIBRARY).as_posix())
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


@pytest.mark.parametrize(
    ("script", "folders"),
    [
        ("density_floor", ["networks", "training"]),
        ("prepare", ["evaluation", "evidence", "report"]),
        ("theory", ["evaluation", "evidence", "report"]),
        ("train", ["evaluation", "evidence", "report"]),
        ("report", ["networks", "training", "evaluation"]),
    ],
)
def test_script_does_not_depend_on_rooms_of_other_stages(script, folders):
    """An edit re-runs the rules whose scripts depend on the edited file."""
    files = code_digest.find_library_files(LIBRARY.parent / f"{script}.py")
    assert not {find_room(file) for file in files} & set(folders)


@pytest.mark.parametrize("script", ["density_floor", "evaluate_density"])
def test_scores_of_points_do_not_depend_on_metrics_of_images(script):
    files = code_digest.find_library_files(LIBRARY.parent / f"{script}.py")
    names = {file.name for file in files}
    assert not {"dinov2.py", "kernel_distance.py", "score.py"} & names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_scripts_are_short_and_read_no_raw_configuration(script):
    """Only `resolve` reads what a study says; a script gets the resolved part that it needs."""
    assert len(script.read_text(encoding="utf-8").splitlines()) < 25
    reads = [
        ast.unparse(node)
        for node in ast.walk(parse(script))
        if isinstance(node, ast.Subscript | ast.Call)
        and ast.unparse(node).startswith("snakemake.config")
    ]
    assert {read for read in reads if not read.startswith("snakemake.config['execution']")} == set()


@pytest.mark.parametrize("hook", ["onstart", "onsuccess", "onerror"])
def test_each_hook_of_snakemake_stands_once(hook):
    """Snakemake keeps the last and forgets the others without a word."""
    files = [
        ROOT / "Snakefile",
        ROOT / "workflow/Snakefile",
        *(ROOT / "workflow/rules").glob("*.smk"),
    ]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines.count(f"{hook}:") == 1
