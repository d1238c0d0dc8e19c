"""Sub-folders are classes only where they look like it, or where the study says so."""

import numpy as np
import pytest
from dataset_example import make_image, prepare_in
from ganbench.datasets.sources import DatasetError
from image_folder_example import read_folder, write_folders

HELPERS = ("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX")
HELPERS += ("lost+found", "@Recycle", "__pycache__")


@pytest.mark.parametrize("name", HELPERS)
def test_helper_folders_are_skipped_and_listed_at_any_depth(tmp_path, name):
    write_folders(tmp_path, ("cats", "dogs"))
    for parent in (tmp_path, tmp_path / "cats"):
        (parent / name).mkdir()
        make_image(9).save(parent / name / "000.png")
    source = read_folder(tmp_path)
    assert source.class_names == ["cats", "dogs"]
    assert len(source.parts["all"].samples) == 160
    listed = ", ".join(sorted([f"{name}/", f"cats/{name}/"]))
    assert source.decisions == [f"Skipped 2 system helpers ({listed})."]


def test_files_that_systems_leave_are_skipped_and_listed(tmp_path):
    write_folders(tmp_path, ("cats", "dogs"))
    for name in ("Thumbs.db", "desktop.ini"):
        (tmp_path / "cats" / name).write_bytes(b"x")
    assert read_folder(tmp_path).decisions == [
        "Skipped 2 system helpers (cats/Thumbs.db, cats/desktop.ini)."
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("train", "test"),
        ("training", "Validation"),
        ("trainA", "trainB"),
        ("train_a", "train_b", "test_a", "test_b"),
        ("train2017", "val2017"),
        ("train", "test", "unlabeled"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("wrapper", ["", "archive/"], ids=["bare", "wrapped"])
def test_folders_named_like_splits_are_not_taken_for_classes(tmp_path, names, wrapper):
    write_folders(tmp_path, [wrapper + name for name in names])
    with pytest.raises(DatasetError) as error:
        read_folder(tmp_path)
    for words in ("named like the splits", *names[:2], "`layout: splits`", "`layout: classes`"):
        assert words in str(error.value)
    source = read_folder(tmp_path / wrapper, layout="classes")
    assert source.class_names == sorted(names)


def test_class_that_is_named_train_is_a_class(tmp_path):
    write_folders(tmp_path, ("bus", "car", "train"))
    assert read_folder(tmp_path).class_names == ["bus", "car", "train"]


@pytest.mark.parametrize("name", ["masks", "Annotations", "ground_truth"])
def test_folders_of_annotations_are_not_taken_for_classes(tmp_path, name):
    write_folders(tmp_path, ("images", name))
    with pytest.raises(DatasetError, match=rf"1 sub-folder \({name}\) named like annotations"):
        read_folder(tmp_path)
    assert read_folder(tmp_path, layout="classes").class_names == sorted(("images", name))


def test_one_wrapper_over_the_classes_is_recognised_and_noted(tmp_path):
    write_folders(tmp_path, ("archive/photos/cats", "archive/photos/dogs"))
    source = read_folder(tmp_path)
    assert source.class_names == ["cats", "dogs"]
    assert source.decisions == [
        "Took archive/photos/ for the folder itself, which holds nothing else."
    ]
    assert read_folder(tmp_path, layout="classes").class_names == ["archive"]


def test_folders_within_classes_are_noted(tmp_path):
    write_folders(tmp_path, ("cats/train", "cats/test", "dogs"))
    source = read_folder(tmp_path)
    assert source.class_names == ["cats", "dogs"]
    assert source.decisions == [
        "Used the images of 2 nested folders (cats/test, cats/train) for the class above."
    ]


def read_splits(folder, **options):
    """Sizes and classes of the official parts."""
    source = read_folder(folder, layout="splits", **options)
    parts = {name: np.bincount(part.labels).tolist() for name, part in source.parts.items()}
    return parts, source.class_names


def test_splits_are_used_as_asked(tmp_path):
    write_folders(tmp_path / "data", ("train/cats", "train/dogs"), images=60)
    write_folders(tmp_path / "data", ("test/dogs",), images=50)
    assert read_splits(tmp_path) == ({"train": [60, 60], "test": [0, 50]}, ["cats", "dogs"])


def test_domains_of_an_image_translation_dataset_are_classes(tmp_path):
    write_folders(tmp_path, ("trainA", "trainB", "testA", "testB"), images=50)
    assert read_splits(tmp_path) == ({"train": [50, 50], "test": [50, 50]}, ["A", "B"])


def test_validation_images_train_the_extractor_or_replace_test_images(tmp_path):
    write_folders(tmp_path, ("train", "val", "test"), images=100)
    assert read_splits(tmp_path) == ({"train": [100], "test": [100], "extractor": [100]}, [])
    for file in (tmp_path / "test").iterdir():
        file.unlink()
    (tmp_path / "test").rmdir()
    assert read_splits(tmp_path) == ({"train": [100], "test": [100]}, [])


def test_official_splits_are_kept_and_described(tmp_path):
    write_folders(tmp_path / "in", ("train/a", "train/b", "test/a", "test/b"), images=90)
    source = str(tmp_path / "in")
    out = tmp_path / "out"
    data, card = prepare_in(out, "image_folder", source=source, resolution=8, layout="splits")
    assert card["sizes"] == {"train": 120, "held_out": 180, "extractor": 60}
    assert card["splits"]["held_out"] == "the official test images"
    assert "Took test/ for test images." in card["decisions"]
    source = read_folder(tmp_path / "in", layout="splits")
    test = {image.tobytes() for image in source.parts["test"].samples}
    assert {image.tobytes() for image in data["held_out"]} == test


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("cats", "dogs"), r"found 2 sub-folders \(cats, dogs\)"),
        (("train", "test", "masks"), r"masks, test, train"),
        (("train", "trainB", "test"), r"test, train, trainB"),
        (("trainA", "trainB"), r"trainA, trainB"),
        ((".",), r"found 160 images"),
    ],
)
def test_folder_without_the_splits_that_were_asked_for_is_refused(tmp_path, names, words):
    write_folders(tmp_path, names, images=160)
    with pytest.raises(DatasetError, match=rf"layout: .*{words}.*expected for `splits`"):
        read_folder(tmp_path, layout="splits")


def test_splits_of_which_one_has_no_classes_are_refused(tmp_path):
    write_folders(tmp_path, ("train/a", "train/b", "test"))
    with pytest.raises(DatasetError, match=r"80 images \(test/000.ppm.*`labels: none`"):
        read_folder(tmp_path, layout="splits")
    assert read_splits(tmp_path, labels="none") == ({"train": [160], "test": [80]}, [])


def test_small_official_part_is_refused(tmp_path):
    write_folders(tmp_path, ("train",), images=100)
    write_folders(tmp_path, ("test",), images=49)
    with pytest.raises(DatasetError, match="holds 49 test images, expected at least 50"):
        read_folder(tmp_path, layout="splits")


def test_without_labels_folders_are_pooled_and_noted(tmp_path):
    write_folders(tmp_path, ("train", "test"))
    write_folders(tmp_path, (".",), images=1)
    source = read_folder(tmp_path, labels="none")
    assert source.class_names == []
    assert set(source.parts["all"].labels) == {0}
    assert source.decisions == ["Pooled the images of 2 sub-folders (test, train)."]
