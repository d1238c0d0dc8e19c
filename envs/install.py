"""Makes the environment of envs/requirements.lock, as `make` does on first use.

    python envs/install.py FOLDER [TORCH]

TORCH is empty for the lock's own torch, a CUDA build that also runs without a GPU. `system` takes
the torch of this Python, as a cluster's module brings it. Anything else are pip's arguments that
install torch and torchvision, such as a version or the index of another CUDA. Packages of the lock
are compared with their hashes. uv installs them if it is on the PATH, with pip's settings; pip does
otherwise.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
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
    venv.create(folder, with_pip=True, system_site_packages=torch == "system")
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
    """Installs packages into the environment of `python`, by uv or else by pip."""
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *arguments]
        if subprocess.run(command, env=translate_settings(python), check=False).returncode == 0:
            return
        print("uv could not install them; now pip")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if status := subprocess.run(command, check=False).returncode:
        sys.exit(status)


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
