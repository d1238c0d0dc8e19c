"""The parts of score_run.py, each done and measured in a process of its own."""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np

TOGETHER, PROCESS = "together, s", "processor time of the process, s"


def measure_part(options: argparse.Namespace) -> dict[str, float]:
    """Does one part; returns the processor seconds of each step and of all, and peak memory."""
    import torch

    torch.set_num_threads(1)
    steps = PARTS[options.part](options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {f"{name}, s": value for name, value in steps.items()} | {
        TOGETHER: sum(steps.values()),
        PROCESS: time.process_time(),
        "peak memory, MB": peak,
    }


class Clock:
    """Counts processor seconds of named steps, which other work on the machine changes little."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable, *arguments: Any, **options: Any) -> Any:
        """Does the work and adds its time to the step of that name."""
        start = time.process_time()
        result = work(*arguments, **options)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
        return result


def prepare_images(source: Path, folder: Path) -> None:
    """Writes the splits of every study: 50,000 images in train, 10,000 in each of the others."""
    from ganbench.datasets.prepare import DatasetFiles, prepare
    from ganbench.study.resolve import resolve

    study = {
        "study": "speed",
        "datasets": {"fashion_mnist": {"source": str(source)}},
        "variants": {"non_saturating": {}},
    }
    prepare(
        name="fashion_mnist",
        dataset=resolve(study, "speed")["datasets"]["fashion_mnist"],
        needs_classes=True,
        outputs=DatasetFiles(
            data=folder / "data.npz",
            card=folder / "dataset.json",
            examples=folder / "examples.png",
        ),
        log=sys.stderr,
    )


def reference_files(folder: Path) -> Any:
    """The files that the extractor stage writes and scoring reads."""
    from ganbench.evaluation.reference import ReferenceFiles

    return ReferenceFiles(
        network=folder / "network.pt",
        features=folder / "features.npz",
        card=folder / "card.json",
        floor=folder / "floor.csv",
    )


def extractor(options: argparse.Namespace) -> dict[str, float]:
    """The extractor stage. Also writes snapshots, of random weights: scoring takes as long."""
    import torch
    from ganbench.evaluation.reference import make_reference
    from ganbench.networks.build import build_generator

    clock = Clock()
    clock(
        "make_reference",
        make_reference,
        dataset="fashion_mnist",
        extractor="classifier",
        samples=options.samples,
        device="cpu",
        data_file=options.folder / "data.npz",
        outputs=reference_files(options.folder),
    )
    parameters = measure.resolve_run({})
    snapshots = {
        "steps": list(range(1, options.snapshots + 1)),
        "shape": [1, 28, 28],
        "parameters": parameters,
        "generators": [
            build_generator(parameters, (1, 28, 28)).state_dict() for _ in range(options.snapshots)
        ],
    }
    torch.save(snapshots, options.folder / "snapshots.pt")
    print((options.folder / "card.json").read_text(), file=sys.stderr)
    return clock.seconds


def score_run(options: argparse.Namespace) -> dict[str, float]:
    """The evaluate stage as the workflow runs it, without the start of Python."""
    from ganbench.evaluation.score import score_run

    clock, reference = Clock(), reference_files(options.folder)
    clock(
        "score_run",
        score_run,
        dataset="fashion_mnist",
        variant="non_saturating",
        seed=0,
        extractor="classifier",
        samples=options.samples,
        snapshots_file=options.folder / "snapshots.pt",
        network_file=reference.network,
        features_file=reference.features,
        data_file=options.folder / "data.npz",
        gap=False,
        scores_file=options.folder / "scores.csv",
        nearest_file=options.folder / "nearest.png",
        nearest_table=options.folder / "nearest.csv",
    )
    return clock.seconds


def agreement(options: argparse.Namespace) -> dict[str, float]:
    """The relative differences of our scores from torch-fidelity's on the same images.

    Ends the process where one is larger than rounding, 1e-6. The images are 3,000 of the extractor
    split, against 3,000 held-out ones. Features are in double precision, and KID uses all images as
    one subset, which for 10,000 images would need 5 GB.
    """
    from ganbench.evaluation import feature_metrics
    from ganbench.evaluation.extractor import extract, load_extractor
    from ganbench.evaluation.feature_sets import summarise_features

    network = load_extractor(reference_files(options.folder).network)
    count = min(3_000, options.samples)
    images = [load_images(options, split)[:count] for split in ("extractor", "held_out")]
    expected = import_peer().scores(
        network,
        *images,
        Clock(),
        dtype=torch_dtype("float64"),
        kid_subsets=1,
        kid_subset_size=count,
    )
    features = [extract(network, batch) for batch in images]
    sets = [summarise_features(item.features, 1.0) for item in features]
    neighbours = feature_metrics.compare_neighbourhoods(*sets)
    ours = {
        "FD": feature_metrics.frechet_distance(*sets),
        "IS": feature_metrics.inception_score(features[0].logits),
        "KID": feature_metrics.kernel_distance(*sets, 1.0),
        "precision": neighbours.precision,
        "recall": neighbours.recall,
    }
    differences = {
        name: abs(value - expected[name]) / max(abs(expected[name]), 1e-9)
        for name, value in ours.items()
    }
    if max(differences.values()) > 1e-6:
        raise SystemExit(f"the scores differ: ours {ours}, torch-fidelity's {expected}")
    return differences


def same_metrics(options: argparse.Namespace) -> dict[str, float]:
    """One snapshot against the held-out images only, step by step."""
    return parts(options, references=("held_out",))


def parts(
    options: argparse.Namespace, references: tuple[str, ...] = ("train", "held_out")
) -> dict[str, float]:
    """One snapshot against `references`, step by step."""
    from ganbench.evaluation import distances, feature_metrics, feature_sets, kernel_distance
    from ganbench.evaluation.extractor import extract, load_extractor
    from ganbench.evaluation.real_images import load_real

    clock, files = Clock(), reference_files(options.folder)
    network, real = load_extractor(files.network), load_real(files.features)
    images = clock("generate images", generate_images, options)
    extracted = clock("features", extract, network, images)
    features, scale = extracted.features, real.scale
    mean, factor = clock("FD", feature_sets.fit_gaussian, features)
    radii = clock("neighbours of generated images", distances.neighbour_radii, features)
    embedding = clock("KID", kernel_distance.mean_embedding, features, scale)
    kernel = clock("KID", kernel_distance.mean_kernel_within, features, scale, embedding)
    generated = feature_sets.FeatureSet(features, mean, factor, radii, kernel, embedding)
    for name in references:
        reference = real.references[name]
        neighbours = clock(
            "precision, recall, density, coverage",
            feature_metrics.compare_neighbourhoods,
            generated,
            reference,
        )
        clock("FD", feature_metrics.frechet_distance, generated, reference)
        clock("KID", feature_metrics.kernel_distance, generated, reference, scale)
        if name == "train":
            other_images = real.train[len(reference.features) :]
            clock("nearest training image", neighbours.nearest_distances)
            clock(
                "nearest training image",
                feature_metrics.nearest_distances,
                features,
                other_images,
            )
    clock("IS", feature_metrics.inception_score, extracted.logits)
    return clock.seconds


def generate_images(options: argparse.Namespace) -> Any:
    """The images of the first snapshot."""
    import torch
    from ganbench.evaluation import snapshots
    from ganbench.samples import sample_latents

    run = snapshots.load_run(options.folder / "snapshots.pt")
    _, generator = next(snapshots.load_generators(run, torch.device("cpu")))
    noise = torch.Generator().manual_seed(0)
    latents = sample_latents(run["parameters"]["latent"], options.samples, noise)
    return snapshots.generate_images(generator, latents, run["shape"])


def load_images(options: argparse.Namespace, split: str) -> Any:
    """The real images of a split, uint8."""
    import torch

    with np.load(options.folder / "data.npz") as data:
        return torch.from_numpy(data[split])


def torch_fidelity(options: argparse.Namespace, **settings: Any) -> dict[str, float]:
    """Torch-fidelity's own program on the same images with the same extractor, part by part."""
    from ganbench.evaluation.extractor import load_extractor

    network = load_extractor(reference_files(options.folder).network)
    peer, clock = import_peer(), Clock()
    images = clock("generate images", generate_images, options)
    peer.scores(network, images, load_images(options, "held_out"), clock, **settings)
    return clock.seconds


def torch_fidelity_double(options: argparse.Namespace) -> dict[str, float]:
    """The same with features in double precision."""
    return torch_fidelity(options, dtype=torch_dtype("float64"))


def import_peer() -> Any:
    """The module that calls torch-fidelity; its import takes seconds that no other part needs."""
    import score_peer

    return score_peer


def torch_dtype(name: str) -> Any:
    """Torch's type of that name."""
    import torch

    return getattr(torch, name)


PARTS = {
    part.__name__: part
    for part in (
        extractor,
        agreement,
        same_metrics,
        parts,
        score_run,
        torch_fidelity,
        torch_fidelity_double,
    )
}
