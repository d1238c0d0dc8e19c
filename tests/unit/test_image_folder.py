"""Folders of images: every file is used, or named with what was done or is wrong with it."""

import random
import shutil
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from ganbench import kinds
from ganbench.datasets.celeba import celeba
from ganbench.datasets.image_folder import image_folder
from ganbench.datasets.sources import DatasetError
from PIL import Image


def picture(seed, size=(20, 16), mode="RGB"):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return Image.fromarray(noise).convert(mode)


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


def test_what_is_out_of_the_ordinary_is_recorded_with_its_files(folder):
    picture(1, mode="L").save(folder / "cats/001.png")
    picture(2, mode="RGBA").save(folder / "cats/002.png")
    picture(3, mode="P").save(folder / "cats/003.png")
    Image.fromarray(np.full((16, 16), 257 * 100, np.uint16)).save(folder / "cats/004.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(5, size=(30, 16)).save(folder / "cats/005.png", exif=turned)
    (folder / "cats/notes.txt").write_text("mine")
    (folder / "cats/.hidden.png").write_bytes(b"")
    told = "\n".join(read(folder).decisions)
    for words in (
        "grey among colour: three equal channels: 2 (cats/001.png, cats/004.png)",
        "16 bits brought to 8: 1 (cats/004.png)",
        "turned upright as their EXIF says: 1 (cats/005.png)",
        "files that are no images passed over: 1 (cats/notes.txt)",
        "hidden files passed over: 1 (cats/.hidden.png)",
    ):
        assert words in told
    assert "transparent: laid on white: 1 (cats/002.png)" in told
    assert read(folder).parts["all"].samples[4].tolist() == np.full((3, 8, 8), 100).tolist()


def test_transparent_pixels_become_white(folder):
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(folder / "cats/000.png")
    assert (read(folder).parts["all"].samples[0] == 255).all()


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


def spoil_small(file):
    picture(0, size=(7, 30)).save(file)


def spoil_empty(file):
    file.write_bytes(b"")


def spoil_bomb(file):
    Image.new("1", (10_000, 10_000)).save(file)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_truncated, "damaged"),
        (spoil_text, "no image, whatever its name says"),
        (spoil_empty, "no image, whatever its name says"),
        (spoil_small, "smaller than 8×8"),
        (spoil_bomb, "more than 50,000,000 pixels"),
    ],
)
def test_image_that_cannot_be_used_is_an_error_that_names_it(folder, spoil, words):
    for number in range(7):
        spoil(folder / f"dogs/{number:03}.png")
    with pytest.raises(DatasetError) as error:
        read(folder)
    names = ", ".join(f"dogs/{number:03}.png" for number in range(5))
    assert words in str(error.value)
    assert f"7 ({names}, …)" in str(error.value)


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
    with pytest.raises(DatasetError, match="there is no folder .*nowhere"):
        read(tmp_path / "nowhere")


@pytest.fixture
def faces(tmp_path):
    """A folder like CelebA's, and a kind of its size."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 61)]
    for number, name in enumerate(names):
        picture(number, size=(178, 218)).save(folder / "img_align_celeba" / name)
    parts = [0] * 30 + [1] * 20 + [2] * 10
    pairs = zip(names, parts, strict=True)
    (folder / "list_eval_partition.txt").write_text("".join(f"{a} {b}\n" for a, b in pairs))
    rows = [f"{name} {1 if n % 2 else -1} -1 {1 if n % 3 else -1}" for n, name in enumerate(names)]
    (folder / "list_attr_celeba.txt").write_text(
        "\n".join([str(len(names)), "Male Young Smiling", *rows, ""])
    )
    kind = replace(
        kinds.kinds()["celeba"], parts={"train": 30, "extractor": 20, "test": 10}, resolution=32
    )
    return folder, kind


def test_celeba_has_its_official_parts_and_two_attributes_for_classes(faces):
    folder, kind = faces
    source = celeba(kind, str(folder), sys.stdout)
    assert {name: len(part.samples) for name, part in source.parts.items()} == kind.parts
    labels = source.parts["train"].labels
    assert labels.tolist() == [2 * (n % 2) + bool(n % 3) for n in range(30)]
    aligned = picture(0, size=(178, 218))
    aligned.save(folder / "once.jpg")
    square = Image.open(folder / "once.jpg").convert("RGB").crop((0, 20, 178, 198))
    expected = np.asarray(square.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.abs(source.parts["train"].samples[0].astype(int) - expected).max() <= 1


def test_celeba_is_read_from_its_archive_as_from_its_folder(faces):
    folder, kind = faces
    plain = celeba(kind, str(folder), sys.stdout)
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for file in (folder / "img_align_celeba").iterdir():
            archive.write(file, f"img_align_celeba/{file.name}")
    shutil.rmtree(folder / "img_align_celeba")
    packed = celeba(kind, str(folder), sys.stdout)
    for name, part in plain.parts.items():
        assert np.array_equal(part.samples, packed.parts[name].samples)


def test_celeba_that_is_not_there_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    with pytest.raises(DatasetError, match=r"lacks list_eval_partition.txt, list_attr_celeba.txt"):
        celeba(kinds.kinds()["celeba"], "", sys.stdout)


def test_celeba_with_other_counts_or_a_missing_image_is_refused(faces):
    folder, kind = faces
    with pytest.raises(DatasetError, match="not the published counts"):
        celeba(kinds.kinds()["celeba"], str(folder), sys.stdout)
    (folder / "img_align_celeba/000007.jpg").unlink()
    with pytest.raises(DatasetError, match=r"missing: 1 \(000007.jpg\)"):
        celeba(kind, str(folder), sys.stdout)
