"""The digest of a script's code: it sees what Python would import, and content alone."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ganbench.jobs import code_digest as dependencies
from project import ROOT

SCRIPTS = sorted(ROOT.glob("workflow/scripts/*.py"))
PRINT_DIGEST = "import sys, pathlib; from ganbench.jobs import code_digest; " + (
    "print(code_digest.digest(pathlib.Path(sys.argv[1])))"
)
PRINT_MODULES = """
import sys
for name, module in sorted(sys.modules.items()):
    if name.partition(".")[0] == "ganbench":
        print(module.__file__)
"""


def python(code: str, *arguments: str, folder: Path) -> str:
    """What a fresh interpreter prints that finds ganbench in `folder` alone."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def scripts(tmp_path):
    copy = tmp_path / "scripts"
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(ROOT / "workflow/scripts", copy, ignore=ignored)


@pytest.fixture
def digest(scripts):
    return lambda: python(PRINT_DIGEST, str(scripts / "train.py"), folder=scripts)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_files_found_without_running_are_those_that_python_imports(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    code = "\n".join(ast.unparse(each) for each in imports) + PRINT_MODULES
    imported = {Path(file) for file in python(code, folder=script.parent).split("\n")[:-1]}
    found = set(dependencies.library_files(script))
    assert imported <= found
    # what is found beside them is imported when it is needed, within a function
    assert found - imported <= imported_later(found)


def imported_later(files: set[Path]) -> set[Path]:
    """What is imported within functions of `files`, and what that imports in turn."""
    later: set[Path] = set()
    for file in files:
        functions = [
            node
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        ]
        for node in (inner for function in functions for inner in ast.walk(function)):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                modules = [module for name in names for module in dependencies._modules(name)]
                later |= {*modules, *(f for m in modules for f in dependencies.library_files(m))}
    return later


def test_edited_module_changes_the_digest_and_a_restored_one_restores_it(scripts, digest):
    before = digest()
    module = scripts / "ganbench/formula/language.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text + "\n# edited\n", encoding="utf-8")
    assert digest() != before
    module.write_text(text, encoding="utf-8")
    assert digest() == before


def test_touched_module_leaves_the_digest(scripts, digest):
    before = digest()
    for module in scripts.glob("ganbench/**/*.py"):
        os.utime(module, (1, 1))
    assert digest() == before


def test_module_that_the_script_does_not_import_leaves_the_digest(scripts, digest):
    before = digest()
    (scripts / "ganbench/evaluation/score.py").write_text("# edited\n", encoding="utf-8")
    assert digest() == before


def test_digest_does_not_depend_on_where_the_checkout_is(scripts, digest, tmp_path):
    before = digest()
    elsewhere = scripts.rename(tmp_path / "elsewhere")
    assert python(PRINT_DIGEST, str(elsewhere / "train.py"), folder=elsewhere) == before


def test_imports_within_functions_and_of_whole_packages_are_seen(scripts):
    script = scripts / "some.py"
    script.write_text(
        "def later():\n    import ganbench.study.budget\n"
        "    from ganbench.formula.language import parse\n",
        encoding="utf-8",
    )
    names = [file.name for file in dependencies.library_files(script)]
    assert "budget.py" in names
    assert "language.py" in names


@pytest.mark.parametrize(
    "code",
    [
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
def test_imports_are_seen_wherever_a_statement_may_stand(code, tmp_path):
    script = tmp_path / "some.py"
    script.write_text(code.format("import ganbench.study.budget") + "\n", encoding="utf-8")
    assert "budget.py" in [file.name for file in dependencies.library_files(script)]
