"""Pretrained extractors: torch-fidelity's networks with weights that were checked before."""

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

    `sha256` is that of the file that the weights `state` were read from.
    """

    batch_size = 50
    """Images that are looked at together: they are enlarged to 224 or 299 pixels."""

    def __init__(self, name: str, state: Mapping[str, Tensor], sha256: str) -> None:
        super().__init__()
        self.name, self.sha256 = name, sha256
        self.network = _MAKERS[name](name, state)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """uint8 images `(batch, 1 or 3, height, width)` to features, and logits or None."""
        found = self.network(images.expand(-1, 3, -1, -1))
        return (found[0], found[1] if EXTRACTORS[self.name].classes else None)

    def settings(self) -> dict[str, Any]:
        """The layers that features and logits are read from, and the pixels that images get."""
        names = ("features", "logits")[: len(layers(self.name))]
        read = dict(zip(names, layers(self.name), strict=True))
        return {"layers": read, "pixels": self.network.INPUT_IMAGE_SIZE}


def layers(name: str) -> list[str]:
    """The layers that features, and logits where there are any, are read from."""
    default = CLASSES[name].get_default_feature_layer_for_metric
    return [default("fid"), default("isc")] if EXTRACTORS[name].classes else [default("fid")]


def load_state(file: Path) -> dict[str, Tensor]:
    """The weights in a file, read as nothing but tensors."""
    return torch.load(file, weights_only=True, map_location="cpu")


def _inception(name: str, state: Mapping[str, Tensor]) -> FeatureExtractorInceptionV3:
    """Torch-fidelity's class, which takes weights only as a file: here one in memory."""
    file = io.BytesIO()
    torch.save(dict(state), file)
    file.seek(0)
    return FeatureExtractorInceptionV3(name, layers(name), feature_extractor_weights_path=file)


class _Filled:
    """Makes one of torch-fidelity's classes with a given network, where its own constructor would
    load weights unchecked (VGG16) or run code that it downloads (DINOv2).
    """

    def __init__(self, name: str, network: nn.Module) -> None:
        FeatureExtractorBase.__init__(self, name, layers(name))
        self.feature_extractor_internal_dtype = torch.float32
        self.model = network
        self.requires_grad_(False)
        self.eval()


class _Vgg16(_Filled, FeatureExtractorVGG16):
    pass


class _Dinov2(_Filled, FeatureExtractorDinoV2):
    pass


def _vgg16(name: str, state: Mapping[str, Tensor]) -> _Vgg16:
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
        network = torchvision.models.vgg16()
    network.load_state_dict(state, assign=True)
    del network.classifier[4:]  # as torch-fidelity: features are the second layer of 4,096
    return _Vgg16(name, network)


def _dinov2(name: str, state: Mapping[str, Tensor]) -> _Dinov2:
    with torch.device("meta"):
        network = VisionTransformer(**SIZES[name])
    network.load_state_dict(state, assign=True)
    return _Dinov2(name, network)


_MAKERS = {metrics.INCEPTION: _inception, "vgg16": _vgg16, **dict.fromkeys(SIZES, _dinov2)}
