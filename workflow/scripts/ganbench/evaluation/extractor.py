"""The networks that features come from: a ruler, a classifier trained here, or pretrained ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import torch
from torch import Tensor, nn

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.evaluation.batches import choose_batch_size
from ganbench.evaluation.classifier import choose_recipe, dump_classifier, load_classifier
from ganbench.evaluation.mode_coverage import StackedClassifier, split_channels, split_labels
from ganbench.evaluation.own_extractor import dump_own_extractor, load_own_extractor
from ganbench.evaluation.rulers import check_training_images, hash_split, load_ruler
from ganbench.evaluation.weights import (
    VerifiedWeights,
    WeightsError,
    find_weights,
    verify_given_weights,
)
from ganbench.jobs import files

if TYPE_CHECKING:
    from ganbench.evaluation.pretrained import Pretrained
    from ganbench.evaluation.timm_extractor import TimmExtractor


@dataclass(frozen=True)
class Features:
    """What an extractor computes: `features` `(count, size)` and `logits` `(count, classes)`.

    `logits` is None where the extractor predicts no classes. For stacked images it has those of
    each channel, `(count, 3, classes)`.
    """

    features: Tensor
    logits: Tensor | None

    def first(self, count: int) -> "Features":
        """The features and logits of the first `count` images."""
        logits = None if self.logits is None else self.logits[:count]
        return Features(self.features[:count], logits)


@torch.no_grad()
def extract(network: nn.Module, images: Tensor, batch_size: int | None = None) -> Features:
    """Computes the features and logits of uint8 `images`, in float32 on the network's device.

    `batch_size` is by default the fastest.
    """
    device = next(network.parameters()).device
    if batch_size is None:
        on_cpu = network.batch_size
        batch_size = choose_batch_size(device, len(images), network.image_size, on_cpu)
    # with TF32, convolutions on a GPU would keep three digits only
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        outputs = [network(batch.to(device)) for batch in images.split(batch_size)]
    features, logits = zip(*outputs, strict=True)
    return Features(torch.cat(features), None if logits[0] is None else torch.cat(logits))


def make_classifier(
    images: Tensor,
    labels: Tensor,
    dataset: str,
    *,
    stacked: bool = False,
    log: TextIO | None = None,
) -> tuple[nn.Module, dict]:
    """Trains the `classifier` extractor on uint8 `images`; returns it and facts for its card.

    Of `stacked` images, it learns the channels.
    """
    # imported here because scoring jobs load this module and train nothing
    from ganbench.evaluation.classifier_training import train_classifier  # noqa: PLC0415

    trained_on = f"extractor split, {len(images)} images"
    if stacked:
        images, labels = split_channels(images), split_labels(labels)
        trained_on += f", their {len(images)} channels apart"
    network = train_classifier(images, labels, dataset, log)
    return StackedClassifier(network) if stacked else network, {
        "trained_on": trained_on,
        "weights": "trained here",
        "parameters": choose_recipe(images.shape[2], len(images)),
    }


def make_ruler(
    name: str, images: Tensor, labels: Tensor, dataset: str, *, stacked: bool
) -> tuple[nn.Module, dict[str, Any]]:
    """Loads a ruler for a dataset with this extractor split; returns it and facts for its card.

    Raises RulerError where its weights are wrong or were trained on another split.
    """
    check_training_images(name, hash_split(images, labels), dataset)
    network = load_ruler(name).to(images.device)
    return StackedClassifier(network) if stacked else network, {
        "trained_on": EXTRACTORS[name].trained_on,
        "weights": "shipped with the workflow",
        "parameters": choose_recipe(network.shape[1], EXTRACTORS[name].images),
    }


def make_pretrained(
    extractor: str, weights_file: str, sha256: str = "", log: TextIO | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """Loads a pretrained extractor; returns it and facts for its card.

    `sha256` is what the study gives for weights of timm. Raises WeightsError where the weights are
    missing or wrong.
    """
    network, weights = (
        _load_timm(extractor, weights_file, sha256)
        if EXTRACTORS[extractor].is_timm
        else _load_pretrained(extractor, weights_file, log)
    )
    return network, {
        "trained_on": EXTRACTORS[extractor].trained_on,
        "weights": weights.where,
        "parameters": network.settings(),
    }


def save_extractor(network: nn.Module, file: Path) -> None:
    """Writes what `load_extractor` needs: of a pretrained one, its digest alone."""
    if EXTRACTORS[network.name].is_plugin:
        state = dump_own_extractor(network)
    elif EXTRACTORS[network.name].knows_classes:
        stacked = isinstance(network, StackedClassifier)
        state = dump_classifier(network.classifier if stacked else network)
        state["stacked"] = stacked
    else:
        state = {"name": network.name, "sha256": network.sha256}
    with files.whole(file) as temporary, temporary.open("wb") as opened:
        torch.save(state, opened)


def load_extractor(file: Path, weights_file: str = "") -> nn.Module:
    """Loads the extractor in `file`; a pretrained one's weights are found and verified again.

    Raises WeightsError where they are missing, wrong, or others than those `file` was made with.
    """
    state = torch.load(file, weights_only=True, map_location="cpu")
    if EXTRACTORS[state["name"]].is_plugin:
        return load_own_extractor(state)
    if EXTRACTORS[state["name"]].knows_classes:
        network = load_classifier(state)
        return StackedClassifier(network) if state["stacked"] else network
    if EXTRACTORS[state["name"]].is_timm:
        return _load_timm(state["name"], weights_file, state["sha256"])[0]
    network, weights = _load_pretrained(state["name"], weights_file)
    if weights.sha256 != state["sha256"]:
        raise WeightsError(
            f"{weights.path} has SHA-256 {weights.sha256}, but the features of the real images "
            f"come from weights with {state['sha256']}: run the rule extractor again"
        )
    return network


def _load_pretrained(
    extractor: str, weights_file: str, log: TextIO | None = None
) -> tuple["Pretrained", VerifiedWeights]:
    weights = find_weights(extractor, weights_file, log)
    # imported here because it loads torchvision: 3 s that jobs with the classifier save
    from ganbench.evaluation import pretrained  # noqa: PLC0415

    state = pretrained.load_state(weights.path)
    return pretrained.Pretrained(extractor, state, weights.sha256), weights


def _load_timm(
    extractor: str, weights_file: str, sha256: str
) -> tuple["TimmExtractor", VerifiedWeights]:
    weights = verify_given_weights(extractor, weights_file, sha256)
    # imported here because timm is optional, and loads torchvision
    from ganbench.evaluation import timm_extractor  # noqa: PLC0415

    state = timm_extractor.read_safetensors(weights.path)
    return timm_extractor.TimmExtractor(extractor, state, weights.sha256), weights
