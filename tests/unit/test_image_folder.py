"""Folders of images: every file is used, or named with what was done or is wrong with it."""

import io
import os
import random
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from dataset_example import picture, prepared_in
from ganbench.datasets import image_files as pictures
from ganbench.datasets.image_folder import image_folder
from ganbench.datasets.sources import DatasetError
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Two classes of 80 images each."""
    for name in ("cats", "dogs"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(80):
            picture(number).save(tmp_path / "images" / name / f"{number:03}.png")
    return tmp_path / "images"


def read(folder, channels=3, resolution=8):
    return image_folder(str(folder), channels, resolution, sys.stdout)


def test_sub_folders_are_classes_and_images_come_in_the_order_of_their_names(folder):
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


def test_images_are_cropped_to_their_centre_and_resized_with_antialiasing(folder):
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 200  # the square at the centre
    wide[::2, 32:96] = 100  # stripes finer than the result: only their mean is left
    Image.fromarray(wide).save(folder / "cats/000.png")
    found = read(folder).parts["all"].samples[0]
    assert found.min() >= 140
    assert found.max() <= 160


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_those_of_the_study(folder, channels):
    assert read(folder, channels=channels).parts["all"].samples.shape[1] == channels


def png_of_16_bits(colour):
    """A PNG with three channels of 16 bits, which Pillow cannot write."""
    row = b"\0" + struct.pack(">3H", *colour) * 16

    def chunk(kind, content):
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">2I5B", 16, 16, 16, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(row * 16))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def test_what_is_out_of_the_ordinary_is_recorded_with_its_files(folder):
    cats = folder / "cats"
    picture(1, mode="L").save(cats / "001.png")
    picture(2, mode="RGBA").save(cats / "002.png")
    picture(3, mode="P").save(cats / "003.png")
    Image.fromarray(np.full((16, 16), 0x6414, np.uint16)).save(cats / "004.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(5, size=(30, 16)).save(cats / "005.png", exif=turned)
    picture(6, mode="CMYK").save(cats / "006.jpg")
    (cats / "007.png").write_bytes(png_of_16_bits((0x1234, 0x5678, 0x9ABC)))
    picture(8).save(cats / "008.gif", save_all=True, append_images=[picture(9)])
    (cats / "notes.txt").write_text("mine")
    (cats / ".hidden.png").write_bytes(b"")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails/000.png").write_bytes(b"")
    source = read(folder)
    assert source.decisions == [
        "hidden files passed over: 2 (.thumbnails/000.png, cats/.hidden.png)",
        "files that are no images passed over: 1 (cats/notes.txt)",
        "16 bits: the upper 8 taken: 2 (cats/004.png, cats/007.png)",
        "CMYK: brought to RGB: 1 (cats/006.jpg)",
        "grey: three equal channels: 2 (cats/001.png, cats/004.png)",
        "palette: brought to RGB: 2 (cats/003.png, cats/008.gif)",
        "several frames: the first taken: 1 (cats/008.gif)",
        "turned upright as their EXIF says: 1 (cats/005.png)",
        "with transparency: laid on white: 1 (cats/002.png)",
    ]
    samples = source.parts["all"].samples
    named = sorted(file.name for file in cats.glob("0*"))
    assert (samples[named.index("004.png")] == 100).all()
    assert samples[named.index("007.png"), :, 0, 0].tolist() == [0x12, 0x56, 0x9A]


def test_colour_among_grey_is_recorded(folder):
    for file in folder.rglob("*.png"):
        picture(0, mode="L").save(file)
    picture(0).save(folder / "cats/003.png")
    source = read(folder, channels=1)
    assert source.decisions == ["colour: brought to grey (ITU-R 601-2 luma): 1 (cats/003.png)"]
    samples = source.parts["all"].samples
    assert np.array_equal(samples[3], samples[4])


def test_transparent_pixels_become_white(folder):
    half = np.zeros((16, 16, 4), np.uint8)
    half[8:] = (255, 0, 0, 255)
    Image.fromarray(half).save(folder / "cats/000.png")
    found = read(folder).parts["all"].samples[0]
    assert (found[:, :3] == 255).all()
    assert found[:, 7, 0].tolist() == [255, 0, 0]


def test_image_turned_by_its_exif_is_upright(folder):
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8] = 255
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    Image.fromarray(upright[::-1]).save(folder / "cats/000.png", exif=turned)
    found = read(folder).parts["all"].samples[0, 0]
    assert (found[:3] == 255).all()
    assert (found[-3:] == 0).all()


def spoil_truncated(file):
    file.write_bytes(file.read_bytes()[:200])


def spoil_text(file):
    file.write_text("no image at all")


def spoil_postscript(file):
    file.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")


def spoil_small(file):
    picture(0, size=(7, 30)).save(file)


def spoil_empty(file):
    file.write_bytes(b"")


def spoil_bomb(file):
    Image.new("1", (10_000, 10_000)).save(file)


def spoil_great_bomb(file):
    Image.new("1", (16_000, 16_000)).save(file)


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
        (spoil_text, "no image, whatever its name says"),
        (spoil_postscript, "no image, whatever its name says"),
        (spoil_empty, "no image, whatever its name says"),
        (spoil_small, "smaller than 8×8"),
        (spoil_bomb, "more than 89,478,485 pixels"),
        (spoil_great_bomb, "more than 89,478,485 pixels"),
        (spoil_float, "pixels of a kind that is not read (F)"),
        (spoil_link, "missing"),
        (spoil_pipe, "not a file"),
    ],
)
def test_image_that_cannot_be_used_is_an_error_that_names_it(folder, spoil, words):
    for number in range(7):
        spoil(folder / f"dogs/{number:03}.png")
    with pytest.raises(DatasetError) as error:
        read(folder)
    names = ", ".join(f"dogs/{number:03}.png" for number in range(5))
    assert f"images that cannot be used: {words}: 7 ({names}, …)" in str(error.value)


def test_every_problem_is_told_at_once(folder):
    spoil_text(folder / "cats/000.png")
    spoil_small(folder / "dogs/000.png")
    with pytest.raises(DatasetError) as error:
        read(folder)
    for words in ("whatever its name says: 1 (cats/000.png)", "than 8×8: 1 (dogs/000.png)"):
        assert words in str(error.value)


def test_memory_that_runs_out_is_not_blamed_on_an_image(folder, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(pictures, "_plain", full)
    with pytest.raises(MemoryError):
        read(folder)


def test_number_of_threads_changes_nothing(folder, monkeypatch):
    expected = read(folder).parts["all"].samples
    for threads in (1, 7):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=threads: set(range(n)))
        assert np.array_equal(read(folder).parts["all"].samples, expected)


def test_folders_behind_links_are_read_and_circles_end(folder):
    expected = read(folder).parts["all"].samples
    shutil.move(folder / "dogs", folder.parent / "elsewhere")
    (folder / "dogs").symlink_to(folder.parent / "elsewhere")
    (folder / "dogs/circle").symlink_to(folder)
    assert np.array_equal(read(folder).parts["all"].samples, expected)


def test_name_that_is_not_utf8_is_shown_as_far_as_it_can_be(folder):
    strange = os.fsencode(folder / "cats") + b"/\xff.txt"
    with open(strange, "w") as file:
        file.write("mine")
    (told,) = read(folder).decisions
    assert told == "files that are no images passed over: 1 (cats/\ufffd.txt)"


def test_empty_class_is_an_error_that_names_it(folder):
    (folder / "birds").mkdir()
    with pytest.raises(DatasetError, match=r"classes without an image: 1 \(birds\)"):
        read(folder)


def test_images_beside_classes_are_an_error(folder):
    picture(0).save(folder / "stray.png")
    with pytest.raises(DatasetError, match=r"beside its sub-folders: 1 \(stray.png\)"):
        read(folder)


def test_folder_with_three_images_is_too_small(tmp_path):
    for number in range(3):
        picture(number).save(tmp_path / f"{number}.png")
    with pytest.raises(DatasetError, match="holds 3 images, expected at least 150"):
        read(tmp_path)


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no folder .*nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize(("classes", "words"), [([], "no classes"), (["cats"], "one class")])
def test_classifier_needs_classes_and_says_so_before_it_reads(
    folder, tmp_path, monkeypatch, classes, words
):
    shutil.rmtree(folder / "dogs")
    for number in range(80, 160):
        picture(number).save(folder / "cats" / f"{number:03}.png")
    source = folder if classes else folder / "cats"
    monkeypatch.setattr(pictures.Image, "open", lambda *_, **__: pytest.fail("reads first"))
    with pytest.raises(DatasetError, match=f"dataset image_folder: .* has {words}.*another extr"):
        prepared_in(
            tmp_path / "out", "image_folder", needs_classes=True, source=str(source), resolution=8
        )
    assert not (tmp_path / "out").exists()


def test_folder_is_prepared_in_colour_where_the_study_does_not_say(folder, tmp_path):
    data, card = prepared_in(
        tmp_path / "out", "image_folder", needs_classes=True, source=str(folder), resolution=8
    )
    assert data["train"].shape == (54, 3, 8, 8)
    assert card["sizes"] == {"train": 54, "held_out": 53, "extractor": 53}
    assert np.sum(list(card["class_counts"].values()), axis=0).tolist() == [80, 80]
    assert (card["channels"], card["title"]) == (3, "A folder of images")
    assert card["source"] == f"the folder {folder}"
