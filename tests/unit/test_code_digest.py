"""The digest of a script's code covers what Python would import, and depends on content alone."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ganbench.jobs import code_digest
from project import ROOT

SCRIPTS = sorted(ROOT.glob("workflow/scripts/*.py"))
LIST_IMPORTED_FILES = """
import ast, json, sys
files = {}
for script in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ganbench"]:
        del sys.modules[name]
    nodes = ast.walk(ast.parse(open(script).read()))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), script, "exec"), {})
    modules = [sys.modules[name] for name in sys.modules if name.partition(".")[0] == "ganbench"]
    files[script] = [module.__file__ for module in modules]
print(json.dumps(files))
"""


@pytest.fixture(scope="module")
def imported_files():
    """The library files that Python imports for each script, listed by a fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    done = subprocess.run(
        [sys.executable, "-c", LIST_IMPORTED_FILES, *SCRIPTS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    files = json.loads(done.stdout.splitlines()[-1])
    return {script: {Path(file) for file in files[str(script)]} for script in SCRIPTS}


def find_late_imports(files: set[Path]) -> set[Path]:
    """The files imported within functions of `files`, and all that those import."""
    late: set[Path] = set()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for node in (inner for function in functions for inner in ast.walk(function)):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                for module in (file for name in names for file in code_digest._find_modules(name)):
                    late |= {module, *code_digest.find_library_files(module)}
    return late


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_files_are_those_that_python_imports(script, imported_files):
    files = set(code_digest.find_library_files(script))
    assert imported_files[script] <= files
    # Python imports the others later, within a function
    assert files - imported_files[script] <= find_late_imports(files)


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A copy of the scripts and the library, which digests are made of."""
    copy = tmp_path / "scripts"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "workflow/scripts", copy, ignore=ignored)
    monkeypatch.setattr(code_digest, "LIBRARY", copy / "ganbench")
    return copy


def digest(scripts: Path) -> str:
    code_digest._find_imports.cache_clear()
    return code_digest.digest(scripts / "train.py")


def test_edited_module_changes_the_digest_until_it_is_restored(scripts):
    before = digest(scripts)
    module = scripts / "ganbench/formula/language.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text + "\n# edited\n", encoding="utf-8")
    assert digest(scripts) != before
    module.write_text(text, encoding="utf-8")
    assert digest(scripts) == before


def test_touched_module_does_not_change_the_digest(scripts):
    before = digest(scripts)
    for module in scripts.glob("ganbench/**/*.py"):
        os.utime(module, (1, 1))
    assert digest(scripts) == before


def test_module_that_is_not_imported_does_not_change_the_digest(scripts):
    before = digest(scripts)
    (scripts / "ganbench/evaluation/score.py").write_text("# edited\n", encoding="utf-8")
    assert digest(scripts) == before


def test_place_of_the_checkout_does_not_change_the_digest(scripts, tmp_path, monkeypatch):
    before = digest(scripts)
    elsewhere = scripts.rename(tmp_path / "elsewhere")
    monkeypatch.setattr(code_digest, "LIBRARY", elsewhere / "ganbench")
    assert digest(elsewhere) == before


@pytest.mark.parametrize(
    "code",
    [
        "def later():\n    {}",
        "import typing\nif typing.TYPE_CHECKING:\n    {}",
        "if 0:\n    pass\nelse:\n    {}",
        "if 0:\n    pass\nelif 1:\n    {}",
        "try:\n    {}\nexcept OSError:\n    pass",
        "try:\n    pass\nexcept OSError:\n    {}",
        "try:\n    pass\nexcept OSError:\n    pass\nelse:\n    {}",
        "try:\n    pass\nfinally:\n    {}",
        "with open('x'):\n    {}",
        "for x in ():\n    pass\nelse:\n    {}",
        "while 0:\n    {}",
        "match 1:\n    case 1:\n        {}",
        "class C:\n    def method(self):\n        {}",
        "async def later():\n    async with x:\n        {}",
    ],
)
@pytest.mark.parametrize(
    "statement", ["import ganbench.study.budget", "from ganbench.study import budget"]
)
def test_imports_are_found_in_every_kind_of_block(code, statement, tmp_path):
    script = tmp_path / "some.py"
    script.write_text(code.format(statement) + "\n", encoding="utf-8")
    assert "budget.py" in [file.name for file in code_digest.find_library_files(script)]
