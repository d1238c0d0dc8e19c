"""The score by which a run on images may stop: one metric in the study's extractor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.catalogue.metrics import sample_count
from ganbench.evaluation.extractor import extract, load_extractor
from ganbench.evaluation.feature_metrics import RealImages, score_one
from ganbench.evaluation.real_images import load_real
from ganbench.evaluation.snapshots import generate_images

REFERENCE = "train"
"""The step at which a run stops is chosen by other images than those that score it."""


@dataclass
class StoppingScore:
    """Measures a metric of a generator of images of `shape`, as the evaluation does.

    `samples` is the study's number of generated images, `network_file` and `features_file` are
    those of its extractor, which are read at the first snapshot, `weights` the file of a pretrained
    one that the study names.
    """

    metric: str
    shape: tuple[int, ...]
    samples: int | None
    network_file: Path
    features_file: Path
    weights: str = ""

    loaded: tuple[nn.Module, RealImages] | None = field(default=None, init=False)

    @torch.no_grad()
    def __call__(self, generator: nn.Module, sample_latents: Callable[[int], Tensor]) -> float:
        """The metric against training images, from latents that `sample_latents` draws."""
        network, real = self.loaded = self.loaded or self._load(next(generator.parameters()).device)
        latents = sample_latents(sample_count(self.samples, real.count))
        features = extract(network, generate_images(generator, latents, self.shape))
        return score_one(self.metric, features, real, REFERENCE)

    def _load(self, device: torch.device) -> tuple[nn.Module, RealImages]:
        network = load_extractor(self.network_file, self.weights).to(device)
        return network, load_real(self.features_file, device)


def load_score(
    stopping: Mapping[str, Any], *, network_file: str, features_file: str, weights: str
) -> StoppingScore:
    """The score of a run, by the parameter `stopping` of the rule `train`."""
    return StoppingScore(
        metric=stopping["metric"],
        shape=tuple(stopping["shape"]),
        samples=stopping["samples"],
        network_file=Path(network_file),
        features_file=Path(features_file),
        weights=weights,
    )
