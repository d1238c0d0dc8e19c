"""Every image becomes sRGB or grey, opaque, 8 bits and square; what that takes is recorded."""

import io
import struct
import zlib

import numpy as np
import pytest
from ganbench.datasets.sources import DatasetError
from icc_profile_example import find_colorants, make_grey_profile, make_profile
from image_folder_example import read_folder, write_folders
from PIL import Image, ImageCms


@pytest.fixture
def folder(tmp_path):
    return write_folders(tmp_path, ("cats", "dogs"))


def read_first(folder, channels=3):
    """The image that sorts first, `(channels, 8, 8)`, and the decisions."""
    source = read_folder(folder, channels)
    return source.parts["all"].samples[0], source.decisions


def make_chunk(kind, content):
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def make_png(pixels, bits=8, colour=2, extra=b""):
    """A PNG of any depth and colour type with `extra` chunks: `pixels` are (height, width, …)."""
    rows = np.asarray(pixels, ">u2" if bits == 16 else ">u1")
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">2I5B", rows.shape[1], rows.shape[0], bits, colour, 0, 0, 0)
    chunks = make_chunk(b"IHDR", header) + extra + make_chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + chunks + make_chunk(b"IEND", b"")


def to_linear(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def from_linear(value):
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def test_colours_of_another_profile_are_converted_to_srgb(folder):
    """Adobe RGB (1998): gamma 2.2 and a wider green; the values follow from its definition."""
    adobe = make_profile(2.19921875, green=(0.21, 0.71))
    colour = (100, 150, 80)
    Image.new("RGB", (8, 8), colour).save(folder / "cats/0.png", icc_profile=adobe)
    linear = [(value / 255) ** 2.19921875 for value in colour]
    primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
    srgb = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
    xyz = find_colorants(*primaries).T @ linear
    expected = [from_linear(v) * 255 for v in np.linalg.solve(find_colorants(*srgb).T, xyz)]
    image, decisions = read_first(folder)
    assert image[:, 0, 0] == pytest.approx(expected, abs=1.5)
    assert decisions == ["Converted the colour profile to sRGB in 1 image (cats/0.png)."]


def test_profile_that_is_srgb_changes_no_bit_and_is_not_counted(folder):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "cats/0.png", icc_profile=profile)
    image, decisions = read_first(folder)
    assert (image.transpose(1, 2, 0) == pixels).all()
    assert decisions == []


def test_grey_of_another_profile_stays_grey(folder):
    Image.new("L", (8, 8), 100).save(folder / "cats/0.png", icc_profile=make_grey_profile(1))
    image, decisions = read_first(folder)
    assert image[:, 0, 0] == pytest.approx([255 * from_linear(100 / 255)] * 3, abs=1.5)
    assert decisions[0] == "Converted the colour profile to sRGB in 1 image (cats/0.png)."


