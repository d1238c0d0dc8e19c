"""Images with equal content are counted and lie in one split; splits without them are unchanged."""

import shutil
from itertools import chain

import numpy as np
import pytest
from dataset_example import prepare_in
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.datasets.splits import plan_cuts, split_source
from image_folder_example import read_folder, write_folders
from PIL import Image

SPLITS = ("train", "held_out", "extractor")


def split_numbers(contents, *, is_published=False):
    """The samples that each split gets, where sample i is the number i."""
    count = len(contents)
    samples = np.arange(count).astype(np.uint8).reshape(-1, 1, 1, 1)
    part = Part(samples, np.zeros(count, np.int64))
    source = Source({"all": part}, "", contents={} if is_published else {"all": contents})
    splits = split_source(source, plan_cuts(source, None))
    return {name: splits[name].samples.ravel().tolist() for name in SPLITS}


def test_without_copies_the_splits_are_those_of_published_datasets():
    contents = np.arange(200)
    assert split_numbers(contents) == split_numbers(contents, is_published=True)


def test_copies_stay_in_one_split_and_no_image_is_lost():
    contents = np.arange(200)
    contents[100:130] = contents[:30]  # pairs
    contents[130:150] = 30  # one image, twenty-one times
    splits = split_numbers(contents)
    owners = [{contents[number] for number in splits[name]} for name in SPLITS]
    assert sum(map(len, owners)) == len(np.unique(contents))
    assert sorted(chain(*splits.values())) == list(range(200))
    assert [len(splits[name]) for name in SPLITS] == [68, 66, 66]


def test_folder_of_copies_of_few_images_is_refused():
    contents = np.zeros(200, np.int64)
    with pytest.raises(DatasetError, match=r"only 0 of the 66 images planned for held_out"):
        split_numbers(contents)


def test_copies_are_found_by_content_and_listed_in_the_card(tmp_path):
    folder = write_folders(tmp_path / "in", ("cats", "dogs"))
    shutil.copy(folder / "cats/000.ppm", folder / "cats/copy.ppm")
    Image.open(folder / "cats/001.ppm").save(folder / "dogs/other format.png")
    data, card = prepare_in(tmp_path / "out", "image_folder", source=str(folder), resolution=8)
    assert card["decisions"] == [
        "Kept 2 copies (cats/copy.ppm, dogs/other format.png) in one split with the image of equal "
        "content.",
        "Found 1 copy (dogs/other format.png) of images of another class.",
    ]
    contents = [{image.tobytes() for image in data[split]} for split in SPLITS]
    assert sum(map(len, contents)) == 160
    assert sum(len(data[split]) for split in SPLITS) == 162


def test_copies_in_two_official_parts_stay_in_the_test_part(tmp_path):
    write_folders(tmp_path, ("train", "test"), images=120)
    for number in range(3):
        shutil.copy(tmp_path / f"test/{number:03}.ppm", tmp_path / f"train/leak{number}.ppm")
    source = read_folder(tmp_path, layout="splits")
    assert {name: len(part.samples) for name, part in source.parts.items()} == {
        "train": 120,
        "test": 120,
    }
    sentence = "Left out 3 copies (train/leak0.ppm, train/leak1.ppm, train/leak2.ppm) of images in "
    assert source.decisions[-1] == sentence + "another official part."


def test_class_that_is_missing_from_a_split_is_named_in_the_card(tmp_path):
    folder = write_folders(tmp_path / "in", ("cats", "dogs"))
    write_folders(folder, ("birds",), images=1)
    write_folders(folder, ("wolves",), images=2)
    _, card = prepare_in(tmp_path / "out", "image_folder", source=str(folder), resolution=8)
    counts = {
        split: dict(zip(card["class_names"], row, strict=True))
        for split, row in card["class_counts"].items()
    }
    for split in SPLITS:
        missing = sorted(name for name, count in counts[split].items() if not count)
        listed = ", ".join(missing)
        noun = "class" if len(missing) == 1 else "classes"
        sentence = f"The split {split} has no image of {len(missing)} {noun} ({listed})."
        assert (sentence in card["decisions"]) == bool(missing)
    assert sum("has no image of" in sentence for sentence in card["decisions"]) >= 2
