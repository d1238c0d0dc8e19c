"""Archives and images from outside: read in bounds, nothing of them is written to the disk."""

import gzip
import io
import random
import resource
import struct
import tarfile
import tracemalloc
import zlib
from functools import partial

import numpy as np
import pytest
from ganbench.datasets import locate
from ganbench.datasets.image_folder import read_image_folder
from ganbench.datasets.sources import DatasetError
from PIL import Image, PngImagePlugin

NAMES = ["one.bin", "two.bin"]


def archive(file, members, form=tarfile.PAX_FORMAT, **changes):
    """A .tar.gz of (name, content) pairs; `changes` are made to each header."""
    with tarfile.open(file, "w:gz", format=form) as tar:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            for key, value in changes.items():
                setattr(header, key, value)
            tar.addfile(header, io.BytesIO(content))
    return file


@pytest.fixture
def packed(tmp_path):
    return lambda *members, **changes: archive(tmp_path / "in/a.tar.gz", members, **changes)


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    (tmp_path / "in").mkdir()


@pytest.mark.parametrize("folder", ["../../", "/etc/", "a/../../b/", "/", "./"])
@pytest.mark.promise("safe-archives")
def test_archive_member_with_a_path_is_written_nowhere(packed, tmp_path, folder):
    file = packed((f"{folder}one.bin", b"1"), (f"{folder}two.bin", b"2"))
    assert locate._read_members(file, NAMES) == {"one.bin": b"1", "two.bin": b"2"}
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.tar.gz"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
@pytest.mark.promise("safe-archives")
def test_link_or_device_is_no_file(packed, kind):
    file = packed(("one.bin", b""), ("two.bin", b""), type=kind, linkname="/etc/passwd")
    assert locate._read_members(file, NAMES) is None


@pytest.mark.parametrize("packing", ["member", "unwanted member", "header", "plain gzip"])
@pytest.mark.promise("no-bombs")
def test_archive_bomb_is_refused_before_it_fills_the_memory(packed, tmp_path, monkeypatch, packing):
    monkeypatch.setattr(locate, "LARGEST", 1_000_000)
    zeros = bytes(50_000_000)
    match packing:
        case "member":
            file = packed(("one.bin", zeros), ("two.bin", b"2"))
        case "unwanted member":
            file = packed(("other", zeros), ("one.bin", b"1"), ("two.bin", b"2"))
        case "header":
            headers = {"comment": "0" * len(zeros)}
            file = packed(("one.bin", b"1"), ("two.bin", b"2"), pax_headers=headers)
        case "plain gzip":
            file = tmp_path / "in/one.bin.gz"
            file.write_bytes(gzip.compress(zeros, 1))
    del zeros
    tracemalloc.start()
    read = partial(locate._read_members, file, NAMES)
    if packing == "plain gzip":
        read = partial(locate._read_plain_or_gzip, tmp_path / "in", "one.bin")
    with pytest.raises(DatasetError, match=r"decompresses to more than 1,000,000 bytes"):
        read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_sparse_member_that_stands_for_terabytes_is_no_file(tmp_path):
    """Its zeros are in no archive: they are made when it is read."""
    form = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "one.bin"}
    form["GNU.sparse.realsize"] = str(10**13)
    with tarfile.open(tmp_path / "in/a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        header = tarfile.TarInfo("one.bin")
        header.pax_headers, content = form, b"1\n0\n512\n".ljust(512, b"\0") + bytes(512)
        header.size = len(content)
        tar.addfile(header, io.BytesIO(content))
        tar.addfile(tarfile.TarInfo("two.bin"), io.BytesIO())
    assert locate._read_members(tmp_path / "in/a.tar.gz", NAMES) is None


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.promise("damaged-archive")
def test_archive_with_changed_bytes_is_read_or_refused_with_a_message(tmp_path, form):
    """Headers' checksums are mended half of the time, so that what they say is looked at."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as tar:
        for name in (*NAMES, *(f"{'long' * 30}{name}" for name in NAMES)):
            header = tarfile.TarInfo(f"folder/{name}"[-160:])
            header.size = 5
            if len(header.name) < 100 or form != tarfile.USTAR_FORMAT:
                tar.addfile(header, io.BytesIO(b"bytes"))
    content, chance = plain.getvalue().rstrip(b"\0") + bytes(1024), random.Random(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 2, 5, 20])):
            damaged[chance.randrange(len(damaged))] = chance.choice([0x30, 0x37, 0x80, 0xFF])
        if chance.random() < 0.5:
            _mend_checksums(damaged)
        file = tmp_path / "in/a.tar.gz"
        file.write_bytes(gzip.compress(bytes(damaged), 1))
        try:
            found = locate._read_members(file, NAMES)
        except DatasetError:
            refused += 1
        else:
            assert found is None or set(found) == set(NAMES)
    assert refused > 10


def _mend_checksums(tar: bytearray) -> None:
    for start in range(0, len(tar) - 511, 512):
        if tar[start + 257 : start + 262] == b"ustar":
            tar[start + 148 : start + 156] = b" " * 8
            tar[start + 148 : start + 156] = b"%06o\0 " % sum(tar[start : start + 512])


@pytest.fixture
def pictures(tmp_path):
    for number in range(150):
        pixels = np.full((8, 8), number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"in/{number:03}.png")
    return tmp_path / "in"


@pytest.mark.promise("no-bombs")
def test_image_bomb_is_named_and_its_pixels_never_made(pictures):
    """A header that promises 40,000 by 40,000 pixels, 1.6 gigabytes of them."""
    _promise(pictures / "000.png", 40_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DatasetError, match=r"more than [\d,]+ pixels: 1 image \(000\.png\)"):
        read_image_folder(str(pictures), 1, 8, io.StringIO())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def _promise(file, side: int) -> None:
    size = struct.pack(">II", side, side)
    content = file.read_bytes()
    header = b"IHDR" + size + content[24:29]
    file.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])


@pytest.mark.promise("no-bombs")
def test_text_that_bursts_within_an_image_is_an_error_that_names_it(pictures):
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "0" * 80_000_000, zip=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(pictures / "000.png", pnginfo=text)
    with pytest.raises(DatasetError, match=r"damaged: 1 image \(000\.png\)"):
        read_image_folder(str(pictures), 1, 8, io.StringIO())
