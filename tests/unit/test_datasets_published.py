"""Published datasets are found in order, verified, and read from their formats."""

import gzip
import io
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from dataset_example import (
    SPLITS,
    make_idx,
    make_image,
    make_kind,
    prepare_in,
    write_files,
)
from ganbench.catalogue.datasets import KINDS
from ganbench.datasets import locate
from ganbench.datasets import prepare as preparation
from ganbench.datasets.celeba import read_celeba
from ganbench.datasets.mnist_cifar10 import parse_idx
from ganbench.datasets.sources import DatasetError
from PIL import Image


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A kind like MNIST with few images, its digests right, and the contents of its files."""
    random = np.random.default_rng(3)
    contents = {}
    for prefix, count in (("train", 400), ("t10k", 100)):
        contents[f"{prefix}-images-idx3-ubyte"] = make_idx(random.integers(0, 256, (count, 28, 28)))
        contents[f"{prefix}-labels-idx1-ubyte"] = make_idx(random.integers(0, 10, count))
    kind = make_kind("mnist", contents, parts={"train": 400, "test": 100})
    monkeypatch.setattr(preparation, "KINDS", {"mnist": kind})
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(locate, "SYSTEM_FOLDERS", (tmp_path / "system",))
    return kind, contents


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_files_are_looked_for_in_order(small_mnist, tmp_path, compressed):
    _, contents = small_mnist
    places = [tmp_path / "mine", tmp_path / "system/mnist", tmp_path / "cache/mnist"]
    for folder in places:
        write_files(folder, contents, compressed=compressed)
    origins = []
    for number, folder in enumerate(places):
        source = str(folder) if number == 0 else ""
        _, card = prepare_in(tmp_path / f"out{number}", "mnist", source=source, extractor_images=9)
        origins.append(card["source"])
        shutil.rmtree(folder)
    assert origins == [f"the folder {places[0]}", str(places[1]), "the shared cache"]


def test_extractor_split_may_be_empty(small_mnist, tmp_path):
    _, contents = small_mnist
    folder = write_files(tmp_path / "mine", contents)
    _, card = prepare_in(tmp_path / "out", "mnist", source=str(folder), extractor_images=0)
    assert card["sizes"] == {"train": 400, "held_out": 100, "extractor": 0}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_file_that_is_not_the_published_one_is_refused(small_mnist, tmp_path, compressed):
    _, contents = small_mnist
    name = "t10k-labels-idx1-ubyte"
    contents[name] = contents[name][:-1] + bytes([contents[name][-1] ^ 1])
    folder = write_files(tmp_path / "mine", contents, compressed=compressed)
    with pytest.raises(DatasetError, match=rf"{name} in .*mine is not the published file of MNIST"):
        prepare_in(tmp_path / "out", "mnist", source=str(folder), extractor_images=9)


def test_incomplete_source_is_refused_with_the_list_of_files(small_mnist, tmp_path):
    _, contents = small_mnist
    folder = write_files(tmp_path / "mine", contents)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match=r"expected train-images-idx3-ubyte, train-labels.* in "):
        prepare_in(tmp_path / "out", "mnist", source=str(folder))
    with pytest.raises(DatasetError, match="there is no folder"):
        prepare_in(tmp_path / "out", "mnist", source=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[: len(content) // 2], lambda content: b"no gzip" + content],
    ids=["truncated", "not gzip"],
)
def test_damaged_compressed_file_is_named(small_mnist, tmp_path, damage):
    _, contents = small_mnist
    folder = write_files(tmp_path / "mine", contents, compressed=True)
    file = folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte.gz cannot be read"):
        prepare_in(tmp_path / "out", "mnist", source=str(folder))


def test_file_that_decompresses_to_too_much_is_refused(small_mnist, tmp_path, monkeypatch):
    _, contents = small_mnist
    monkeypatch.setattr(locate, "LARGEST", 1000)
    folder = write_files(tmp_path / "mine", contents, compressed=True)
    with pytest.raises(DatasetError, match="decompresses to more than 1,000 bytes"):
        prepare_in(tmp_path / "out", "mnist", source=str(folder))


def test_damaged_file_of_the_cache_is_named_with_its_folder(small_mnist, tmp_path):
    _, contents = small_mnist
    contents["train-images-idx3-ubyte"] += b"more"
    write_files(tmp_path / "cache/mnist", contents)
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte in .*cache/mnist is not"):
        prepare_in(tmp_path / "out", "mnist")


def test_message_without_a_network_says_what_to_do(small_mnist, tmp_path, monkeypatch):
    kind, _ = small_mnist
    unreachable = replace(kind, download="https://127.0.0.1:9/")  # nobody listens at port 9
    monkeypatch.setattr(preparation, "KINDS", {"mnist": unreachable})
    with pytest.raises(DatasetError) as error:
        prepare_in(tmp_path / "out", "mnist")
    for words in (
        "could not be downloaded: https://127.0.0.1:9/train-images-idx3-ubyte.gz: ",
        "Run the same command again",
        "as `source` of the dataset",
        "use another dataset",
    ):
        assert words in str(error.value)
    assert not (tmp_path / "out").exists()


def test_message_without_a_cache_folder_says_what_to_do(small_mnist, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(DatasetError, match=r"Not a directory; set GANBENCH_CACHE .* Run the same"):
        prepare_in(tmp_path / "out", "mnist")


def test_download_goes_to_the_cache_and_is_read_from_there(small_mnist, tmp_path, monkeypatch):
    kind, contents = small_mnist
    requests = []

    def download(url, to, *, sha256, log):
        requests.append((url, sha256))
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(gzip.compress(contents[to.name.removesuffix(".gz")]))

    monkeypatch.setattr(locate, "download", download)
    _, card = prepare_in(tmp_path / "out", "mnist", extractor_images=9)
    assert card["source"] == f"downloaded from {kind.download}"
    assert requests == [(kind.download + name, sha256) for name, sha256 in kind.archives.items()]
    _, card = prepare_in(tmp_path / "again", "mnist", extractor_images=9)
    assert card["source"] == "the shared cache"
    assert len(requests) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:9],
        lambda content: content[:-1],
        lambda content: content + b"more",
        lambda content: b"\0\0\x0d" + content[3:],
        lambda content: content[:7] + b"\x91" + content[8:],
    ],
    ids=["cut header", "too short", "too long", "floats", "401 images"],
)
def test_idx_file_of_another_shape_is_refused(small_mnist, damage):
    _, contents = small_mnist
    name = "train-images-idx3-ubyte"
    files = locate.LocatedFiles({name: damage(contents[name])}, "")
    with pytest.raises(DatasetError, match=f"{name}: "):
        parse_idx(files, name, (400, 28, 28))


def test_idx_file_is_read_as_torchvision_reads_it(small_mnist, tmp_path):
    torchvision = pytest.importorskip("torchvision.datasets.mnist")
    _, contents = small_mnist
    name = "t10k-images-idx3-ubyte"
    (tmp_path / name).write_bytes(contents[name])
    expected = torchvision.read_image_file(str(tmp_path / name)).numpy()
    images = parse_idx(locate.LocatedFiles(contents, ""), name, (100, 28, 28))
    assert np.array_equal(images, expected)


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
    kind = make_kind("cifar10", batches, parts={"train": 200, "test": 40})
    monkeypatch.setattr(preparation, "KINDS", {"cifar10": kind})
    return batches


def write_archive(folder, members):
    """Writes an archive of CIFAR-10 with these (name, content) pairs into a new folder."""
    folder.mkdir()
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "batches"])
def test_cifar10_is_read_from_its_archive_or_its_batches(small_cifar10, tmp_path, packed):
    folder = tmp_path / "mine"
    if packed:
        outside = {"../outside.bin": b"", "/tmp/outside.bin": b""}
        batches = {f"cifar-10-batches-bin/{name}": small_cifar10[name] for name in small_cifar10}
        write_archive(folder, [*outside.items(), *batches.items()])
    else:
        write_files(folder, small_cifar10)
    data, card = prepare_in(tmp_path / "out", "cifar10", source=str(folder), extractor_images=50)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]  # nothing unpacked
    assert card["sizes"] == {"train": 150, "held_out": 40, "extractor": 50}
    records = [np.frombuffer(batch, np.uint8).reshape(-1, 3073) for batch in small_cifar10.values()]
    label_of = {bytes(record[1:]): record[0] for record in np.concatenate(records)}
    for split in SPLITS:
        assert data[split].shape[1:] == (3, 32, 32)
        assert [label_of[bytes(image)] for image in data[split]] == data[f"{split}_labels"].tolist()
    test_images = sorted(bytes(record[1:]) for record in records[-1])
    assert sorted(map(bytes, data["held_out"])) == test_images


def test_truncated_archive_of_cifar10_is_named(small_cifar10, tmp_path):
    folder = write_archive(tmp_path / "mine", small_cifar10.items())
    file = folder / "cifar-10-binary.tar.gz"
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(DatasetError, match=r"cifar-10-binary.tar.gz cannot be read"):
        prepare_in(tmp_path / "out", "cifar10", source=str(folder))


@pytest.fixture
def faces(tmp_path):
    """A folder like CelebA's, and a kind with its sizes and the digests of its lists."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 61)]
    for number, name in enumerate(names):
        make_image(number, size=(178, 218)).save(folder / "img_align_celeba" / name)
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
    return folder, make_kind("celeba", contents, parts=sizes, resolution=32)


