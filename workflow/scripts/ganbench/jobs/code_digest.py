"""Which code a script depends on, read from its imports without running them.

Snakemake re-runs a rule when its script changes but does not see what the script imports.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ganbench.jobs import provenance

LIBRARY = Path(__file__).parents[1]


def library_files(script: Path) -> list[Path]:
    """Every module of ganbench that `script` imports, directly or not, sorted."""
    found: set[Path] = set()
    waiting = list(_imported(script))
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module)
    return sorted(found)


def digest(script: Path) -> str:
    """A short SHA-256 over the library files that `script` imports: their names and contents."""
    digests = {
        file.relative_to(LIBRARY).as_posix(): provenance.sha256_file(file)
        for file in library_files(script)
    }
    return provenance.sha256(provenance.canonical_json(digests))[:16]


@cache
def _imported(file: Path) -> tuple[Path, ...]:
    names: list[str] = []
    for node in _statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(module for name in names for module in _modules(name))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements below `node`, not their expressions: a twelfth of what `ast.walk` visits."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(node, block, ()):
            yield statement
            yield from _statements(statement)


def _modules(name: str) -> list[Path]:
    """The files behind a dotted name: its packages' `__init__.py`, and itself if it is a module."""
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
