"""Where a result comes from: digests, versions, machine."""

import hashlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "torchvision",
    "torch-fidelity",
    "numpy",
    "scipy",
    "scikit-learn",
    "sympy",
    "pandas",
    "matplotlib",
    "snakemake",
)
"""Packages that can change a number."""

CPUINFO = Path("/proc/cpuinfo")


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(data: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes, or of a text's UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_versions() -> dict[str, str]:
    """Versions of Python and of the installed ones of `PACKAGES`."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue  # a stage's own environment has only the packages that the stage needs
    return versions


def describe_machine() -> dict[str, str | int]:
    """Operating system, processor and number of cores; no host name and no user."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": read_cpuinfo().get("model name") or platform.processor() or "unknown",
        "cores": os.cpu_count() or 1,
    }


def read_cpuinfo() -> dict[str, str]:
    """What /proc/cpuinfo says of the first processor; empty on systems other than Linux."""
    if not CPUINFO.exists():
        return {}
    text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    lines = [line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line]
    return {key.strip(): value.strip() for key, value in lines}
