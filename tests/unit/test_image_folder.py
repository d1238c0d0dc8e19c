"""Folders of images: every file is used, skipped and counted, or refused by name."""

import io
import os
import random
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from dataset_example import make_image, prepare_in
from ganbench.datasets import image_files
from ganbench.datasets.image_folder import read_image_folder
from ganbench.datasets.sources import DatasetError
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Two classes of 80 images each."""
    for name, seed in (("cats", 0), ("dogs", 1000)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(80):
            image = make_image(seed + number, size=(16, 16))
            image.save(tmp_path / "images" / name / f"{number:03}.png")
    return tmp_path / "images"


def read(folder, channels=3, resolution=8):
    return read_image_folder(str(folder), channels, resolution, sys.stdout)


def test_sub_folders_are_classes_and_images_are_sorted_by_name(folder):
    source = read(folder)
    part = source.parts["all"]
    assert source.class_names == ["cats", "dogs"]
    assert part.labels.tolist() == [0] * 80 + [1] * 80
    assert part.samples.shape == (160, 3, 8, 8)
    assert source.decisions == []
    shuffled = folder.parent / "again"
    files = [file.relative_to(folder) for file in folder.rglob("*.png")]
    random.Random(1).shuffle(files)
    for file in files:  # written in another order
        (shuffled / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / file, shuffled / file)
    assert np.array_equal(read(shuffled).parts["all"].samples, part.samples)


def test_without_sub_folders_there_are_no_classes(folder):
    flat = folder.parent / "flat"
    flat.mkdir()
    for file in folder.rglob("*.png"):
        shutil.copy(file, flat / f"{file.parent.name}{file.name}")
    source = read(flat)
    assert source.class_names == []
    assert set(source.parts["all"].labels) == {0}


def test_images_are_cropped_to_the_centre_and_antialiased(folder):
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 200  # the square at the centre
    wide[::2, 32:96] = 100  # stripes finer than the result: only their mean is left
    Image.fromarray(wide).save(folder / "cats/000.png")
    image = read(folder).parts["all"].samples[0]
    assert image.min() >= 140
    assert image.max() <= 160


@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_the_channels_of_the_study(folder, channels):
    assert read(folder, channels=channels).parts["all"].samples.shape[1] == channels


def make_16_bit_png(colour):
    """A PNG with three channels of 16 bits, which Pillow cannot write."""
    row = b"\0" + struct.pack(">3H", *colour) * 16

    def chunk(kind, content):
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">2I5B", 16, 16, 16, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(row * 16))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def test_skipped_files_and_conversions_are_recorded(folder):
    cats = folder / "cats"
    make_image(1, mode="L").save(cats / "001.png")
    make_image(2, mode="RGBA").save(cats / "002.png")
    make_image(3, mode="P").save(cats / "003.png")
    Image.fromarray(np.full((16, 16), 0x6414, np.uint16)).save(cats / "004.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    make_image(5, size=(30, 16)).save(cats / "005.png", exif=turned)
    make_image(6, mode="CMYK").save(cats / "006.jpg")
    (cats / "007.png").write_bytes(make_16_bit_png((0x1234, 0x5678, 0x9ABC)))
    make_image(8).save(cats / "008.gif", save_all=True, append_images=[make_image(9)])
    (cats / "notes.txt").write_text("mine")
    (cats / ".hidden.png").write_bytes(b"")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails/000.png").write_bytes(b"")
    source = read(folder)
    assert source.decisions == [
        "Skipped 2 hidden files (.thumbnails/000.png, cats/.hidden.png).",
        "Skipped 1 non-image file (cats/notes.txt).",
        "Applied the EXIF orientation of 1 image (cats/005.png).",
        "Converted CMYK to RGB in 1 image (cats/006.jpg).",
        "Converted a palette to RGB in 2 images (cats/003.png, cats/008.gif).",
        "Cropped 6 images (cats/001.png, cats/002.png, cats/003.png, cats/005.png, cats/006.jpg, "
        "…) to the square at the centre.",
        "Kept the upper 8 of the 16 bits of 2 images (cats/004.png, cats/007.png).",
        "Put a white background behind 1 image (cats/002.png).",
        "Used grey as three equal channels in 2 images (cats/001.png, cats/004.png).",
        "Used only the first frame of 1 image (cats/008.gif).",
    ]
    samples = source.parts["all"].samples
    names = sorted(file.name for file in cats.glob("0*"))
    assert (samples[names.index("004.png")] == 100).all()
    assert samples[names.index("007.png"), :, 0, 0].tolist() == [0x12, 0x56, 0x9A]


def test_conversion_of_colour_to_grey_is_recorded(folder):
    for number, file in enumerate(sorted(folder.rglob("*.png"))):
        make_image(number, size=(16, 16), mode="L").save(file)
    make_image(4, size=(16, 16)).save(folder / "cats/003.png")
    source = read(folder, channels=1)
    assert source.decisions == [
        "Converted colour to grey (ITU-R 601-2 luma) in 1 image (cats/003.png).",
        "Kept 1 copy (cats/004.png) in one split with the image of equal content.",
    ]
    samples = source.parts["all"].samples
    assert np.array_equal(samples[3], samples[4])


def test_transparent_pixels_become_white(folder):
    half = np.zeros((16, 16, 4), np.uint8)
    half[8:] = (255, 0, 0, 255)
    Image.fromarray(half).save(folder / "cats/000.png")
    image = read(folder).parts["all"].samples[0]
    assert (image[:, :3] == 255).all()
    assert image[:, 7, 0].tolist() == [255, 0, 0]


def test_exif_orientation_is_applied(folder):
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8] = 255
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    Image.fromarray(upright[::-1]).save(folder / "cats/000.png", exif=turned)
    image = read(folder).parts["all"].samples[0, 0]
    assert (image[:3] == 255).all()
    assert (image[-3:] == 0).all()


def spoil_truncated(file):
    file.write_bytes(file.read_bytes()[:200])


def spoil_text(file):
    file.write_text("no image at all")


def spoil_postscript(file):
    file.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")


def spoil_small(file):
    make_image(0, size=(7, 30)).save(file)


def spoil_empty(file):
    file.write_bytes(b"")


def spoil_bomb(file):
    """More pixels than Pillow warns of."""
    Image.new("1", (20, 20)).save(file)


def spoil_great_bomb(file):
    """More pixels than Pillow refuses by itself."""
    Image.new("1", (30, 30)).save(file)


def spoil_float(file):
    tiff = io.BytesIO()
    Image.new("F", (16, 16)).save(tiff, "TIFF")
    file.write_bytes(tiff.getvalue())


def spoil_link(file):
    file.unlink()
    file.symlink_to("nowhere.png")


def spoil_pipe(file):
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_truncated, "damaged"),
        (spoil_text, "not an image despite its name"),
        (spoil_postscript, "not an image despite its name"),
        (spoil_empty, "not an image despite its name"),
        (spoil_small, "smaller than 8×8"),
        (spoil_bomb, "more than 350 pixels"),
        (spoil_great_bomb, "more than 350 pixels"),
        (spoil_float, "unsupported pixel format (F)"),
        (spoil_link, "missing"),
        (spoil_pipe, "not a regular file"),
    ],
)
def test_unusable_images_are_refused_by_name(folder, monkeypatch, spoil, words):
    monkeypatch.setattr(image_files.Image, "MAX_IMAGE_PIXELS", 350)
    for number in range(7):
        spoil(folder / f"dogs/{number:03}.png")
    with pytest.raises(DatasetError) as error:
        read(folder)
    names = ", ".join(f"dogs/{number:03}.png" for number in range(5))
    assert f"unusable images: {words}: 7 images ({names}, …)" in str(error.value)


def test_all_problems_are_reported_at_once(folder):
    spoil_text(folder / "cats/000.png")
    spoil_small(folder / "dogs/000.png")
    with pytest.raises(DatasetError) as error:
        read(folder)
    for words in ("its name: 1 image (cats/000.png)", "than 8×8: 1 image (dogs/000.png)"):
        assert words in str(error.value)


def test_exhausted_memory_is_not_blamed_on_an_image(folder, monkeypatch):
    def run_out(*_):
        raise MemoryError

    monkeypatch.setattr(image_files, "convert_image", run_out)
    with pytest.raises(MemoryError):
        read(folder)


def test_number_of_threads_changes_nothing(folder, monkeypatch):
    expected = read(folder).parts["all"].samples
    for threads in (1, 7):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=threads: set(range(n)))
        assert np.array_equal(read(folder).parts["all"].samples, expected)


def test_links_to_folders_are_followed_without_circles(folder):
    expected = read(folder).parts["all"].samples
    shutil.move(folder / "dogs", folder.parent / "elsewhere")
    (folder / "dogs").symlink_to(folder.parent / "elsewhere")
    (folder / "dogs/circle").symlink_to(folder)
    assert np.array_equal(read(folder).parts["all"].samples, expected)


def test_name_that_is_not_utf8_is_made_printable(folder):
    strange = os.fsencode(folder / "cats") + b"/\xff.txt"
    with open(strange, "w") as file:
        file.write("mine")
    assert read(folder).decisions == ["Skipped 1 non-image file (cats/\ufffd.txt)."]


def test_class_without_images_is_refused_by_name(folder):
    (folder / "birds").mkdir()
    with pytest.raises(DatasetError, match=r"has 1 sub-folder \(birds\) without an image"):
        read(folder)


def test_images_beside_classes_are_refused(folder):
    make_image(0).save(folder / "stray.png")
    with pytest.raises(DatasetError, match=r"beside them, 1 image \(stray.png\)"):
        read(folder)


def test_folder_with_too_few_images_is_refused(tmp_path):
    for number in range(3):
        make_image(number).save(tmp_path / f"{number}.png")
    with pytest.raises(DatasetError, match="holds 3 images, expected at least 150"):
        read(tmp_path)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no folder .*nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("words", ["no classes", "one class"])
def test_missing_classes_are_refused_before_images_are_read(folder, tmp_path, monkeypatch, words):
    shutil.rmtree(folder / "dogs")
    for number in range(80, 160):
        make_image(number).save(folder / "cats" / f"{number:03}.png")
    source = folder if words == "one class" else folder / "cats"
    monkeypatch.setattr(image_files.Image, "open", lambda *_, **__: pytest.fail("reads an image"))
    with pytest.raises(DatasetError, match=f"dataset image_folder: .* has {words}.*another extr"):
        prepare_in(
            tmp_path / "out", "image_folder", needs_classes=True, source=str(source), resolution=8
        )
    assert not (tmp_path / "out").exists()


def test_folder_is_prepared_in_colour_by_default(folder, tmp_path):
    data, card = prepare_in(
        tmp_path / "out", "image_folder", needs_classes=True, source=str(folder), resolution=8
    )
    assert data["train"].shape == (54, 3, 8, 8)
    assert card["sizes"] == {"train": 54, "held_out": 53, "extractor": 53}
    assert np.sum(list(card["class_counts"].values()), axis=0).tolist() == [80, 80]
    assert (card["channels"], card["title"]) == (3, "A folder of images")
    assert card["source"] == f"the folder {folder}"
