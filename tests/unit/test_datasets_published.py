"""Published datasets: found in order, verified, and read from the formats they come in."""

import gzip
import io
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from dataset_example import DEBIAN, SPLITS, idx_file, picture, prepared_in, put, with_files
from ganbench.catalogue import datasets
from ganbench.datasets import locate
from ganbench.datasets import mnist_cifar10 as published
from ganbench.datasets import prepare as preparing
from ganbench.datasets.celeba import celeba
from ganbench.datasets.sources import DatasetError
from PIL import Image


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A kind like MNIST with few images, its digests right, and the contents of its files."""
    random = np.random.default_rng(3)
    contents = {}
    for prefix, count in (("train", 400), ("t10k", 100)):
        contents[f"{prefix}-images-idx3-ubyte"] = idx_file(random.integers(0, 256, (count, 28, 28)))
        contents[f"{prefix}-labels-idx1-ubyte"] = idx_file(random.integers(0, 10, count))
    kind = with_files("mnist", contents, parts={"train": 400, "test": 100})
    monkeypatch.setattr(preparing, "KINDS", {"mnist": kind})
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(locate, "SYSTEM_FOLDERS", (tmp_path / "system",))
    return kind, contents


@pytest.mark.parametrize("compressed", [False, True])
def test_source_is_looked_for_in_order(small_mnist, tmp_path, compressed):
    _, contents = small_mnist
    places = [tmp_path / "mine", tmp_path / "system/mnist", tmp_path / "cache/mnist"]
    for folder in places:
        put(folder, contents, compressed=compressed)
    found = []
    for number, folder in enumerate(places):
        source = str(folder) if number == 0 else ""
        _, card = prepared_in(tmp_path / f"out{number}", "mnist", source=source, extractor_images=9)
        found.append(card["source"])
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert found == [f"the folder {places[0]}", str(places[1]), "the shared cache"]


def test_file_that_is_not_the_published_one_is_refused_wherever_it_lies(small_mnist, tmp_path):
    _, contents = small_mnist
    name = "t10k-labels-idx1-ubyte"
    contents[name] = contents[name][:-1] + bytes([contents[name][-1] ^ 1])
    for compressed in (False, True):
        folder = put(tmp_path / f"mine{compressed}", contents, compressed=compressed)
        with pytest.raises(DatasetError, match=rf"{name} in .*mine.* is not the published one"):
            prepared_in(tmp_path / "out", "mnist", source=str(folder), extractor_images=9)


def test_source_that_lacks_a_file_is_said_with_what_it_should_hold(small_mnist, tmp_path):
    _, contents = small_mnist
    folder = put(tmp_path / "mine", contents)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="does not hold train-images-idx3-ubyte, train-labels"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))
    with pytest.raises(DatasetError, match="there is no folder"):
        prepared_in(tmp_path / "out", "mnist", source=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"no gzip" + c])
def test_damaged_compressed_file_is_named(small_mnist, tmp_path, damage):
    _, contents = small_mnist
    folder = put(tmp_path / "mine", contents, compressed=True)
    file = folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte.gz cannot be read"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))


def test_file_that_uncompresses_to_far_more_than_it_may_is_not_read(
    small_mnist, tmp_path, monkeypatch
):
    _, contents = small_mnist
    monkeypatch.setattr(locate, "LARGEST", 1000)
    folder = put(tmp_path / "mine", contents, compressed=True)
    with pytest.raises(DatasetError, match="uncompresses to more than 1,000 bytes"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))


def test_damaged_file_of_the_cache_is_named_with_its_folder(small_mnist, tmp_path):
    _, contents = small_mnist
    contents["train-images-idx3-ubyte"] += b"more"
    put(tmp_path / "cache/mnist", contents)
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte in .*cache/mnist is not"):
        prepared_in(tmp_path / "out", "mnist")


def test_without_a_network_the_three_ways_out_are_named(small_mnist, tmp_path, monkeypatch):
    kind, _ = small_mnist
    nowhere = replace(kind, download="https://127.0.0.1:9/")  # nobody listens at port 9
    monkeypatch.setattr(preparing, "KINDS", {"mnist": nowhere})
    with pytest.raises(DatasetError) as error:
        prepared_in(tmp_path / "out", "mnist")
    for words in (
        "could not be downloaded: https://127.0.0.1:9/train-images-idx3-ubyte.gz: ",
        "run the same command again",
        "as `source` of the dataset",
        "another dataset",
    ):
        assert words in str(error.value)
    assert not (tmp_path / "out").exists()


def test_without_a_place_for_downloads_the_ways_out_are_named(small_mnist, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(DatasetError, match=r"Not a directory; name another in GANBENCH_CACHE. Thr"):
        prepared_in(tmp_path / "out", "mnist")


def test_download_lands_in_the_cache_and_is_verified(small_mnist, tmp_path, monkeypatch):
    kind, contents = small_mnist
    asked = []

    def download(url, to, *, sha256, log):
        asked.append((url, sha256))
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(gzip.compress(contents[to.name.removesuffix(".gz")]))

    monkeypatch.setattr(locate, "download", download)
    _, card = prepared_in(tmp_path / "out", "mnist", extractor_images=9)
    assert card["source"] == f"downloaded from {kind.download}"
    assert asked == [(kind.download + name, digest) for name, digest in kind.archives.items()]
    _, card = prepared_in(tmp_path / "again", "mnist", extractor_images=9)
    assert card["source"] == "the shared cache"
    assert len(asked) == 4


@pytest.mark.parametrize("kind", [kind for kind in datasets.KINDS.values() if kind.download])
def test_facts_of_a_download_are_whole(kind):
    assert kind.download.startswith("https://")
    assert kind.download.endswith("/")
    for digest in (*kind.files.values(), *kind.archives.values()):
        assert len(bytes.fromhex(digest)) == 32


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:9],  # no room for the header
        lambda content: content[:-1],
        lambda content: content + b"more",
        lambda content: b"\0\0\x0d" + content[3:],  # of floats
        lambda content: content[:7] + b"\x91" + content[8:],  # 401 images
    ],
)
def test_idx_file_that_is_not_of_the_images_it_should_hold_is_refused(small_mnist, damage):
    _, contents = small_mnist
    name = "train-images-idx3-ubyte"
    found = locate.Found({name: damage(contents[name])}, "")
    with pytest.raises(DatasetError, match=f"{name}: "):
        published.idx(found, name, (400, 28, 28))


def test_idx_file_is_read_as_torchvision_reads_it(tmp_path):
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    torchvision = pytest.importorskip("torchvision.datasets.mnist")
    name = "t10k-images-idx3-ubyte"
    content = gzip.decompress((DEBIAN / f"{name}.gz").read_bytes())
    (tmp_path / name).write_bytes(content)
    expected = torchvision.read_image_file(str(tmp_path / name)).numpy()
    found = published.idx(locate.Found({name: content}, ""), name, (10_000, 28, 28))
    assert np.array_equal(found, expected)


@pytest.fixture
def small_cifar10(monkeypatch):
    """A kind like CIFAR-10 with few images, its digests right, and its batches."""
    random = np.random.default_rng(4)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    batches = {}
    for name in names:
        records = random.integers(0, 256, (40, 3073)).astype(np.uint8)
        records[:, 0] %= 10
        batches[name] = records.tobytes()
    kind = with_files("cifar10", batches, parts={"train": 200, "test": 40})
    monkeypatch.setattr(preparing, "KINDS", {"cifar10": kind})
    return batches


def archive(folder, members):
    """The archive of CIFAR-10 with these (name, content) pairs."""
    folder.mkdir()
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as written:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_cifar10_is_read_from_its_archive_or_its_batches(small_cifar10, tmp_path, packed):
    members = {f"cifar-10-batches-bin/{name}": each for name, each in small_cifar10.items()}
    outside = {"../outside.bin": b"", "/tmp/outside.bin": b""}
    folder = tmp_path / "mine"
    if packed:
        archive(folder, [*outside.items(), *members.items()])
    else:
        put(folder, small_cifar10)
    data, card = prepared_in(tmp_path / "out", "cifar10", source=str(folder), extractor_images=50)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]  # nothing unpacked
    assert card["sizes"] == {"train": 150, "held_out": 40, "extractor": 50}
    records = [np.frombuffer(each, np.uint8).reshape(-1, 3073) for each in small_cifar10.values()]
    label_of = {row[1:].tobytes(): row[0] for row in np.concatenate(records)}
    for split in SPLITS:
        assert data[split].shape[1:] == (3, 32, 32)
        labels = [label_of[image.tobytes()] for image in data[split]]
        assert labels == data[f"{split}_labels"].tolist()
    assert sorted(image.tobytes() for image in data["held_out"]) == sorted(
        row[1:].tobytes() for row in records[-1]
    )


def test_cut_archive_of_cifar10_is_named(small_cifar10, tmp_path):
    folder = archive(tmp_path / "mine", small_cifar10.items())
    file = folder / "cifar-10-binary.tar.gz"
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(DatasetError, match=r"cifar-10-binary.tar.gz cannot be read"):
        prepared_in(tmp_path / "out", "cifar10", source=str(folder))


@pytest.fixture
def faces(tmp_path):
    """A folder like CelebA's, and a kind of its size that knows the digests of its lists."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 61)]
    for number, name in enumerate(names):
        picture(number, size=(178, 218)).save(folder / "img_align_celeba" / name)
    parts = [0] * 30 + [1] * 20 + [2] * 10
    pairs = zip(names, parts, strict=True)
    rows = [f"{name} {1 if n % 2 else -1} -1 {1 if n % 3 else -1}" for n, name in enumerate(names)]
    lists = {
        "list_eval_partition.txt": "".join(f"{name} {part}\n" for name, part in pairs),
        "list_attr_celeba.txt": "\n".join(["60", "Male Young Smiling", *rows, ""]),
    }
    for name, text in lists.items():
        (folder / name).write_text(text)
    contents = {name: text.encode() for name, text in lists.items()}
    sizes = {"train": 30, "extractor": 20, "test": 10}
    return folder, with_files("celeba", contents, parts=sizes, resolution=32)


