"""Makes envs/{stage}.yaml, the conda environments of the rules, from envs/requirements.lock.

    python envs/from_lock.py           writes them
    python envs/from_lock.py --check   exit status 1 where a file is not what would be written

A stage gets what its scripts import, found by reading their imports, and what that needs in turn.
All versions are the lock's. Inside an environment a script needs Python and these packages and
nothing installed of ganbench, which it finds beside itself. Run it in the locked environment: it
asks the installed packages what they need.

Never run through conda so far: made and checked on a machine that has none.
"""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parent
RULES = FOLDER.parent / "workflow" / "rules"
SCRIPTS = FOLDER.parent / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from ganbench.jobs import code_digest  # noqa: E402  (found through the line above)

PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "torch_fidelity": "torch-fidelity",
    "yaml": "pyyaml",
}
"""Packages that are not called what is imported."""

HEADER = """\
# Made by envs/from_lock.py from envs/requirements.lock; `make generated` makes it again.
# For `snakemake --software-deployment-method conda`. Never run through conda so far.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python >=3.11,<3.14
  - pip
"""


def stages() -> dict[str, list[str]]:
    """The scripts that run in each environment, as the rules' `conda:` and `script:` lines say."""
    found: dict[str, list[str]] = {}
    for file in sorted(RULES.glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        lines = re.findall(r'^ {8}"\.\./(?:\.\./envs|scripts)/(\w+)\.(?:yaml|py)"$', text, re.M)
        for stage, script in zip(lines[::2], lines[1::2], strict=True):
            found.setdefault(stage, []).append(script)
    return found


def imported(script: str) -> set[str]:
    """The packages that a script and the library files behind it import."""
    file = SCRIPTS / f"{script}.py"
    names: set[str] = set()
    for each in [file, *code_digest.library_files(file)]:
        for node in ast.walk(ast.parse(each.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.partition(".")[0])
    names -= {*sys.stdlib_module_names, code_digest.LIBRARY.name}
    return {PACKAGES.get(name, name) for name in names}


def locked() -> dict[str, list[str]]:
    """The lock's lines by package, `name==version ; marker`, without hashes."""
    lines: dict[str, list[str]] = {}
    for line in (FOLDER / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([a-z0-9.-]+)==[^\\]+", line):
            lines.setdefault(found[1], []).append(found[0].strip())
    return lines


def with_needs(packages: set[str], lock: dict[str, list[str]]) -> list[str]:
    """`packages` and what they need in turn, sorted; where a need applies is left to the lock."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(package) for package in packages]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if name in lock and (name, extras) not in found:
            found.add((name, extras))
            waiting += needs(name, extras)
    return sorted({name for name, _ in found})


def needs(package: str, extras: frozenset[str]) -> list[Requirement]:
    """What an installed package says it needs, on any platform, with these extras."""
    try:
        requirements = map(Requirement, metadata.requires(package) or ())
    except metadata.PackageNotFoundError:
        return []  # for another platform, as the lock's marker says
    return [each for each in requirements if _applies(each, extras)]


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    if marker is None or "extra" not in str(marker):
        return True
    return any(marker.evaluate({"extra": extra}) for extra in extras)


def environment(stage: str, scripts: list[str]) -> str:
    """The conda file of a stage with these scripts.

    Raises KeyError where an import is of no package in the lock.
    """
    lock = locked()
    packages = set().union(*(imported(script) for script in scripts))
    if unknown := packages - set(lock):
        raise KeyError(f"{stage} imports {unknown}: not in the lock, or under another name")
    if not packages:
        return HEADER
    pins = [line for name in with_needs(packages, lock) for line in lock[name]]
    return HEADER + "  - pip:\n" + "".join(f'      - "{pin}"\n' for pin in pins)


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` names those that are out of date."""
    texts = {FOLDER / f"{stage}.yaml": environment(stage, of) for stage, of in stages().items()}
    if "--check" not in arguments:
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")
        return 0
    stale = [file for file, text in texts.items() if not file.exists() or file.read_text() != text]
    for file in stale:
        print(f"envs/{file.name} is not what the lock and the imports make: run `make generated`")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
