"""Archives of results: the same bytes every time, and nothing read that leads elsewhere."""

import stat
import zipfile

import pytest
from ganbench.jobs import archives
from ganbench.jobs.archives import Archive, ArchiveError, write_archive


def write_entry(path, name, mode=stat.S_IFREG | 0o644, content=b"x", copies=1):
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(copies):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return path


def test_same_files_give_the_same_bytes_whatever_their_order_and_times(tmp_path):
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "weights").write_bytes(bytes(range(256)))
    contents = {"b/table.csv": tmp_path / "table.csv", "a": tmp_path / "weights", "c": b"text"}
    write_archive(tmp_path / "one.zip", contents)
    (tmp_path / "table.csv").touch()
    write_archive(tmp_path / "two.zip", dict(reversed(contents.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    archive = Archive(tmp_path / "one.zip")
    assert archive.names == ["a", "b/table.csv", "c"]
    assert archive.read("b/table.csv") == b"a\n1\n"


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a\\..\\b", "C:/windows", "a//b", "./a"]
)
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path, name):
    with pytest.raises(ArchiveError, match="leads out of the archive"):
        Archive(write_entry(tmp_path / "bad.zip", name))


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o644])
def test_links_and_devices_are_refused(tmp_path, mode):
    with pytest.raises(ArchiveError, match="is a link or a device"):
        Archive(write_entry(tmp_path / "bad.zip", "study.json", mode))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.raises(ArchiveError, match="two files have the same name"):
        Archive(write_entry(tmp_path / "bad.zip", "study.json", copies=2))


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_BYTES_OF_FILE"])
def test_archives_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(archives, limit, 1000)
    Archive(write_entry(tmp_path / "good.zip", "a", content=b"0" * 1000))
    with pytest.raises(ArchiveError, match="expected at most 1,000"):
        Archive(write_entry(tmp_path / "bad.zip", "a", content=b"0" * 1001))


def test_damaged_bytes_are_named_by_their_file(tmp_path):
    path = write_entry(tmp_path / "bad.zip", "scores.csv", content=b"dataset,variant")
    path.write_bytes(path.read_bytes().replace(b"dataset,variant", b"dataset,variaNt"))
    with pytest.raises(ArchiveError, match=r"scores\.csv is damaged"):
        Archive(path).read("scores.csv")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(ArchiveError, match="no readable zip archive"):
        Archive(tmp_path / "text")
