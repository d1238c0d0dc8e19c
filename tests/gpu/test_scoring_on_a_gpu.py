"""Scores on a GPU are those of a CPU, within bounded memory. Needs a GPU: make test-gpu."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from ganbench import randomness
from ganbench.evaluation import feature_metrics
from ganbench.evaluation.classifier import Classifier
from ganbench.evaluation.classifier_training import train_classifier
from ganbench.evaluation.extractor import Features, extract
from ganbench.evaluation.feature_metrics import RealImages
from ganbench.evaluation.kernel_distance import EMBEDDED_SIZE
from ganbench.evaluation.real_images import load_real, measure_real
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.score import score_run
from ganbench.evaluation.snapshots import generate_images
from ganbench.networks.build import build_generator
from ganbench.samples import sample_latents
from training_example import resolve_run

pytestmark = pytest.mark.cuda

LARGEST_MEMORY = 1_400_000_000
"""Bytes that scoring may reserve for itself, as `evaluation/batches.py` says."""


@pytest.fixture(autouse=True, scope="module")
def gpu() -> None:
    assert torch.cuda.is_available(), "these tests need a GPU that torch finds"
    randomness.use_deterministic_kernels(threads=4)


def draw_features(count: int, size: int, seed: int) -> torch.Tensor:
    """Features like those of a network: correlated, non-negative, often zero; some twice."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(size, size, generator=torch.Generator().manual_seed(7)) / size**0.5
    features = (torch.randn(count, size, generator=random) @ mixing + 0.2).relu()
    features[: count // 50] = features[-(count // 50) :]
    return features


def measure_on(device: str, size: int) -> tuple[RealImages, Features]:
    splits = {
        name: Features(draw_features(count, size, seed).to(device), None)
        for seed, (name, count) in enumerate({"train": 6000, "held_out": 3000}.items())
    }
    generated = draw_features(3000, size, 3).to(device)
    logits = draw_features(3000, 10, 4).to(device)
    return measure_real(splits, "classifier"), Features(generated * 1.1, logits)


@pytest.mark.parametrize("size", [64, 384], ids=["embedded", "all pairs"])
def test_every_score_of_the_same_features_is_that_of_the_cpu(size):
    assert 64 < EMBEDDED_SIZE < 384
    scores = {}
    for device in ("cpu", "cuda"):
        real, generated = measure_on(device, size)
        named = feature_metrics.score_features(generated, real, "classifier")
        scores[device] = {(name, reference): value for reference, name, value in named}
    assert len(scores["cpu"]) >= 14
    assert scores["cuda"] == pytest.approx(scores["cpu"], rel=1e-6, abs=1e-12)


def draw_images(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy images of ten classes: a bright row of each class's own, and no two alike."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=random)
    images = torch.randint(0, 120, (count, 1, 28, 28), generator=random)
    images[torch.arange(count), 0, 2 * labels + 4] += 100
    return images.to(torch.uint8), labels


def test_features_are_those_of_the_cpu():
    """To the precision of float32, which TF32 would not reach."""
    torch.manual_seed(0)
    network, (images, _) = Classifier((1, 28, 28), 10).eval(), draw_images(3000)
    expected = extract(network, images)
    features = extract(network.cuda(), images)
    for value, other in (
        (features.features, expected.features),
        (features.logits, expected.logits),
    ):
        torch.testing.assert_close(value.cpu(), other, rtol=1e-4, atol=2e-6)


def test_classifier_learns_in_a_graph_and_twice_to_the_same_bits():
    images, labels = draw_images(4000)
    log, networks = io.StringIO(), []
    for _ in range(2):
        networks.append(train_classifier(images.cuda(), labels.cuda(), "d", log))
    assert log.getvalue() == ""
    one, other = (list(network.state_dict().values()) for network in networks)
    assert all(torch.equal(value, again) for value, again in zip(one, other, strict=True))
    test_images, test_labels = draw_images(2000, seed=1)
    accuracy = (extract(networks[0], test_images).logits.argmax(1).cpu() == test_labels).double()
    assert accuracy.mean() > 0.95


def test_first_steps_of_a_classifier_are_those_of_the_cpu(monkeypatch):
    """After many steps, differences in rounding have grown."""
    recipe = {"steps": 12, "batch_size": 64, "lr": 1e-3, "weight_decay": 1e-4, "constant_steps": 6}
    monkeypatch.setattr("ganbench.evaluation.classifier_training.choose_recipe", lambda *_: recipe)
    images, labels = draw_images(1000)
    on_cpu = train_classifier(images, labels, "d").state_dict()
    on_gpu = train_classifier(images.cuda(), labels.cuda(), "d").state_dict()
    for name, value in on_cpu.items():
        torch.testing.assert_close(on_gpu[name].cpu(), value, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> dict:
    """What scoring needs: a dataset, its extractor made on the GPU, and a run of two snapshots."""
    folder = tmp_path_factory.mktemp("job")
    arrays = {}
    for seed, (split, count) in enumerate(
        {"train": 20_000, "held_out": 10_000, "extractor": 4000}.items()
    ):
        images, labels = draw_images(count, seed)
        arrays |= {split: images.numpy(), f"{split}_labels": labels.numpy()}
    np.savez(folder / "data.npz", **arrays)
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    outputs = ReferenceFiles(*(folder / name for name in names))
    parameters = resolve_run("fashion_mnist", device="cuda")
    torch.manual_seed(0)
    states = [build_generator(parameters, (1, 28, 28)).state_dict() for _ in range(2)]
    run = {"steps": [1, 2], "shape": [1, 28, 28], "parameters": parameters, "generators": states}
    torch.save(run, folder / "snapshots.pt")
    make_reference(
        dataset="d",
        extractor="classifier",
        samples=10_000,
        data_file=folder / "data.npz",
        device="cuda",
        outputs=outputs,
        log=io.StringIO(),
    )
    return {
        "dataset": "d",
        "variant": "a",
        "seed": 0,
        "extractor": "classifier",
        "samples": 10_000,
        "gap": False,
        "snapshots_file": folder / "snapshots.pt",
        "network_file": outputs.network,
        "features_file": outputs.features,
        "data_file": folder / "data.npz",
    }


def test_job_scores_twice_to_the_same_bytes_in_bounded_memory(job, tmp_path):
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    contents = []
    for name in ("one", "other"):
        names = {"scores_file": "s.csv", "nearest_file": "n.png", "nearest_table": "n.csv"}
        outputs = {key: tmp_path / f"{name}-{file}" for key, file in names.items()}
        score_run(**outputs, **job)
        contents.append([file.read_bytes() for file in outputs.values()])
    assert contents[0] == contents[1]
    assert torch.cuda.max_memory_reserved() < LARGEST_MEMORY


def test_real_images_measured_on_the_gpu_are_those_of_the_cpu(job):
    with np.load(job["features_file"]) as arrays:
        features = {
            split: Features(torch.from_numpy(arrays[split]), None)
            for split in ("train", "held_out")
        }
    saved, expected = load_real(Path(job["features_file"])), measure_real(features, "classifier")
    assert saved.scale == pytest.approx(expected.scale, rel=1e-12)
    assert saved.held_out_distance == pytest.approx(expected.held_out_distance, rel=1e-9)
    for split, images in expected.references.items():
        for name, value in vars(images).items():
            other = getattr(saved.references[split], name)
            if name == "factor":  # R is unique but for the signs of its rows
                value, other = value.T @ value, other.T @ other  # noqa: PLW2901
            torch.testing.assert_close(other, value, rtol=1e-9, atol=1e-9)


def test_images_of_large_batches_are_those_of_small_ones():
    """But for pixels on the edge between two values."""
    parameters = resolve_run("fashion_mnist", device="cuda")
    torch.manual_seed(0)
    generator = build_generator(parameters, (1, 28, 28)).cuda().eval()
    noise = randomness.generator("d", 0, "evaluation noise", "cuda")
    latents = sample_latents(parameters["latent"], 4000, noise)
    images = generate_images(generator, latents, (1, 28, 28)).int()
    parts = [generate_images(generator, part, (1, 28, 28)).int() for part in latents.split(100)]
    differences = (images - torch.cat(parts)).abs()
    assert differences.max() <= 1
    assert differences.double().mean() < 1e-3
