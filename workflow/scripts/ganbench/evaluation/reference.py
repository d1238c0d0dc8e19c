"""What generated images are held against: the extractor, real features, and the floor."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ganbench import files, provenance, randomness
from ganbench.devices import choose_device
from ganbench.evaluation.extractors import (
    CLASSIFIER,
    Features,
    classifier_state,
    extract,
    train_classifier,
)
from ganbench.evaluation.feature_metrics import kernel_scale, score

REFERENCES = ("train", "held_out")


@dataclass(frozen=True)
class Reference:
    """The files of one extractor on one dataset."""

    network: Path
    features: Path
    card: Path
    floor: Path


def load_features(features_file: Path) -> dict[str, Features]:
    """The real features of each reference split."""
    with np.load(features_file) as found:
        return {
            split: Features(
                torch.from_numpy(found[split]), torch.from_numpy(found[f"{split}_logits"])
            )
            for split in REFERENCES
        }


def make_reference(
    *, dataset: str, extractor: str, samples: int, data_file: Path, device: str, outputs: Reference
) -> None:
    """Trains the extractor on its own split, and writes it with real features and their floor.

    Raises ValueError where `train` or `held_out` has fewer than `samples` images.
    """
    randomness.use_deterministic_kernels(threads=1)
    place = choose_device(device)
    with np.load(data_file) as data:
        arrays = {name: torch.from_numpy(data[name]).to(place) for name in data.files}
    network = train_classifier(arrays["extractor"], arrays["extractor_labels"], dataset)
    real = {split: extract(network, arrays[split]) for split in REFERENCES}
    predicted = real["held_out"].logits.argmax(1)
    correct = predicted == arrays["held_out_labels"].cpu()

    with files.whole(outputs.network) as temporary, temporary.open("wb") as file:
        torch.save(classifier_state(network, arrays["train"].shape[1:]), file)
    files.write_arrays(
        outputs.features,
        **{split: real[split].features.numpy() for split in REFERENCES},
        **{f"{split}_logits": real[split].logits.numpy() for split in REFERENCES},
    )
    floor = make_floor(dataset, extractor, samples, real)
    with files.whole(outputs.floor) as temporary:
        floor.to_csv(temporary, index=False)
    files.write_json(
        outputs.card,
        {
            "name": extractor,
            "dataset": dataset,
            "trained_on": f"extractor split, {len(arrays['extractor'])} images",
            "accuracy": round(float(correct.double().mean()), 4),
            "accuracy_split": "held_out",
            "feature_size": real["train"].features.shape[1],
            "sha256": provenance.sha256_file(outputs.network),
            "parameters": CLASSIFIER,
        },
    )


def make_floor(
    dataset: str, extractor: str, samples: int, real: dict[str, Features]
) -> pd.DataFrame:
    """What real images score: the first `samples` of one split against the other.

    Columns `dataset, reference, metric, n, value`. No generator is expected to do better.
    """
    for split, found in real.items():
        if len(found.features) < samples:
            raise ValueError(
                f"evaluation.samples: found {samples}, expected at most the {len(found.features)} "
                f"images of {dataset}'s {split} split, so that the floor has the same count"
            )
    scale = kernel_scale(real["train"].features)
    rows = []
    for reference, other in (("train", "held_out"), ("held_out", "train")):
        against = {reference: real[reference]}
        for found, metric, value in score(real[other].first(samples), against, scale, extractor):
            if found == reference or other == "held_out":
                rows.append((dataset, found, metric, samples, value))
    return pd.DataFrame(rows, columns=["dataset", "reference", "metric", "n", "value"])
