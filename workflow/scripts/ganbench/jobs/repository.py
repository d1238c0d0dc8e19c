"""The web address of this software's repository, as its checkout names it."""

import configparser
import re
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from ganbench.jobs.checkout import find_shared_folder

CITATION = "CITATION.cff"

_SSH = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+):(?P<path>[\w./~-]+)")
"""The short form of an address over SSH: `git@host:owner/name.git`."""


def read_repository(root: Path) -> str | None:
    """The address under `repository-code` in CITATION.cff, or else that of git's remote `origin`.

    None where neither is one of the web. The address of a remote loses whatever may be secret:
    user, password, query and fragment.
    """
    return _read_citation(root / CITATION) or _read_remote(root)


def _read_citation(file: Path) -> str | None:
    if not file.is_file():
        return None
    citation = yaml.safe_load(file.read_text(encoding="utf-8"))
    address = citation.get("repository-code") if isinstance(citation, dict) else None
    return to_web_address(address) if isinstance(address, str) else None


def _read_remote(root: Path) -> str | None:
    shared = find_shared_folder(root)
    file = shared / "config" if shared else None
    if file is None or not file.is_file():
        return None
    # git's own format: keys may lack a value, and sections may come twice
    config = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        config.read_string(re.sub(r"(?m)^\s+", "", file.read_text(encoding="utf-8")))
    except (configparser.Error, UnicodeDecodeError):
        return None  # the address only names results
    address = config.get('remote "origin"', "url", fallback=None) or ""
    return to_web_address(address.strip('"'))


def to_web_address(remote: str) -> str | None:
    """The page that people open for a remote of git; None for a folder or another protocol."""
    short = _SSH.fullmatch(remote)
    if short:
        return _clean(short["host"], short["path"])
    try:
        address = urlsplit(remote)
        host = address.hostname
    except ValueError:
        return None
    if address.scheme not in ("http", "https", "ssh", "git") or not host:
        return None
    return _clean(host, address.path)


def _clean(host: str, path: str) -> str | None:
    """An address of public form; None for one of a single computer or network, such as a proxy."""
    if "." not in host or re.fullmatch(r"[\d.]+|.*\.(?:local|localdomain|internal|lan)", host):
        return None
    name = path.strip("/").removesuffix(".git")
    return f"https://{host}/{name}" if name else None
