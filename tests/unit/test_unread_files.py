"""Files that are not read as images: counted for each class, and refused above the limit."""

import pytest
from dataset_example import make_image
from ganbench.datasets.sources import DatasetError
from image_folder_example import read_folder, write_folders


@pytest.fixture
def folder(tmp_path):
    return write_folders(tmp_path / "images", ("cats", "dogs"), images=120)


@pytest.mark.parametrize(
    ("name", "ending"),
    [("cats/1.heic", ".heic"), ("cats/1", "no ending"), ("cats/1.CR2", ".cr2")],
)
def test_unread_files_up_to_one_percent_are_listed(folder, name, ending):
    (folder / name).write_bytes(b"x")
    sentence = f"Left out 1 file that cannot be read as images (cats: 1 of 121 ({ending}))."
    assert read_folder(folder).decisions == [sentence]


def test_more_unread_files_are_refused_with_the_ways_out(folder):
    for number in range(2):
        (folder / f"cats/{number}.heic").write_bytes(b"x")
    (folder / "cats/IMG_0001").write_bytes(b"x")
    (folder / "dogs/film.mp4").write_bytes(b"x")
    with pytest.raises(DatasetError) as error:
        read_folder(folder)
    counts = "4 files that cannot be read as images (cats: 3 of 123 (no ending, .heic); dogs: 1 of"
    for words in (counts, "expected at most 0.01", "heif-convert", "`unread_share: 0.03`"):
        assert words in str(error.value)
    assert "Left out 4 files" in read_folder(folder, unread_share=0.03).decisions[0]


def test_each_class_is_judged_by_itself(tmp_path):
    """A rare class that lost half of its images is below one percent of all files."""
    write_folders(tmp_path, ("cats",), images=300)
    write_folders(tmp_path, ("dogs",), images=2)
    for number in range(2):
        (tmp_path / f"dogs/{number}.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"\(dogs: 2 of 4 \(\.heic\)\).*unread_share: 0\.5"):
        read_folder(tmp_path)


def test_class_whose_images_are_all_unread_is_refused_by_name(folder):
    (folder / "birds").mkdir()
    (folder / "birds/1.heic").write_bytes(b"x")
    with pytest.raises(
        DatasetError, match=r"birds\) without an image, but with 1 file \(birds/1.h"
    ):
        read_folder(folder, unread_share=1)


def test_texts_beside_images_are_no_lost_images(folder):
    for number in range(120):
        (folder / f"cats/{number:03}.txt").write_text("a cat")
    (folder / "README").write_text("mine")
    assert read_folder(folder).decisions == [
        "Skipped 121 non-image files (README, cats/000.txt, cats/001.txt, cats/002.txt, "
        "cats/003.txt, …)."
    ]


@pytest.mark.parametrize("ending", ["jp2", "j2k", "tga", "TGA"])
def test_formats_that_pillow_has_are_read_exactly(folder, ending):
    image = make_image(5, size=(8, 8))
    options = {} if ending.lower() == "tga" else {"irreversible": False}
    file_format = "TGA" if ending.lower() == "tga" else "JPEG2000"
    image.save(folder / f"cats/0.{ending}", format=file_format, **options)
    samples = read_folder(folder).parts["all"].samples
    assert (samples[0].transpose(1, 2, 0) == image).all()


def test_tga_is_only_read_under_its_name(folder):
    """It has no signature: bytes of anything may look like one."""
    make_image(5, size=(8, 8)).save(folder / "cats/000.png", format="TGA")
    with pytest.raises(DatasetError, match="not an image despite its name: 1 image"):
        read_folder(folder)


def test_heic_under_the_name_of_another_format_is_recognised(folder):
    """Telephones and messengers rename what they send."""
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    (folder / "dogs/000.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=r"HEIC despite its name.*heif-convert.*dogs/000.jpg"):
        read_folder(folder)


def test_damaged_jpeg_2000_is_refused_by_name(folder):
    file = folder / "cats/000.jp2"
    make_image(5, size=(64, 64)).save(file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DatasetError, match=r"damaged: 1 image \(cats/000.jp2\)"):
        read_folder(folder)
