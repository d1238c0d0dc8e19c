"""Arrays mapped from `.npz` files are those that np.load reads, and damaged files are refused."""

import json
import mmap
from pathlib import Path

import numpy as np
import pytest
import torch
from ganbench.jobs.arrays import map_array
from ganbench.jobs.files import DamagedFileError, write_arrays

PIXELS = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
ARRAYS = {
    "train": PIXELS,
    "train_labels": np.array([3, 1], dtype=np.int64),
    "points": np.linspace(-1, 1, 6).reshape(3, 2).astype(np.float32),
    "columns first": np.asfortranarray(PIXELS[0]),
    "big endian": np.array([1, 256], dtype=">i4"),
    "one number": np.array(0.25),
    "nothing": np.zeros((0, 1, 8, 8), dtype=np.uint8),
}


@pytest.fixture
def file(tmp_path) -> Path:
    write_arrays(tmp_path / "data.npz", **ARRAYS)
    return tmp_path / "data.npz"


@pytest.mark.parametrize("name", ARRAYS)
def test_mapped_array_is_the_one_that_was_written(file, name):
    array, expected = map_array(file, name), np.load(file)[name]
    assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(array, expected)
    assert array.flags.aligned


def test_pixels_are_mapped_and_not_copied(file):
    array = map_array(file, "train")
    while isinstance(array.base, np.ndarray):
        array = array.base
    assert isinstance(array.base.obj, mmap.mmap)


def test_writing_to_a_mapped_array_changes_no_file(file):
    content = file.read_bytes()
    tensor = torch.from_numpy(map_array(file, "train"))  # warns of an array that is read only
    tensor.zero_()
    assert file.read_bytes() == content
    assert np.array_equal(map_array(file, "train"), PIXELS)


def test_mapped_array_outlives_its_file(file):
    array = map_array(file, "train")
    file.unlink()
    assert np.array_equal(array, PIXELS)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def compress(file: Path) -> None:
    np.savez_compressed(file, **ARRAYS)


def replace_by_json(file: Path) -> None:
    file.write_text(json.dumps({}), encoding="utf-8")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def save_objects(file: Path) -> None:
    np.savez(file, train=np.array([{}, None], dtype=object))


def save_other_arrays(file: Path) -> None:
    np.savez(file, held_out=PIXELS)


def claim_more_images(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"'shape': (2, 3,", b"'shape': (9, 3,"))


def claim_wider_pixels(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"'descr': '|u1'", b"'descr': '<u4'"))


def destroy_header(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"\x93NUMPY", b"\x93NUMPI"))


def use_unknown_version(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"\x93NUMPY\x01", b"\x93NUMPY\x07"))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (truncate, "not a zip file"),
        (compress, "it is compressed"),
        (replace_by_json, "not a zip file"),
        (empty, "not a zip file"),
        (save_objects, "values are object, not numbers"),
        (save_other_arrays, r"holds only held_out\.npy"),
        (claim_more_images, r"\(9, 3, 4, 4\) values of uint8 do not fill its 96 bytes"),
        (claim_wider_pixels, "values of uint32 do not fill its 96 bytes"),
        (destroy_header, "magic string"),
        (use_unknown_version, "version"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_file_that_cannot_be_mapped_is_refused_by_name(file, damage, problem):
    damage(file)
    with pytest.raises(DamagedFileError, match=rf"data\.npz: the array train .*{problem}"):
        map_array(file, "train")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data\.npz"):
        map_array(tmp_path / "data.npz", "train")
