"""A digest of a script and of the library code that it imports, found without running the imports.

Snakemake sees no import, and judges a script by its time, which a fresh checkout resets.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ganbench.jobs import provenance

LIBRARY = Path(__file__).parents[1]


def find_library_files(script: Path) -> list[Path]:
    """Every module of ganbench that `script` imports, directly or indirectly, sorted."""
    modules: set[Path] = set()
    pending = list(_find_imports(script))
    while pending:
        module = pending.pop()
        if module not in modules:
            modules.add(module)
            pending += _find_imports(module)
    return sorted(modules)


def digest(script: Path) -> str:
    """A short SHA-256 of a script, and of names and contents of the library files it imports."""
    digests = {
        "script": provenance.sha256_file(script),
        **{
            file.relative_to(LIBRARY).as_posix(): provenance.sha256_file(file)
            for file in find_library_files(script)
        },
    }
    return provenance.sha256(provenance.canonical_json(digests))[:16]


@cache
def _find_imports(file: Path) -> tuple[Path, ...]:
    names: list[str] = []
    for node in _walk_statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(module for name in names for module in _find_modules(name))


def _walk_statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements below `node`, without their expressions, most of what `ast.walk` visits."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(node, block, ()):
            yield statement
            yield from _walk_statements(statement)


def _find_modules(name: str) -> list[Path]:
    """The files behind a dotted name: its packages' `__init__.py`, and the module if it is one."""
    first, *rest = name.split(".")
    if first != LIBRARY.name:
        return []
    folder, files = LIBRARY, [LIBRARY / "__init__.py"]
    for part in rest:
        if (folder / f"{part}.py").exists():
            return [*files, folder / f"{part}.py"]
        folder /= part
        if not folder.is_dir():
            break
        files.append(folder / "__init__.py")
    return files
