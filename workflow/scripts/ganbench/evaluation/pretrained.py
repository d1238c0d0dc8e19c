"""Pretrained extractors: torch-fidelity's networks, filled with verified weights."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

from ganbench.catalogue import metrics
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.evaluation.dinov2 import SIZES, VisionTransformer

CLASSES: dict[str, type[FeatureExtractorBase]] = {
    metrics.INCEPTION: FeatureExtractorInceptionV3,
    "vgg16": FeatureExtractorVGG16,
    **dict.fromkeys(SIZES, FeatureExtractorDinoV2),
}


class Pretrained(nn.Module):
    """One of torch-fidelity's extractors, for images of one or three channels.

    `state` are its weights, and `sha256` is the digest of the file they were read from.
    """

    batch_size = 50
    """Images per batch on a CPU: they are enlarged to 224 or 299 pixels."""

    def __init__(self, name: str, state: Mapping[str, Tensor], sha256: str) -> None:
        super().__init__()
        self.name, self.sha256 = name, sha256
        self.network = _MAKERS[name](name, state)
        self.image_size = (self.network.INPUT_IMAGE_SIZE,) * 2

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features of uint8 images `(batch, 1 or 3, height, width)`, and logits or None."""
        outputs = self.network(images.expand(-1, 3, -1, -1))
        return outputs[0], outputs[1] if EXTRACTORS[self.name].classes else None

    def settings(self) -> dict[str, Any]:
        """The layers that features and logits come from, and the size images are enlarged to."""
        layers = choose_layers(self.name)
        outputs = ("features", "logits")[: len(layers)]
        return {
            "layers": dict(zip(outputs, layers, strict=True)),
            "pixels": self.network.INPUT_IMAGE_SIZE,
        }


def choose_layers(name: str) -> list[str]:
    """The layers that features come from and, where the extractor predicts classes, logits."""
    default_layer = CLASSES[name].get_default_feature_layer_for_metric
    uses = ("fid", "isc") if EXTRACTORS[name].classes else ("fid",)
    return [default_layer(use) for use in uses]


def load_state(file: Path) -> dict[str, Tensor]:
    """Loads the weights in a file; nothing but tensors is unpickled."""
    return torch.load(file, weights_only=True, map_location="cpu")


def _make_inception(name: str, state: Mapping[str, Tensor]) -> FeatureExtractorInceptionV3:
    """Torch-fidelity's own class. It takes weights only as a file, so it gets one in memory."""
    file = io.BytesIO()
    torch.save(dict(state), file)
    file.seek(0)
    return FeatureExtractorInceptionV3(
        name, choose_layers(name), feature_extractor_weights_path=file
    )


class _FromNetwork:
    """Replaces the constructor of a torch-fidelity class by one that takes a network.

    Their own constructors load weights without a check (VGG16) or run downloaded code (DINOv2).
    """

    def __init__(self, name: str, network: nn.Module) -> None:
        FeatureExtractorBase.__init__(self, name, choose_layers(name))
        self.feature_extractor_internal_dtype = torch.float32
        self.model = network
        self.requires_grad_(False)
        self.eval()


class _Vgg16(_FromNetwork, FeatureExtractorVGG16):
    pass


class _Dinov2(_FromNetwork, FeatureExtractorDinoV2):
    pass


def _make_vgg16(name: str, state: Mapping[str, Tensor]) -> _Vgg16:
    with torch.device("meta"):  # the weights are replaced: allocate and draw none
        network = torchvision.models.vgg16()
    network.load_state_dict(state, assign=True)
    del network.classifier[4:]  # as torch-fidelity does: features are the second 4,096-wide layer
    return _Vgg16(name, network)


def _make_dinov2(name: str, state: Mapping[str, Tensor]) -> _Dinov2:
    with torch.device("meta"):
        network = VisionTransformer(**SIZES[name])
    network.load_state_dict(state, assign=True)
    return _Dinov2(name, network)


_MAKERS = {
    metrics.INCEPTION: _make_inception,
    "vgg16": _make_vgg16,
    **dict.fromkeys(SIZES, _make_dinov2),
}
