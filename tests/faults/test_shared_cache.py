"""The cache that studies share: by several processes, and by users who may not read everything."""

import gzip
import hashlib
import io
import os
import shutil
import tempfile
import traceback
from pathlib import Path

import pytest
from faulty import contents
from ganbench.catalogue.datasets import Kind
from ganbench.datasets import locate
from ganbench.datasets.sources import DatasetError
from ganbench.downloads.cache import CacheError
from ganbench.downloads.download import download

NOBODY = 65534
FILES = {f"part-{number}": os.urandom(1000) for number in range(4)}
KIND = Kind(
    name="mnist",
    type="images",
    title="Something",
    files={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    download="https://127.0.0.1:9/",  # nobody listens at port 9
    archives={f"{name}.gz": "0" * 64 for name in FILES},
)


@pytest.fixture
def cache(monkeypatch):
    """A filled cache where every user can get to it, unlike pytest's own folder."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    folder = root / "cache/mnist"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setenv("GANBENCH_CACHE", str(root / "cache"))
    monkeypatch.setattr(locate, "SYSTEM_FOLDERS", ())
    yield folder
    for each in (root / "cache", folder):
        each.chmod(0o755)
    shutil.rmtree(root)


def as_another_user(work) -> str:
    """What `work` gives, or its error in words, in a process of a user with no rights of ours.

    Where this user is not root there is no other one to become: the tests take the rights from it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            told = str(work())
        except (DatasetError, CacheError) as error:
            told = f"refused: {error}"
        except BaseException:
            told = traceback.format_exc()
        os.write(writing, told.encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


def for_nobody_else(path: Path) -> None:
    """Takes a path's rights from all who are not its owner, or from us where we are not root."""
    path.chmod((0o700 if path.is_dir() else 0o600) if os.geteuid() == 0 else 0)


def found() -> str:
    return locate.find_files(KIND, "", io.StringIO()).origin


@pytest.mark.promise("cache-of-others")
def test_cache_of_another_user_is_read(cache):
    assert as_another_user(found) == "the shared cache"


@pytest.mark.parametrize("what", ["cache", "folder", "file"])
@pytest.mark.promise("cache-of-others")
def test_private_cache_of_another_user_is_reported_with_remedies(cache, what):
    private = {"cache": cache.parent, "folder": cache, "file": cache / "part-2.gz"}[what]
    for_nobody_else(private)
    told = as_another_user(found)
    private.chmod(0o755)
    assert told.startswith(f"refused: {private}")
    assert "cannot be read by this user" in told
    assert told.endswith("or set GANBENCH_CACHE to another cache folder")


def test_download_lock_of_another_user_is_reported(cache):
    """Its lock may not be written to: whoever comes second is told so, and the first goes on."""
    lock = cache / ".weights.lock"
    lock.touch()
    for_nobody_else(lock)
    wanted = lambda: download("https://127.0.0.1:9/w", cache / "weights", sha256="0" * 64)  # noqa: E731
    told = as_another_user(wanted)
    assert told.startswith("refused: no folder for downloads")
    assert told.endswith("Permission denied; set GANBENCH_CACHE to another folder")


@pytest.mark.promise("shared-cache")
def test_eight_processes_read_one_cache_and_leave_it_unchanged(cache):
    before = contents(cache.parent)
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            reads = (locate.find_files(KIND, "", io.StringIO()) for _ in range(20))
            os._exit(0 if all(read.contents == FILES for read in reads) else 1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
    assert contents(cache.parent) == before


@pytest.mark.promise("cache-of-others")
def test_damaged_cache_file_is_refused_and_left_to_its_owner(cache):
    damaged = cache / "part-1.gz"
    damaged.write_bytes(gzip.compress(FILES["part-2"]))
    told = as_another_user(found)
    assert told.startswith(f"refused: part-1 in {cache} is not the published file of Something")
    assert damaged.exists()