@pytest.mark.parametrize("profile", [b"nonsense", make_grey_profile(1)], ids=["damaged", "grey"])
def test_profile_that_cannot_be_used_is_ignored_and_counted(folder, profile):
    Image.new("RGB", (8, 8), (100, 150, 80)).save(folder / "cats/0.png", icc_profile=profile)
    image, decisions = read_first(folder)
    assert image[:, 0, 0].tolist() == [100, 150, 80]
    words = (
        "Ignored the colour profile, damaged or of another colour space, of 1 image (cats/0.png)"
    )
    assert decisions == [f"{words}."]


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_grey_of_few_bits_in_16_is_scaled_to_the_whole_range(folder, bits, ending):
    largest = (1 << bits) - 1
    bright, dark = (
        np.full((8, 8), largest // 2, np.uint16),
        np.full((8, 8), largest // 8, np.uint16),
    )
    bright[0] = largest
    for number, values in enumerate((dark, bright)):  # the dark image alone would look darker
        Image.fromarray(values).save(folder / f"cats/!{number}.{ending}")
    source = read_folder(folder, channels=1)
    names = f"2 images (cats/!0.{ending}, cats/!1.{ending})"
    scaled = (
        f"Scaled values of {bits} bits, the most that any image uses, in 16-bit files of {names}."
    )
    assert scaled in source.decisions
    samples = source.parts["all"].samples
    assert samples[1, 0, -1, 0] == 127
    assert samples[1, 0, 0, 0] == 255
    assert samples[0, 0, 0, 0] == (largest // 8) >> (bits - 8)


def test_grey_that_uses_all_16_bits_keeps_the_upper_8(folder):
    for number, value in enumerate((0x0FFF, 0x4000)):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(folder / f"cats/!{number}.png")
    source = read_folder(folder, channels=1)
    assert source.parts["all"].samples[:2, 0, 0, 0].tolist() == [0x0F, 0x40]
    assert "Kept the upper 8 of the 16 bits of 2 images (cats/!0.png, cats/!1.png)." in (
        source.decisions
    )


def test_colour_of_few_bits_in_16_is_refused_because_only_8_are_read(folder):
    for number in range(2):
        values = np.full((8, 8, 3), 4095 >> number)
        (folder / f"cats/!{number}.png").write_bytes(make_png(values, bits=16))
    with pytest.raises(DatasetError, match=r"colour in 16 bits .*below 4,096.*2 images \(cats/!0"):
        read_folder(folder)


def make_transparent(kind, file):
    """An image whose upper half is transparent and black, the lower half opaque and 200."""
    key, values = b"\0" * 6, np.zeros((8, 8), np.uint8)
    values[4:] = 200
    alpha = Image.fromarray(np.where(values, 255, 0).astype(np.uint8))
    grey, colour = Image.fromarray(values), Image.fromarray(values).convert("RGB")
    if kind in ("LA", "RGBA"):
        image = grey if kind == "LA" else colour
        image.putalpha(alpha)
        image.save(file)
    elif kind == "palette with one transparent colour":
        grey.convert("P").save(file, transparency=0)
    elif kind == "palette with alpha":
        grey.convert("P").save(file, transparency=bytes([0] + [255] * 255))
    elif kind == "grey key":
        file.write_bytes(make_png(values, colour=0, extra=make_chunk(b"tRNS", key[:2])))
    elif kind == "colour key":
        extra = make_chunk(b"tRNS", key)
        file.write_bytes(make_png(np.dstack([values] * 3), extra=extra))
    elif kind == "16-bit grey key":
        extra = make_chunk(b"tRNS", struct.pack(">H", 0x1234))
        deep = np.where(values, 200 << 8, 0x1234)
        file.write_bytes(make_png(deep, bits=16, colour=0, extra=extra))
    elif kind == "16-bit colour key":
        extra = make_chunk(b"tRNS", struct.pack(">3H", *[0x1234] * 3))
        deep = np.where(values, 200 << 8, 0x1234)
        file.write_bytes(make_png(np.dstack([deep] * 3), bits=16, extra=extra))
    elif kind == "16-bit alpha":
        deep = np.dstack([values.astype(int) << 8] * 3 + [np.where(values, 65535, 0)])
        file.write_bytes(make_png(deep, bits=16, colour=6))
    else:
        buffer = io.BytesIO()
        colour.putalpha(alpha)
        colour.save(buffer, kind, lossless=True)
        file.write_bytes(buffer.getvalue())


TRANSPARENT = ["LA", "RGBA", "palette with one transparent colour", "palette with alpha"]
TRANSPARENT += ["grey key", "colour key", "16-bit grey key", "16-bit colour key", "16-bit alpha"]
TRANSPARENT += ["GIF", "TIFF", "WEBP", "JPEG2000", "TGA"]


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparency_of_every_kind_lies_on_white(folder, kind):
    name = "cats/0.tga" if kind == "TGA" else "cats/0.png"
    make_transparent(kind, folder / name)
    image, decisions = read_first(folder)
    assert (image[:, :4] == 255).all()
    assert np.abs(image[:, 4:].astype(int) - 200).max() <= (0 if kind != "JPEG2000" else 1)
    assert f"Put a white background behind 1 image ({name})." in decisions


def test_crops_are_counted(folder):
    Image.new("RGB", (12, 8), "red").save(folder / "cats/0.png")
    Image.new("RGB", (12, 12), "red").save(folder / "cats/1.png")
    _, decisions = read_first(folder)
    assert decisions == [
        "Cropped 1 image (cats/0.png) to the square at the centre.",
        "Kept 1 copy (cats/1.png) in one split with the image of equal content.",
    ]