def pack(folder):
    """Moves the images into an archive."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for file in (folder / "img_align_celeba").iterdir():
            archive.write(file, f"img_align_celeba/{file.name}")
    shutil.rmtree(folder / "img_align_celeba")


def test_celeba_has_its_official_parts_and_classes_of_two_attributes(faces):
    folder, kind = faces
    source = read_celeba(kind, str(folder), sys.stdout)
    assert {name: len(part.samples) for name, part in source.parts.items()} == kind.parts
    labels = source.parts["train"].labels
    assert labels.tolist() == [2 * (n % 2) + bool(n % 3) for n in range(30)]
    for label, words in ((3, "male and smiling"), (1, "not male and smiling")):
        assert source.class_names[label] == words
    assert "no published SHA-256" in source.decisions[0]


def test_celeba_uses_the_central_square_of_each_image_resized(faces):
    folder, kind = faces
    with Image.open(folder / "img_align_celeba/000001.jpg") as first:
        square = first.crop((0, 20, 178, 198))
    expected = np.asarray(square.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    source = read_celeba(kind, str(folder), sys.stdout)
    assert np.array_equal(source.parts["train"].samples[0], expected)


def test_celeba_is_read_from_its_archive_as_from_its_folder(faces):
    folder, kind = faces
    plain = read_celeba(kind, str(folder), sys.stdout)
    pack(folder)
    packed = read_celeba(kind, str(folder), sys.stdout)
    for name, part in plain.parts.items():
        assert np.array_equal(part.samples, packed.parts[name].samples)


def test_archive_and_lists_of_celeba_are_verified(faces):
    folder, kind = faces
    pack(folder)
    other = replace(kind, files={**kind.files, "img_align_celeba.zip": "0" * 64})
    with pytest.raises(DatasetError, match=r"img_align_celeba.zip is not the published file"):
        read_celeba(other, str(folder), sys.stdout)
    with (folder / "list_attr_celeba.txt").open("a") as file:
        file.write("000061.jpg 1 1 1\n")
    with pytest.raises(DatasetError, match=r"list_attr_celeba.txt is not the published file"):
        read_celeba(kind, str(folder), sys.stdout)


def test_missing_files_of_celeba_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    with pytest.raises(DatasetError, match=r"lacks list_eval_partition.txt, list_attr_celeba.txt"):
        read_celeba(KINDS["celeba"], "", sys.stdout)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_missing_image_of_celeba_is_named(faces, packed):
    folder, kind = faces
    (folder / "img_align_celeba/000007.jpg").unlink()
    if packed:
        pack(folder)
    with pytest.raises(DatasetError, match=r"missing: 1 image \(.*000007.jpg\)"):
        read_celeba(kind, str(folder), sys.stdout)


def test_image_of_another_size_is_refused_in_celeba(faces):
    folder, kind = faces
    make_image(1, size=(218, 178)).save(folder / "img_align_celeba/000002.jpg")
    with pytest.raises(DatasetError, match=r"not 178×218: 1 image \(000002.jpg\)"):
        read_celeba(kind, str(folder), sys.stdout)


def test_damaged_image_in_the_archive_of_celeba_is_named(faces):
    folder, kind = faces
    pack(folder)
    file = folder / "img_align_celeba.zip"
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("img_align_celeba/000003.jpg").header_offset
    content = bytearray(file.read_bytes())
    content[start + 500] ^= 255
    file.write_bytes(content)
    with pytest.raises(
        DatasetError, match=r"damaged: 1 image \(.*000003.jpg\); the first: BadZipFile"
    ):
        read_celeba(kind, str(folder), sys.stdout)
