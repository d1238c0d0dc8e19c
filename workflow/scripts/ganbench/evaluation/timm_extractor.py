"""Networks of timm as extractors, with weights from a file that the study gives.

timm downloads nothing: networks are built without weights, and get those of a verified file of
safetensors, in which there is no code. Features are those that timm gives without a classifier: the
pooled ones of the last layer.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from ganbench.catalogue.extractors import TIMM
from ganbench.evaluation.weights import WeightsError

SMOOTH: dict[str, Any] = {"antialias": True, "align_corners": False}
INTERPOLATIONS = {"bilinear": SMOOTH, "bicubic": SMOOTH, "nearest": {}, "nearest-exact": {}}
"""Options of torch for the interpolations of timm's networks that it has."""


class TimmExtractor(nn.Module):
    """A network of timm for uint8 images of one or three channels.

    Images are enlarged or reduced to the network's own size as a whole, without the crop of the
    border that classification uses, by its own interpolation, and normalised by its own mean and
    standard deviation. One channel is repeated.
    """

    batch_size = 50
    """Images per batch on a CPU: most networks enlarge them to 224 pixels."""

    def __init__(self, name: str, state: Mapping[str, Tensor], sha256: str) -> None:
        super().__init__()
        self.name, self.sha256 = name, sha256
        self.network = _build_network(name, state)
        config = resolve_model_data_config(self.network)
        self.image_size = tuple(config["input_size"][1:])
        self.interpolation = config["interpolation"]
        if self.interpolation not in INTERPOLATIONS:
            raise WeightsError(
                f"evaluation.extractor: {name} resizes images by {self.interpolation}, expected a "
                f"network that does so by one of {', '.join(INTERPOLATIONS)}"
            )
        for moment in ("mean", "std"):
            values = torch.tensor(config[moment]).view(1, -1, 1, 1)
            self.register_buffer(moment, values, persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """Features `(batch, size)`, in float32, of uint8 images `(batch, 1 or 3, height, width)`.

        Raises WeightsError where the network gives anything else.
        """
        pixels = self._resize(images.expand(-1, 3, -1, -1).float() / 255)
        features = self.network((pixels - self.mean) / self.std)
        if features.ndim != 2:
            raise WeightsError(
                f"evaluation.extractor: {self.name} gives features {tuple(features.shape)}, "
                "expected (count, size); choose a network of timm that pools its features"
            )
        return features.float(), None

    def _resize(self, pixels: Tensor) -> Tensor:
        if pixels.shape[2:] == self.image_size:
            return pixels
        mode = self.interpolation
        resized = F.interpolate(pixels, self.image_size, mode=mode, **INTERPOLATIONS[mode])
        return resized.clamp(0, 1)  # bicubic interpolation exceeds the range of its pixels

    def settings(self) -> dict[str, Any]:
        """What features depend on besides the weights, for the card."""
        return {
            "timm": timm.__version__,
            "pixels": list(self.image_size),
            "interpolation": self.interpolation,
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
        }


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file; raises WeightsError where it is not one of safetensors."""
    try:
        return load_file(file)
    except SafetensorError as error:
        raise WeightsError(
            f"evaluation.weights: {file} is no file of safetensors ({error}); give one, such as "
            "model.safetensors of the network's page"
        ) from None


def _build_network(name: str, state: Mapping[str, Tensor]) -> nn.Module:
    """The network in evaluation mode, without its classifier, and with the weights of `state`."""
    model = name.removeprefix(TIMM)
    try:
        with torch.random.fork_rng(devices=[]):
            network = timm.create_model(model, pretrained=False, num_classes=0)
    except RuntimeError as error:
        close = difflib.get_close_matches(model, timm.list_models(pretrained="." in model), n=1)
        hint = f"; did you mean {TIMM}{close[0]}?" if close else ""
        raise WeightsError(
            f"evaluation.extractor: found {name!r}, expected a network of timm "
            f"{timm.__version__} ({error}){hint}"
        ) from None
    own = network.state_dict()
    _check_state(name, own, state, network.pretrained_cfg.get("classifier") or ())
    network.load_state_dict({key: state[key] for key in own})
    return network


def _check_state(
    name: str, own: Mapping[str, Tensor], state: Mapping[str, Tensor], classifier: str | tuple
) -> None:
    """Raises WeightsError unless `state` has all weights of a network, and no others.

    Those of a `classifier`, which the features do not need, may be there.
    """
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    unneeded = tuple(f"{head}." for head in heads)
    problems = [f"lacks {key}" for key in own if key not in state]
    problems += [
        f"has {tuple(state[key].shape)} for {key}, expected {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems += [
        f"has {key}" for key in state if key not in own and not key.startswith(unneeded or "\0")
    ]
    if problems:
        raise WeightsError(
            f"evaluation.weights: the file is not of {name}: it {problems[0]}, and "
            f"{len(problems) - 1} more differences; name its own network or weights"
        )
