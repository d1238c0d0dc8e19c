"""The rooms of the library: who may import whom, and that every name means one thing."""

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

FLOORS = (
    {"wording", "jobs"},
    {"downloads", "formula"},
    {"catalogue"},
    {"study", "randomness", "samples", "densities"},
    {"networks", "evidence"},
    {"regularizers", "duality_gap"},
    {"datasets", "training", "evaluation", "theory", "report"},
)
"""Rooms from the ground up. A room imports rooms of lower floors, never one beside it or above."""


def room(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[str]:
    """Modules of the library that a file imports, as `room` or `room.module`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganbench"):
            within = node.module.removeprefix("ganbench").lstrip(".")
            yield from (f"{within}.{alias.name}".lstrip(".") for alias in node.names)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("ganbench") for alias in node.names), file


def floor_of(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def test_every_room_has_a_floor():
    assert {room(file) for file in FILES} - {"__init__"} == set().union(*FLOORS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_imports_go_down(file):
    """So no stage imports a stage: they stand on one floor, and meet in files."""
    imported = {name.split(".")[0] for name in imports(file)}
    if file.name == "__init__.py":
        assert not imported
    else:
        assert {
            name for name in imported - {room(file)} if floor_of(name) >= floor_of(room(file))
        } == set()


@pytest.mark.parametrize(
    "folder", sorted({file.parent for file in FILES}), ids=lambda folder: folder.name
)
def test_a_package_file_is_one_docstring(folder):
    body = ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0].value.value, str)


def test_few_files_lie_at_the_root():
    assert len(list(LIBRARY.glob("*.py"))) <= 6


def public_definitions(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def test_no_two_files_and_no_two_public_definitions_share_a_name():
    places = defaultdict(list)
    for file in FILES:
        if file.name != "__init__.py":
            for name in (file.stem + ".py", *public_definitions(file)):
                places[name].append(file.relative_to(LIBRARY).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def reached(script: str) -> set[str]:
    files = code_digest.library_files(LIBRARY.parent / f"{script}.py")
    return {file.relative_to(LIBRARY).as_posix() for file in files}


def test_a_script_depends_on_what_it_imports_alone():
    """An edit re-runs the rules whose scripts reach the edited file, so these must not."""
    assert not {
        name for name in reached("density_floor") if name.startswith(("networks/", "training/"))
    }
    assert not {"evaluation/dinov2.py", "evaluation/score.py"} & reached("density_floor")
    assert not {"evaluation/dinov2.py", "evaluation/kernel_distance.py"} & reached(
        "evaluate_density"
    )
    for script in ("prepare", "theory", "train"):
        assert not {
            name
            for name in reached(script)
            if name.startswith(("evaluation/", "evidence/", "report/"))
        }
    assert not {
        name
        for name in reached("report")
        if name.startswith(("networks/", "training/", "evaluation/"))
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_scripts_read_no_raw_configuration(script):
    """`resolve` alone reads what a study says; a script gets the resolved part that it needs."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    reads = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript | ast.Call)
        and ast.unparse(node).startswith("snakemake.config")
    ]
    assert {read for read in reads if not read.startswith("snakemake.config['execution']")} == set()
