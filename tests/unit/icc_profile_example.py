"""Colour profiles made from their definition, by the ICC's specification of version 2."""

import struct
from collections.abc import Sequence

import numpy as np


def make_profile(gamma: float, green: tuple[float, float]) -> bytes:
    """An RGB profile of version 2 with this gamma, with the red and the blue of sRGB."""
    xyz = find_colorants((0.64, 0.33), green, (0.15, 0.06))
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = {b"wtpt": _make_xyz((0.9505, 1, 1.0891)), b"cprt": b"text" + bytes(4) + b"none\0\0\0\0"}
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 5) + b"mine\0" + bytes(79)
    for name, colorant in zip(b"rgb", xyz, strict=True):
        tags[bytes([name]) + b"XYZ"] = _make_xyz(colorant)
        tags[bytes([name]) + b"TRC"] = curve
    return _assemble(tags, b"RGB ")


def find_colorants(*primaries: tuple[float, float]) -> np.ndarray:
    """XYZ of red, green and blue under the white D50, by Bradford's adaptation from D65."""
    white, pcs = np.array([0.9505, 1, 1.0891]), np.array([0.9642, 1, 0.8249])
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * np.linalg.solve(columns, white)
    cone = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    cone = np.array(cone)
    adapt = np.linalg.inv(cone) @ np.diag((cone @ pcs) / (cone @ white)) @ cone
    return (adapt @ matrix).T


def _make_xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def make_grey_profile(gamma: float) -> bytes:
    """A grey profile with this gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = {b"wtpt": _make_xyz((0.9642, 1, 0.8249)), b"kTRC": curve}
    tags[b"cprt"] = b"text" + bytes(4) + b"none\0\0\0\0"
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 5) + b"mine\0" + bytes(79)
    return _assemble(tags, b"GRAY")


def _assemble(tags: dict[bytes, bytes], space: bytes) -> bytes:
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">2I", offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header[:128] + table + body
