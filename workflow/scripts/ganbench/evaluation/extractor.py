"""The networks whose features metrics are measured in: trained here, or pretrained."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import torch
from torch import Tensor, nn

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.evaluation.classifier import (
    classifier_state,
    load_classifier,
    recipe,
    train_classifier,
)
from ganbench.evaluation.weights import FoundWeights, WeightsError, find_weights
from ganbench.jobs import files

if TYPE_CHECKING:
    from ganbench.evaluation.pretrained import Pretrained


@dataclass(frozen=True)
class Features:
    """What an extractor sees: `features` `(count, size)` and class `logits` `(count, classes)`.

    `logits` is None where an extractor predicts no classes.
    """

    features: Tensor
    logits: Tensor | None

    def first(self, count: int) -> "Features":
        """Those of the first `count` images."""
        logits = None if self.logits is None else self.logits[:count]
        return Features(self.features[:count], logits)


@torch.no_grad()
def extract(network: nn.Module, images: Tensor, batch_size: int | None = None) -> Features:
    """Features and logits of uint8 `images`, in single precision on the network's device."""
    device = next(network.parameters()).device
    # TF32 would leave convolutions on a GPU three digits
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        batches = images.split(batch_size or network.batch_size)
        parts = [network(batch.to(device)) for batch in batches]
    features, logits = zip(*parts, strict=True)
    return Features(torch.cat(features), None if logits[0] is None else torch.cat(logits))


def make_classifier(images: Tensor, labels: Tensor, dataset: str) -> tuple[nn.Module, dict]:
    """The `classifier` extractor trained on uint8 `images`, and what its card says of it."""
    return train_classifier(images, labels, dataset), {
        "trained_on": f"extractor split, {len(images)} images",
        "weights": "trained here",
        "parameters": recipe(images.shape[2], len(images)),
    }


def make_pretrained(
    extractor: str, weights: str, log: TextIO | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A pretrained extractor with verified weights, and what its card says of it.

    Raises WeightsError where the weights are missing or wrong.
    """
    network, found = _load_pretrained(extractor, weights, log)
    return network, {
        "trained_on": EXTRACTORS[extractor].trained_on,
        "weights": found.where,
        "parameters": network.settings(),
    }


def save_extractor(network: nn.Module, file: Path) -> None:
    """Writes what `load_extractor` needs: of pretrained weights, their digest alone."""
    state = {"name": network.name, "sha256": getattr(network, "sha256", "")}
    if network.name == "classifier":
        state = classifier_state(network)
    with files.whole(file) as temporary, temporary.open("wb") as opened:
        torch.save(state, opened)


def load_extractor(file: Path, weights: str = "") -> nn.Module:
    """The extractor in `file`; a pretrained one's weights are found, and verified, once more.

    Raises WeightsError where they are missing, wrong, or not those of `file`.
    """
    state = torch.load(file, weights_only=True, map_location="cpu")
    if state["name"] == "classifier":
        return load_classifier(state)
    network, found = _load_pretrained(state["name"], weights)
    if found.sha256 != state["sha256"]:
        raise WeightsError(
            f"{found.path} has SHA-256 {found.sha256}, but the real images were measured with "
            f"weights of {state['sha256']}: run the rule extractor again"
        )
    return network


def _load_pretrained(
    extractor: str, weights: str, log: TextIO | None = None
) -> tuple["Pretrained", FoundWeights]:
    found = find_weights(extractor, weights, log)
    # not at the top: it imports torchvision, 3 s that jobs with the classifier save
    from ganbench.evaluation import pretrained  # noqa: PLC0415

    return pretrained.Pretrained(extractor, pretrained.load_state(found.path), found.sha256), found
