"""What the processes of score_run.py do: each a part of the work, measured."""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TOGETHER, PROCESS = "together, s", "processor time of the process, s"


def measured(given: argparse.Namespace) -> dict[str, float]:
    """Processor seconds of its steps, of all of them, and this process's peak memory."""
    import torch

    torch.set_num_threads(1)
    found = PARTS[given.part](given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {f"{name}, s": value for name, value in found.items()} | {
        TOGETHER: sum(found.values()),
        PROCESS: time.process_time(),
        "peak memory, MB": peak,
    }


class Clock:
    """Processor seconds of named steps: others that keep the machine busy change them little."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable, *arguments: Any, **options: Any) -> Any:
        """Does the work and adds its time to the step of that name."""
        start = time.process_time()
        result = work(*arguments, **options)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
        return result


def resolved() -> dict[str, Any]:
    """A study of one variant on Fashion-MNIST."""
    from ganbench.study import resolve as study

    config = {"datasets": {"fashion_mnist": {}}, "variants": {"non_saturating": {}}}
    return study.resolve({"study": "speed", **config}, "speed")


def prepare(source: Path, folder: Path) -> None:
    """The splits as in every study: 50,000 images in train, 10,000 in each of the others."""
    from ganbench.datasets.prepare import DatasetFiles, prepare

    names = {"data": "data.npz", "card": "dataset.json", "examples": "examples.png"}
    prepare(
        name="fashion_mnist",
        dataset=resolved()["datasets"]["fashion_mnist"] | {"source": str(source)},
        needs_classes=True,
        outputs=DatasetFiles(**{name: folder / file for name, file in names.items()}),
        log=sys.stderr,
    )


def files(folder: Path) -> dict[str, Any]:
    """What both stages of evaluation read and write."""
    from ganbench.evaluation.reference import ReferenceFiles

    names = {"network": "network.pt", "features": "features.npz", "card": "card.json"}
    made = {name: folder / file for name, file in (names | {"floor": "floor.csv"}).items()}
    return {"data_file": folder / "data.npz", "outputs": ReferenceFiles(**made)}


def extractor(given: argparse.Namespace) -> dict[str, float]:
    """The extractor stage; and snapshots with random weights: nearly all time is the same."""
    import torch
    from ganbench.evaluation.reference import make_reference
    from ganbench.networks.build import build_generator

    clock = Clock()
    clock(
        "make_reference",
        make_reference,
        dataset="fashion_mnist",
        extractor="classifier",
        samples=given.samples,
        device="cpu",
        **files(given.folder),
    )
    parameters = resolved()["runs"]["fashion_mnist"]["non_saturating"]
    states = [build_generator(parameters, (1, 28, 28)).state_dict() for _ in range(given.snapshots)]
    run = {"steps": list(range(1, given.snapshots + 1)), "shape": [1, 28, 28]}
    run |= {"parameters": parameters, "generators": states}
    torch.save(run, given.folder / "snapshots.pt")
    print((given.folder / "card.json").read_text(), file=sys.stderr)
    return clock.seconds


def score_run(given: argparse.Namespace) -> dict[str, float]:
    """The evaluate stage as the workflow runs it, without Python's start."""
    from ganbench.evaluation.score import score_run

    clock, of_stage = Clock(), files(given.folder)
    clock(
        "score_run",
        score_run,
        dataset="fashion_mnist",
        variant="non_saturating",
        seed=0,
        extractor="classifier",
        samples=given.samples,
        snapshots_file=given.folder / "snapshots.pt",
        network_file=of_stage["outputs"].network,
        features_file=of_stage["outputs"].features,
        data_file=of_stage["data_file"],
        gap=False,
        scores_file=given.folder / "scores.csv",
        nearest_file=given.folder / "nearest.png",
    )
    return clock.seconds


def agreement(given: argparse.Namespace) -> dict[str, float]:
    """How far scores of the same images are apart; an error where it is more than rounding.

    Of 3,000 images that were kept for the extractor, for they have neighbours among the others;
    with features in double, and all of them in one subset for KID, which for 10,000 needs 5 GB.
    """
    from ganbench.evaluation import feature_metrics as fm
    from ganbench.evaluation.extractor import extract, load_extractor
    from ganbench.evaluation.feature_sets import describe

    network = load_extractor(files(given.folder)["outputs"].network)
    count = min(3_000, given.samples)
    images = [real_images(given, split)[:count] for split in ("extractor", "held_out")]
    options = {"dtype": torch_dtype("float64"), "kid_subsets": 1, "kid_subset_size": count}
    expected = peer().scores(network, *images, Clock(), **options)
    found = [extract(network, each) for each in images]
    sets = [describe(each.features, 1.0) for each in found]
    near = fm.neighbourhoods(*sets)
    ours = {
        "FD": fm.frechet_distance(*sets),
        "IS": fm.inception_score(found[0].logits),
        "KID": fm.kernel_distance(*sets, 1.0),
        "precision": near.precision,
        "recall": near.recall,
    }
    apart = {
        name: abs(value - expected[name]) / max(abs(expected[name]), 1e-9)
        for name, value in ours.items()
    }
    if max(apart.values()) > 1e-6:
        raise SystemExit(f"not the same mathematics: ours {ours}, torch-fidelity's {expected}")
    return apart


def same_metrics(given: argparse.Namespace) -> dict[str, float]:
    """One snapshot against the held-out images alone."""
    return parts(given, references=("held_out",))


def parts(
    given: argparse.Namespace, references: tuple[str, ...] = ("train", "held_out")
) -> dict[str, float]:
    """One snapshot, step by step."""
    from ganbench.evaluation import distances
    from ganbench.evaluation import feature_metrics as fm
    from ganbench.evaluation import feature_sets as sets
    from ganbench.evaluation import kernel_distance as kernel
    from ganbench.evaluation.extractor import extract, load_extractor
    from ganbench.evaluation.reference import load_real

    clock, outputs = Clock(), files(given.folder)["outputs"]
    network, real = load_extractor(outputs.network), load_real(outputs.features)
    images = clock("generate images", first_images, given)
    found = clock("features", extract, network, images)
    features, scale = found.features, real.scale
    mean, factor = clock("FD", sets.gaussian, features)
    radii = clock("neighbours of generated images", distances.neighbour_radii, features)
    embedded = clock("KID", kernel.embedding, features, scale)
    within = clock("KID", kernel.mean_within, features, scale, embedded)
    generated = sets.FeatureSet(features, mean, factor, radii, within, embedded)
    for name in references:
        others = real.sets[name]
        near = clock("precision, recall, density, coverage", fm.neighbourhoods, generated, others)
        clock("FD", fm.frechet_distance, generated, others)
        clock("KID", fm.kernel_distance, generated, others, scale)
        if name == "train":
            clock("nearest training image", near.nearest)
            rest = real.train[len(others.features) :]
            clock("nearest training image", fm.nearest_distances, features, rest)
    clock("IS", fm.inception_score, found.logits)
    return clock.seconds


def first_images(given: argparse.Namespace) -> Any:
    """The images that the first snapshot makes."""
    import torch
    from ganbench.evaluation import snapshots
    from ganbench.samples import sample_latents

    run = snapshots.load_run(given.folder / "snapshots.pt")
    _, generator = next(snapshots.generators(run, torch.device("cpu")))
    noise = torch.Generator().manual_seed(0)
    return snapshots.generate_images(
        generator, sample_latents(run["parameters"]["latent"], given.samples, noise)
    )


def real_images(given: argparse.Namespace, split: str) -> Any:
    """Those of a split, uint8."""
    import torch

    with np.load(given.folder / "data.npz") as data:
        return torch.from_numpy(data[split])


def torch_fidelity(given: argparse.Namespace, **options: Any) -> dict[str, float]:
    """Its own program on the same images with the same extractor, part by part."""
    from ganbench.evaluation.extractor import load_extractor

    network = load_extractor(files(given.folder)["outputs"].network)
    its_program, clock = peer(), Clock()
    images = clock("generate images", first_images, given)
    its_program.scores(network, images, real_images(given, "held_out"), clock, **options)
    return clock.seconds


def torch_fidelity_double(given: argparse.Namespace) -> dict[str, float]:
    """The same with features in double precision, as ours are compared in."""
    return torch_fidelity(given, dtype=torch_dtype("float64"))


def peer() -> Any:
    """What speaks to torch-fidelity, whose import takes seconds that no other part needs."""
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
