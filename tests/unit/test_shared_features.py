"""Features of real images that studies share: the same bits, and never a damaged file's."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.metrics import INCEPTION
from ganbench.evaluation import shared_features
from ganbench.evaluation.extractor import Features, extract
from ganbench.evaluation.shared_features import extract_shared
from torch import Tensor, nn


class Stretch(nn.Module):
    """An extractor that counts how often it computes; `sha256` is that of its weights' file."""

    batch_size, image_size, name = 4, (8, 8), INCEPTION

    def __init__(self, factor: float = 2.0, sha256: str = "of a file") -> None:
        super().__init__()
        self.factor, self.sha256, self.calls = nn.Parameter(torch.tensor(factor)), sha256, 0

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        features = images.flatten(1).float() * self.factor
        return features, features[:, :3]


def draw_images(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (10, 1, 8, 8), dtype=torch.uint8, generator=generator)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    return tmp_path / "features"


def same(features: Features, others: Features) -> bool:
    return torch.equal(features.features, others.features) and (
        torch.equal(features.logits, others.logits)
        if features.logits is not None
        else others.logits is None
    )


@pytest.mark.promise("shared-cache")
def test_second_study_gets_the_same_features_without_computing(folder):
    log, images = io.StringIO(), draw_images()
    first = extract_shared(Stretch(), images, log)
    second = Stretch()
    assert same(extract_shared(second, images, log), first)
    assert same(extract(second, images), first)
    (file,) = folder.iterdir()
    assert log.getvalue() == f"features of 10 real images are those in {file}\n"
    assert second.calls == 3, "those of `extract` alone"


@pytest.mark.parametrize(
    ("network", "images"),
    [
        (Stretch(), draw_images(1)),
        (Stretch(), draw_images()[:9]),
        (Stretch(), draw_images().reshape(10, 1, 4, 16)),
        (Stretch(3.0), draw_images()),
        (Stretch(sha256="of another file"), draw_images()),
    ],
    ids=["images", "count", "shape", "weights", "file"],
)
def test_features_of_anything_else_are_computed(folder, network, images):
    extract_shared(Stretch(), draw_images(), io.StringIO())
    computed = extract_shared(network, images, io.StringIO())
    assert same(computed, extract(network, images))
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("decides", ["code", "machine", "versions"])
def test_other_code_library_or_processor_computes_anew(folder, monkeypatch, decides):
    extract_shared(Stretch(), draw_images(), io.StringIO())
    module, name = {
        "code": (shared_features.code_digest, "digest"),
        "machine": (shared_features, "take_fingerprint"),
        "versions": (shared_features.provenance, "list_versions"),
    }[decides]
    monkeypatch.setattr(module, name, lambda *_: {"digest": "another"})
    network = Stretch()
    extract_shared(network, draw_images(), io.StringIO())
    assert network.calls > 0


@pytest.mark.promise("flipped-bit")
@pytest.mark.parametrize("damage", ["bit", "half", "empty", "digest"])
def test_damaged_file_is_computed_and_written_anew(folder, damage):
    images = draw_images()
    expected = extract_shared(Stretch(), images, io.StringIO())
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    at = len(whole) // 2
    file.write_bytes(
        {
            "bit": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "half": whole[:at],
            "empty": b"",
            "digest": bytes([whole[0] ^ 1]) + whole[1:],
        }[damage]
    )
    log = io.StringIO()
    assert same(extract_shared(Stretch(), images, log), expected)
    assert log.getvalue() == f"{file} is damaged, so it is made again\n"
    assert file.read_bytes() == whole


@pytest.mark.promise("cache-not-writable")
def test_folder_that_cannot_be_made_or_written_costs_a_line(folder, monkeypatch):
    for path in ("/dev/null/cache", "/proc/cache"):
        monkeypatch.setenv("GANBENCH_CACHE", path)
        log, images = io.StringIO(), draw_images()
        assert same(extract_shared(Stretch(), images, log), extract(Stretch(), images))
        assert log.getvalue().startswith("features of real images are not shared: ")
        assert path in log.getvalue()


@pytest.mark.promise("full-disk")
def test_full_disk_costs_a_line(folder, monkeypatch):
    folder.mkdir()
    name = shared_features._name_file(Stretch(), draw_images())
    (folder / f".{name}.{os.getpid()}.partial").symlink_to("/dev/full")
    log = io.StringIO()
    extract_shared(Stretch(), draw_images(), log)
    assert "No space left on device" in log.getvalue()
    assert not (folder / name).exists()


@pytest.mark.promise("shared-cache")
def test_several_at_once_leave_one_whole_file(folder, monkeypatch):
    numbers = iter(range(10_000))
    monkeypatch.setattr(shared_features.files.os, "getpid", lambda: next(numbers))
    with ThreadPoolExecutor(8) as pool:
        results = list(
            pool.map(lambda _: extract_shared(Stretch(), draw_images(), io.StringIO()), range(8))
        )
    assert all(same(result, results[0]) for result in results)
    assert len(list(folder.iterdir())) == 1


def test_shipped_ruler_shares_nothing(folder, monkeypatch):
    """Its features take less time than to find them."""
    ruler = next(name for name, extractor in EXTRACTORS.items() if extractor.is_ruler)
    network = Stretch()
    network.name = ruler
    extract_shared(network, draw_images(), io.StringIO())
    assert not folder.exists()


def test_weights_that_numpy_does_not_know_are_shared_too(folder):
    for _ in range(2):
        network = Stretch().bfloat16()
        extract_shared(network, draw_images(), io.StringIO())
    assert network.calls == 0


def test_extractor_without_classes_shares_features_alone(folder, monkeypatch):
    monkeypatch.setitem(EXTRACTORS, INCEPTION, replace(EXTRACTORS[INCEPTION], classes=False))
    network = Stretch()
    plain = network.forward
    network.forward = lambda images: (plain(images)[0], None)
    for _ in range(2):
        assert extract_shared(network, draw_images(), io.StringIO()).logits is None
