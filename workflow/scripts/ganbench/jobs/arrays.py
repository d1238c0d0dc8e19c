"""Arrays of an `.npz` file, mapped into memory instead of read.

`np.load` copies an array and computes its checksum, which jobs have compared before. An array of an
uncompressed `.npz` lies in the file as it would lie in memory, so its pages can be mapped there and
read when they are used: 16 images of a dataset cost 16 images.
"""

import mmap
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from ganbench.jobs.files import DamagedFileError

_LOCAL_HEADER = struct.Struct("<26xHH")
"""The end of a zip member's own header: the lengths of its name and of its extra field."""

_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def map_array(path: Path, name: str) -> np.ndarray:
    """The array `name` of the uncompressed `.npz` file `path`.

    Writing to the array changes neither the file nor what others read. An array that does not lie
    where its type needs it is copied. Raises DamagedFileError where the file holds no such array,
    or not in this form.
    """
    with path.open("rb") as file:
        try:
            start, size = _find_member(file, f"{name}.npy")
            shape, in_columns, dtype = _read_header(file)
        except (OSError, ValueError, zipfile.BadZipFile, struct.error) as error:
            raise _describe_damage(path, name, str(error)) from None
        offset = file.tell()
        count = int(np.prod(shape, dtype=object))
        if count * dtype.itemsize != start + size - offset:
            problem = f"{shape} values of {dtype} do not fill its {start + size - offset} bytes"
            raise _describe_damage(path, name, problem)
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    array = np.frombuffer(pages, dtype, count, offset)
    shaped = array.reshape(shape, order="F" if in_columns else "C")
    return np.require(shaped, requirements="A")


def _find_member(file: BinaryIO, name: str) -> tuple[int, int]:
    """Where the bytes of a zip member start, and how many there are; moves to their start."""
    with zipfile.ZipFile(file) as archive:
        if name not in archive.namelist():
            raise ValueError(f"it holds only {', '.join(archive.namelist()) or 'no array'}")
        member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError("it is compressed")
    file.seek(member.header_offset)
    lengths = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    start = file.seek(sum(lengths), 1)
    if start + member.file_size > file.seek(0, 2):
        raise ValueError("the file is too short for it")
    file.seek(start)
    return start, member.file_size


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape, whether the first index runs fastest, and the type of an array; moves past them.

    Raises ValueError where the values are Python objects, whose memory means nothing here.
    """
    version = npy.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f"it has version {version} of the format npy")
    shape, in_columns, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject:
        raise ValueError(f"its values are {dtype}, not numbers")
    return shape, in_columns, dtype


def _describe_damage(path: Path, name: str, problem: str) -> DamagedFileError:
    return DamagedFileError(
        f"{path}: the array {name} cannot be mapped: {problem}. Expected an uncompressed .npz file "
        "of this workflow. Delete the file and run the same snakemake command again"
    )
