"""Makes envs/{stage}.yaml, the conda environments of the rules, from envs/requirements.lock.

    python envs/from_lock.py           writes them
    python envs/from_lock.py --check   exits with status 1 if a file is out of date

A stage gets the packages that its scripts import, found by reading their imports, and the packages
that those need. All versions are the lock's. The environments do not contain ganbench, which the
scripts find beside themselves. Run this in the locked environment: it asks the installed packages
what they need.

The environments have not been tested with conda yet.
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
    "fontTools": "fonttools",
    "sklearn": "scikit-learn",
    "torch_fidelity": "torch-fidelity",
    "yaml": "pyyaml",
}
"""Packages whose names differ from what is imported."""

SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)
"""Systems that the lock covers, as markers see them."""

HEADER = """\
# Made from envs/requirements.lock by `make generated`; do not edit by hand.
# For `snakemake --software-deployment-method conda`. Not yet tested with conda.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python >=3.11,<3.14
  - pip
"""


def find_stages() -> dict[str, list[str]]:
    """The scripts of each environment, from the `conda:` and `script:` lines of the rules."""
    stages: dict[str, list[str]] = {}
    for file in sorted(RULES.glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        lines = re.findall(r'^ {8}"\.\./(?:\.\./envs|scripts)/(\w+)\.(?:yaml|py)"$', text, re.M)
        for stage, script in zip(lines[::2], lines[1::2], strict=True):
            stages.setdefault(stage, []).append(script)
    return stages


def find_imports(script: str) -> set[str]:
    """The packages that a script and the library files behind it import."""
    script_file = SCRIPTS / f"{script}.py"
    names: set[str] = set()
    for file in [script_file, *code_digest.find_library_files(script_file)]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.partition(".")[0])
    names -= {*sys.stdlib_module_names, code_digest.LIBRARY.name}
    return {PACKAGES.get(name, name) for name in names}


def read_lock() -> dict[str, list[str]]:
    """The lock's lines by package, `name==version ; marker`, without hashes."""
    lines: dict[str, list[str]] = {}
    for line in (FOLDER / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([a-z0-9.-]+)==[^\\]+", line):
            lines.setdefault(match[1], []).append(match[0].strip())
    return lines


def add_requirements(packages: set[str], lock: dict[str, list[str]]) -> list[str]:
    """`packages` and all packages that they need, sorted, for every system that the lock covers."""
    visited: set[tuple[str, frozenset[str]]] = set()
    pending = [Requirement(package) for package in packages]
    while pending:
        requirement = pending.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name in lock and (name, extras) not in visited:
            visited.add((name, extras))
            pending += list_requirements(name, extras)
    return sorted({name for name, _ in visited})


def list_requirements(package: str, extras: frozenset[str]) -> list[Requirement]:
    """The requirements of an installed package with these extras, on any system."""
    try:
        requirements = map(Requirement, metadata.requires(package) or ())
    except metadata.PackageNotFoundError:
        return []  # a package for another system, as the lock's marker says
    return [requirement for requirement in requirements if _applies(requirement, extras)]


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether a requirement belongs to no extra, or to one of `extras` on any of `SYSTEMS`.

    The version of Python and the processor are those of this environment.
    """
    marker = requirement.marker
    if marker is None or "extra" not in str(marker):
        return True
    environments = ({**system, "extra": extra} for system in SYSTEMS for extra in extras)
    return any(map(marker.evaluate, environments))


def make_environment(stage: str, scripts: list[str]) -> str:
    """The conda file of a stage with these scripts.

    Raises KeyError if a package that they import is not in the lock.
    """
    lock = read_lock()
    packages = set().union(*(find_imports(script) for script in scripts))
    if unknown := packages - set(lock):
        raise KeyError(
            f"{stage} imports {', '.join(sorted(unknown))}, which the lock does not have: add it "
            "to pyproject.toml and run `make lock`, or name its package in PACKAGES"
        )
    if not packages:
        return HEADER
    pins = [line for name in add_requirements(packages, lock) for line in lock[name]]
    return HEADER + "  - pip:\n" + "".join(f'      - "{pin}"\n' for pin in pins)


def _holds(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` names those that are out of date."""
    texts = {
        FOLDER / f"{stage}.yaml": make_environment(stage, scripts)
        for stage, scripts in find_stages().items()
    }
    if "--check" not in arguments:
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")
        return 0
    stale = [file for file, text in texts.items() if not _holds(file, text)]
    for file in stale:
        print(f"envs/{file.name} is out of date with the lock or the scripts: run `make generated`")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
