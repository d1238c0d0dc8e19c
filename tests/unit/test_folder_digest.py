"""A folder of images is judged by content, and unchanged files are not read again."""

import json
import os
import shutil
from pathlib import Path

import pytest
from ganbench.datasets import folder_digest
from ganbench.jobs import provenance
from image_folder_example import write_folders


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Some images that were written long before their digests are stored."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folder_digest, "SETTLED_NS", -(10**15))
    return write_folders(tmp_path / "images", ("cats/deep", "dogs"), images=3)


def digest(folder):
    """As another process computes it."""
    folder_digest.digest_folder.cache_clear()
    return folder_digest.digest_folder(str(folder))


@pytest.fixture
def files_read(monkeypatch):
    """The names of the files that were read since it was last cleared."""
    names = []
    original = provenance.sha256_file

    def read(file):
        names.append(file.name)
        return original(file)

    monkeypatch.setattr(folder_digest.provenance, "sha256_file", read)
    return names


def overwrite_keeping_size_and_time(folder):
    file = folder / "dogs/000.ppm"
    times, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def add_two_levels_down(folder):
    write_folders(folder, ("cats/deep/deeper",), images=1)


def rename_file(folder):
    (folder / "dogs/000.ppm").rename(folder / "dogs/first.ppm")


def remove_file(folder):
    (folder / "dogs/000.ppm").unlink()


def exchange_for_an_older_folder(folder):
    older = write_folders(folder.parent / "older", ("cats/deep", "dogs"), images=3)
    (older / "dogs/002.ppm").write_bytes((older / "dogs/001.ppm").read_bytes())
    for path in (older, *older.rglob("*")):
        os.utime(path, (1e9, 1e9))
    folder.rename(folder.parent / "newer")
    older.rename(folder)


def exchange_a_link(folder):
    (folder / "dogs/000.ppm").unlink()
    (folder / "dogs/000.ppm").symlink_to(folder / "dogs/001.ppm")


@pytest.mark.parametrize(
    "change",
    [
        overwrite_keeping_size_and_time,
        add_two_levels_down,
        rename_file,
        remove_file,
        exchange_for_an_older_folder,
        exchange_a_link,
    ],
)
def test_change_of_content_changes_the_digest(folder, change):
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


def touch_everything(folder):
    for path in (folder, *folder.rglob("*")):
        os.utime(path)


def add_what_systems_leave(folder):
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "dogs/Thumbs.db").write_bytes(b"x")
    for name in (".thumbnails", "cats/@eaDir"):
        (folder / name).mkdir()
        (folder / name / "000.png").write_bytes(b"x")


def copy_all(folder):
    shutil.copytree(folder, folder.parent / "copy")
    shutil.rmtree(folder)
    (folder.parent / "copy").rename(folder)


@pytest.mark.parametrize("change", [touch_everything, add_what_systems_leave, copy_all])
def test_same_content_has_the_same_digest(folder, change):
    before = digest(folder)
    change(folder)
    assert digest(folder) == before


def test_only_changed_files_are_read_again(folder, files_read):
    digest(folder)
    assert len(files_read) == 6
    files_read.clear()
    digest(folder)
    assert files_read == []
    overwrite_keeping_size_and_time(folder)
    digest(folder)
    assert files_read == ["000.ppm"]


def test_file_that_changed_just_before_its_digest_is_read_again(folder, files_read, monkeypatch):
    """File systems round times: it may have changed again within the same tick."""
    monkeypatch.setattr(folder_digest, "SETTLED_NS", 2_000_000_000)
    digest(folder)
    files_read.clear()
    digest(folder)
    assert len(files_read) == 6


@pytest.mark.parametrize("content", ["{", "[]", '{"cats": 3}', '{"a": [["x"], 1]}'])
def test_damaged_store_is_made_again(folder, content):
    before = digest(folder)
    (store,) = (folder.parent / "cache/folders").iterdir()
    store.write_text(content)
    assert digest(folder) == before
    assert len(json.loads(store.read_text())) == 6


def test_without_a_cache_the_digest_is_the_same(folder, monkeypatch):
    before = digest(folder)
    (folder.parent / "no folder").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(folder.parent / "no folder/cache"))
    assert digest(folder) == before


def test_pipes_and_broken_links_do_not_hold_up_planning(folder):
    os.mkfifo(folder / "dogs/pipe.png")
    (folder / "dogs/broken.png").symlink_to("nowhere")
    assert digest(folder) == digest(folder)


def test_missing_folder_has_no_digest(tmp_path):
    assert digest(tmp_path / "nowhere") == ""


def test_name_that_is_not_utf8_counts(folder):
    before = digest(folder)
    with open(os.fsencode(folder) + b"/\xff.ppm", "wb") as file:
        file.write(b"x")
    assert digest(folder) != before
    assert digest(folder) == digest(folder)


@pytest.mark.parametrize("name", [b"{cat}", b"caf\xe9", b"a}"])
def test_image_in_a_class_folder_of_any_name_counts(folder, name):
    """To Snakemake braces are wildcards and paths are UTF-8, so such folders cannot be inputs."""
    classes = Path(os.fsdecode(os.path.join(os.fsencode(folder), name)))
    before = digest(folder)
    classes.mkdir()
    (classes / "0.ppm").write_bytes(b"an image")
    assert digest(folder) != before
