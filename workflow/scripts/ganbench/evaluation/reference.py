"""What a dataset's scores rest on: the extractor, features of real images, and the floor."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue import metrics
from ganbench.catalogue.extractors import CLASSIFIER, EXTRACTORS
from ganbench.evaluation import mode_coverage
from ganbench.evaluation.extractor import (
    Features,
    make_classifier,
    make_pretrained,
    make_ruler,
    save_extractor,
)
from ganbench.evaluation.feature_metrics import RealImages, score_features
from ganbench.evaluation.feature_sets import to_arrays
from ganbench.evaluation.floor_table import Row, write_floor
from ganbench.evaluation.label_check import check_accuracy, largest_share
from ganbench.evaluation.mode_coverage import is_stacked, predict
from ganbench.evaluation.own_extractor import make_own_extractor
from ganbench.evaluation.own_metrics import Sample, score_real
from ganbench.evaluation.real_images import SPLITS, measure_real
from ganbench.evaluation.shared_features import extract_shared
from ganbench.evaluation.warm_up import warming_up
from ganbench.jobs import files, provenance
from ganbench.jobs.arrays import map_array
from ganbench.jobs.gpus.devices import choose_device


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
    stacked: bool = False,
    outputs: ReferenceFiles,
    weights: str = "",
    sha256: str = "",
    log: TextIO | None = None,
) -> None:
    """Makes the extractor; writes it, the features of real images, their floor and a card.

    `stacked` says that each image consists of three, one in each channel.
    `samples` is None where the study leaves the number of samples to the size of its data.
    `weights` is the file of a pretrained extractor that the study names, and `sha256` the digest
    that it gives for weights of timm. Raises ValueError where
    `train` or `held_out` has fewer images than `samples`, WeightsError where weights are missing,
    RulerError where a ruler cannot be used, MeaninglessLabelsError where a classifier learnt
    nothing.
    """
    randomness.use_deterministic_kernels(threads=1)
    network, facts = _make_extractor(
        extractor,
        dataset,
        data_file,
        choose_device(device),
        stacked=stacked,
        weights=weights,
        sha256=sha256,
        log=log,
    )
    features = {
        split: extract_shared(network, _load_array(data_file, split), log) for split in SPLITS
    }
    has_accuracy = EXTRACTORS[extractor].knows_classes
    accuracy = _measure_accuracy(features["held_out"], data_file, dataset) if has_accuracy else {}
    real = measure_real(features, extractor)
    samples = metrics.sample_count(samples, real.count)
    floor = make_floor(dataset, extractor, samples, features, real)
    floor += [
        (dataset, reference, metric, samples, value)
        for reference, metric, value in score_real(
            {
                split: Sample(_load_array(data_file, split), images.features)
                for split, images in features.items()
            },
            extractor,
            samples,
            real.count,
        )
    ]
    save_extractor(network, outputs.network)
    files.write_arrays(outputs.features, **_to_arrays(features, real))
    write_floor(outputs.floor, floor)
    card = {
        "name": extractor,
        "dataset": dataset,
        "trained_on": facts["trained_on"],
        "accuracy": accuracy.get("accuracy"),
        "accuracy_split": "held_out" if has_accuracy else None,
        "largest_class": accuracy.get("largest_class"),
        "feature_size": features["train"].features.shape[1],
        "sha256": provenance.sha256_file(outputs.network)
        if extractor == CLASSIFIER
        else network.sha256,
        "weights": facts["weights"],
        "reference_images": {
            split: len(images.features) for split, images in real.references.items()
        },
        "parameters": facts["parameters"],
    }
    files.write_json(outputs.card, card)


def make_floor(
    dataset: str, extractor: str, samples: int, features: dict[str, Features], real: RealImages
) -> list[Row]:
    """The scores of real images: the first `samples` of each split against the other split.

    Raises ValueError where a split has fewer images than `samples`.
    """
    for split, images in features.items():
        if len(images.features) < samples:
            raise ValueError(
                f"evaluation.samples: found {samples}, expected at most the {len(images.features)} "
                f"images of {dataset}'s {split} split, so that the floor has the same count"
            )
    rows = []
    for reference, other in (("train", "held_out"), ("held_out", "train")):
        against = replace(real, references={reference: real.references[reference]})
        scores = score_features(features[other].first(samples), against, extractor)
        for split, metric, value in scores:
            if split != "none" or other == "held_out":  # without a reference: held-out images only
                rows.append((dataset, split, metric, samples, value))
    return rows + _list_mode_rows(dataset, extractor, features["train"].logits)


def _list_mode_rows(dataset: str, extractor: str, logits: Tensor | None) -> list[Row]:
    """The modes of as many training images as are generated; held-out images are too few."""
    if not is_stacked(logits):
        return []
    labels = predict(logits[: mode_coverage.SAMPLES])
    scores = mode_coverage.score_modes(labels, logits.shape[2] ** mode_coverage.CHANNELS)
    return [
        (dataset, "none", metrics.qualify(name, extractor), len(labels), value)
        for name, value in scores.items()
    ]


def _make_extractor(
    extractor: str,
    dataset: str,
    data_file: Path,
    device: torch.device,
    *,
    stacked: bool,
    weights: str,
    sha256: str,
    log: TextIO | None,
) -> tuple[nn.Module, dict[str, Any]]:
    """The extractor on `device`, and facts for its card."""
    if EXTRACTORS[extractor].is_plugin:
        return make_own_extractor(extractor, device)
    if EXTRACTORS[extractor].is_pretrained:
        with warming_up(device):
            network, facts = make_pretrained(extractor, weights, sha256, log)
        return network.to(device), facts
    with warming_up(device):
        images, labels = (
            _load_array(data_file, name).to(device) for name in ("extractor", "extractor_labels")
        )
    if EXTRACTORS[extractor].is_ruler:
        return make_ruler(extractor, images, labels, dataset, stacked=stacked)
    return make_classifier(images, labels, dataset, stacked=stacked, log=log)


def _load_array(data_file: Path, name: str) -> Tensor:
    return torch.from_numpy(map_array(data_file, name))


def _measure_accuracy(held_out: Features, data_file: Path, dataset: str) -> dict[str, float]:
    """The classifier's accuracy on held-out images, and that of naming their largest class."""
    labels = _load_array(data_file, "held_out_labels")
    correct = predict(held_out.logits).cpu() == labels
    check_accuracy(correct, labels, dataset)
    return {
        "accuracy": round(float(correct.double().mean()), 4),
        "largest_class": round(largest_share(labels), 4),
    }


def _to_arrays(features: dict[str, Features], real: RealImages) -> dict[str, np.ndarray]:
    """All arrays of `features.npz`."""
    names = ("scale", "held_out_distance", "copy_distance", "bandwidth")
    arrays = {name: np.array(getattr(real, name)) for name in names}
    for split, images in features.items():
        arrays[split] = images.features.cpu().numpy()
        arrays |= to_arrays(split, real.references[split])
        arrays[f"{split}_gaussian"] = np.array(real.kernels[split])
        if images.logits is not None:
            arrays[f"{split}_logits"] = images.logits.cpu().numpy()
    return arrays
