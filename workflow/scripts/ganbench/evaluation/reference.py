"""What generated images are held against: the extractor, real features, and the floor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue import metrics
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.evaluation.distances import mean_distance, nearest_distances
from ganbench.evaluation.extractor import (
    Features,
    extract,
    make_classifier,
    make_pretrained,
    save_extractor,
)
from ganbench.evaluation.feature_metrics import RealImages, kernel_scale, score
from ganbench.evaluation.feature_sets import describe, from_arrays, to_arrays
from ganbench.jobs import files, provenance
from ganbench.jobs.devices import choose_device

REFERENCES = ("train", "held_out")


@dataclass(frozen=True)
class ReferenceFiles:
    """The files of one extractor on one dataset."""

    network: Path
    features: Path
    card: Path
    floor: Path


def make_reference(
    *,
    dataset: str,
    extractor: str,
    samples: int | None,
    data_file: Path,
    device: str,
    outputs: ReferenceFiles,
    weights: str = "",
    log: TextIO | None = None,
) -> None:
    """Makes the extractor, and writes it with real images' features and their floor.

    `weights` is the study's file of a pretrained extractor; `samples` is None where the study left
    their number to the size of its data. Raises ValueError where `train` or `held_out` has fewer
    images, and WeightsError where there are no weights.
    """
    randomness.use_deterministic_kernels(threads=1)
    place = choose_device(device)
    network, card = _make_extractor(extractor, dataset, data_file, place, weights=weights, log=log)
    found = {split: extract(network, _array(data_file, split)) for split in REFERENCES}
    real = measure_real(found)
    floor = make_floor(dataset, extractor, metrics.sample_count(samples, real.count), found, real)
    save_extractor(network, outputs.network)
    files.write_arrays(outputs.features, **_arrays(found, real))
    with files.whole(outputs.floor) as temporary:
        floor.to_csv(temporary, index=False)
    classifies = network.name == "classifier"
    files.write_json(
        outputs.card,
        {
            "name": extractor,
            "dataset": dataset,
            "trained_on": card["trained_on"],
            "accuracy": _accuracy(found["held_out"], data_file) if classifies else None,
            "accuracy_split": "held_out" if classifies else None,
            "feature_size": found["train"].features.shape[1],
            "sha256": provenance.sha256_file(outputs.network) if classifies else network.sha256,
            "weights": card["weights"],
            "reference_images": {split: len(each.features) for split, each in real.sets.items()},
            "parameters": card["parameters"],
        },
    )


def measure_real(found: dict[str, Features]) -> RealImages:
    """What metrics need of real images, computed once.

    The references are the first images of `train` and `held_out`, as many of both as the smaller
    one has: splits are shuffled, and metrics depend on the count. Raises ValueError where features
    tell no images apart, or every held-out image is a training image too.
    """
    train = found["train"].features
    if not train.any():
        raise ValueError("the extractor's features of all training images are zero")
    scale = kernel_scale(train)
    count = min(len(each.features) for each in found.values())
    sets = {split: describe(found[split].features[:count], scale) for split in REFERENCES}
    distance = mean_distance(nearest_distances(sets["held_out"].features, train))
    if distance < 1e-6 * float(train.norm(dim=1).mean()):  # zero, but for rounding
        raise ValueError(
            "the extractor sees every held-out image among the training images: are the splits "
            "disjoint?"
        )
    return RealImages(sets, train, scale, distance)


def load_real(features_file: Path, device: torch.device | str = "cpu") -> RealImages:
    """What `make_reference` kept of real images, on `device`."""
    with np.load(features_file) as kept:
        sets = {}
        for split in REFERENCES:
            images = torch.from_numpy(kept[split][: len(kept[f"{split}_radii"])]).to(device)
            sets[split] = from_arrays(split, images, kept)
        train = torch.from_numpy(kept["train"]).to(device)
        return RealImages(sets, train, float(kept["scale"]), float(kept["held_out_distance"]))


def make_floor(
    dataset: str, extractor: str, samples: int, found: dict[str, Features], real: RealImages
) -> pd.DataFrame:
    """What real images score: the first `samples` of one split against the other.

    Columns `dataset, reference, metric, n, value`. No generator is expected to do better.
    """
    for split, images in found.items():
        if len(images.features) < samples:
            raise ValueError(
                f"evaluation.samples: found {samples}, expected at most the {len(images.features)} "
                f"images of {dataset}'s {split} split, so that the floor has the same count"
            )
    rows = []
    for reference, other in (("train", "held_out"), ("held_out", "train")):
        against = RealImages(
            {reference: real.sets[reference]}, real.train, real.scale, real.held_out_distance
        )
        for split, metric, value in score(found[other].first(samples), against, extractor):
            if split == reference or other == "held_out":
                rows.append((dataset, split, metric, samples, value))
    return pd.DataFrame(rows, columns=["dataset", "reference", "metric", "n", "value"])


def _make_extractor(
    extractor: str,
    dataset: str,
    data_file: Path,
    device: torch.device,
    *,
    weights: str,
    log: TextIO | None,
) -> tuple[nn.Module, dict[str, Any]]:
    if EXTRACTORS[extractor].is_pretrained:
        network, card = make_pretrained(extractor, weights, log)
        return network.to(device), card
    images, labels = (_array(data_file, name) for name in ("extractor", "extractor_labels"))
    return make_classifier(images.to(device), labels.to(device), dataset)


def _array(data_file: Path, name: str) -> Tensor:
    with np.load(data_file) as data:
        return torch.from_numpy(data[name])


def _accuracy(found: Features, data_file: Path) -> float:
    correct = found.logits.argmax(1).cpu() == _array(data_file, "held_out_labels")
    return round(float(correct.double().mean()), 4)


def _arrays(found: dict[str, Features], real: RealImages) -> dict[str, np.ndarray]:
    arrays = {"scale": np.array(real.scale), "held_out_distance": np.array(real.held_out_distance)}
    for split, images in found.items():
        arrays[split] = images.features.cpu().numpy()
        arrays |= to_arrays(split, real.sets[split])
        if images.logits is not None:
            arrays[f"{split}_logits"] = images.logits.cpu().numpy()
    return arrays
