"""Makes the environment of envs/requirements.lock, as `make` does on first use.

    python envs/install.py FOLDER [TORCH]

TORCH is empty for the lock's own torch, a CUDA build that also runs without a GPU. `system` takes
the torch of this Python, as a cluster's module brings it. Anything else are pip's arguments that
install torch and torchvision, such as a version or the index of another CUDA. Packages of the lock
are compared with their hashes. uv installs them, with pip's settings: that of the PATH, or else the
lock's, which pip installs first. Where neither is to be had, or it fails, pip installs them all.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.lock")

OLDEST_TORCH = (2, 11)

OF_TORCH = re.compile(r"(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==")
"""Entries of the lock that another torch brings itself."""

VERSIONS = "import torch, torchvision, sys; sys.stdout.write(torch.__version__)"

SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "no-index": "UV_NO_INDEX",
}
"""pip's settings, and the variables by which uv knows them."""


SCOPES = ("global", "install", ":env:")
"""Where a setting of pip stands, the strongest last."""


def main(folder: Path, torch: str) -> None:
    """Makes the environment `folder`; ends the process with one message where it cannot be made."""
    if torch == "system":
        check_torch(Path(sys.executable), "TORCH=system")
    shared = torch == "system"  # links, as `python -m venv` makes them: they may be there already
    venv.create(folder, with_pip=True, system_site_packages=shared, symlinks=True)
    python = folder.absolute() / "bin/python"
    lock = LOCK
    if torch:
        lock = folder / "requirements.lock"
        lock.write_text(leave_out_torch(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"Without the lock's torch: what a study computes may differ from others'. {torch}")
    # the lock names every package, so nothing else is to be resolved
    install(python, ["--no-deps", "--require-hashes", "-r", str(lock)])
    if torch and torch != "system":
        install(python, shlex.split(torch))
    if torch:
        check_torch(python, f"TORCH={torch}")


def leave_out_torch(lock: str) -> str:
    """The lock without torch, torchvision and the packages of CUDA."""
    entries = re.split(r"\n(?=\S)", lock)
    return "\n".join(entry for entry in entries if not OF_TORCH.match(entry))


def check_torch(python: Path, origin: str) -> None:
    """Ends the process where `python` has no torch and torchvision, or too old ones."""
    asked = subprocess.run(
        [python, "-c", VERSIONS], capture_output=True, text=True, check=False, timeout=300
    )
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"{origin}: expected torch and torchvision in {python}, found: {reason}")
    if tuple(map(int, re.findall(r"\d+", asked.stdout)[:2])) < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        sys.exit(f"{origin}: found torch {asked.stdout}, expected {oldest} or later")


def install(python: Path, arguments: list[str]) -> None:
    """Installs packages into the environment of `python`: by uv if it can be had, or by pip."""
    if uv := shutil.which("uv") or install_uv(python):
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *arguments]
        if sys.dont_write_bytecode:  # or each process would compile all that it imports anew
            command.append("--compile-bytecode")
        if subprocess.run(command, env=translate_settings(python), check=False).returncode == 0:
            return
        print("uv could not install them; now pip")
    if status := run_pip(python, arguments):
        sys.exit(status)


def install_uv(python: Path) -> str | None:
    """The lock's uv in the environment of `python`; None where it cannot be had."""
    uv = python.with_name("uv")
    if not uv.exists():
        entry = re.search(r"^uv==.*(?:\n\s.*)*", LOCK.read_text(encoding="utf-8"), re.M)[0]
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(entry)
            file.flush()
            run_pip(python, ["--no-deps", "--require-hashes", "-r", file.name])
    return str(uv) if uv.exists() else None


def run_pip(python: Path, arguments: list[str]) -> int:
    """Lets pip install packages into the environment of `python`; returns its exit status."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False).returncode


def translate_settings(python: Path) -> dict[str, str]:
    """The environment for uv, which reads no settings of pip.

    pip takes the best version of all its indexes, and so must uv. Variables of uv's own stay.
    """
    listed = subprocess.run(
        [python, "-m", "pip", "config", "list", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    )
    settings = re.findall(r"^(global|install|:env:)\.(\S+?)='(.*)'$", listed.stdout, re.M)
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for _, name, value in sorted(settings, key=lambda line: SCOPES.index(line[0])):
        if name in SETTINGS:
            words = value.replace("\\n", " ").split()
            variables[SETTINGS[name]] = ("," if name == "find-links" else " ").join(words)
    return {**variables, **os.environ}


if __name__ == "__main__":
    main(Path(sys.argv[1]), " ".join(sys.argv[2:]))