def pack(folder):
    """Makes an archive of the images, and removes their folder."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as written:
        for file in (folder / "img_align_celeba").iterdir():
            written.write(file, f"img_align_celeba/{file.name}")
    shutil.rmtree(folder / "img_align_celeba")


def test_celeba_has_its_official_parts_and_two_attributes_for_classes(faces):
    folder, kind = faces
    source = celeba(kind, str(folder), sys.stdout)
    assert {name: len(part.samples) for name, part in source.parts.items()} == kind.parts
    labels = source.parts["train"].labels
    assert labels.tolist() == [2 * (n % 2) + bool(n % 3) for n in range(30)]
    for label, words in ((3, "male and smiling"), (1, "not male and smiling")):
        assert source.class_names[label] == words
    assert "no published digest" in source.decisions[0]


def test_celeba_is_the_centre_square_of_each_image_made_smaller(faces):
    folder, kind = faces
    with Image.open(folder / "img_align_celeba/000001.jpg") as first:
        square = first.crop((0, 20, 178, 198))
    expected = np.asarray(square.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    source = celeba(kind, str(folder), sys.stdout)
    assert np.array_equal(source.parts["train"].samples[0], expected)


def test_celeba_is_read_from_its_archive_as_from_its_folder(faces):
    folder, kind = faces
    plain = celeba(kind, str(folder), sys.stdout)
    pack(folder)
    packed = celeba(kind, str(folder), sys.stdout)
    for name, part in plain.parts.items():
        assert np.array_equal(part.samples, packed.parts[name].samples)


def test_archive_and_lists_of_celeba_are_verified(faces):
    folder, kind = faces
    pack(folder)
    other = replace(kind, files={**kind.files, "img_align_celeba.zip": "0" * 64})
    with pytest.raises(DatasetError, match=r"img_align_celeba.zip is not the published one"):
        celeba(other, str(folder), sys.stdout)
    with (folder / "list_attr_celeba.txt").open("a") as file:
        file.write("000061.jpg 1 1 1\n")
    with pytest.raises(DatasetError, match=r"list_attr_celeba.txt is not the published one"):
        celeba(kind, str(folder), sys.stdout)


def test_celeba_that_is_not_there_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    with pytest.raises(DatasetError, match=r"lacks list_eval_partition.txt, list_attr_celeba.txt"):
        celeba(datasets.KINDS["celeba"], "", sys.stdout)


@pytest.mark.parametrize("packed", [False, True])
def test_image_that_celeba_lacks_is_named(faces, packed):
    folder, kind = faces
    (folder / "img_align_celeba/000007.jpg").unlink()
    if packed:
        pack(folder)
    with pytest.raises(DatasetError, match=r"missing: 1 \(.*000007.jpg\)"):
        celeba(kind, str(folder), sys.stdout)


def test_images_of_another_size_are_not_taken_for_celeba(faces):
    folder, kind = faces
    picture(1, size=(218, 178)).save(folder / "img_align_celeba/000002.jpg")
    with pytest.raises(DatasetError, match=r"not 178×218: 1 \(000002.jpg\)"):
        celeba(kind, str(folder), sys.stdout)


def test_damaged_image_in_the_archive_of_celeba_is_named(faces):
    folder, kind = faces
    pack(folder)
    file = folder / "img_align_celeba.zip"
    with zipfile.ZipFile(file) as packed:
        start = packed.getinfo("img_align_celeba/000003.jpg").header_offset
    content = bytearray(file.read_bytes())
    content[start + 500] ^= 255
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"damaged: 1 \(.*000003.jpg\); the first: BadZipFile"):
        celeba(kind, str(folder), sys.stdout)
