"""Extractors of plugins: built once by the plugin's code, with weights kept for every scoring."""

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.plugin_parts import PluginError
from ganbench.catalogue.plugins import PARTS, load_part, naming_lines

SEED = 0
"""Seed of torch while a plugin builds its network, so that random weights are always the same."""


class OwnExtractor(nn.Module):
    """A plugin's network as scoring uses it. `sha256` is the digest of the plugin's part."""

    batch_size = 100
    """Images per batch on a CPU."""

    image_size = (224, 224)
    """A size that bounds the memory of a batch on a GPU, since the network's own is not known."""

    def __init__(self, name: str, network: nn.Module) -> None:
        super().__init__()
        self.name, self.sha256 = name, PARTS["extractor", name].sha256
        self.network = network
        self.place = nn.Parameter(torch.zeros(0), requires_grad=False)  # tells the device

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features `(batch, size)` of uint8 images, and logits `(batch, classes)` or None.

        Raises PluginError where the network gives anything else.
        """
        part = PARTS["extractor", self.name]
        with naming_lines(part):
            outputs = self.network(images)
            features, logits = outputs if isinstance(outputs, tuple) else (outputs, None)
        classes = EXTRACTORS[self.name].classes
        expected = f"features ({len(images)}, size)" + (" and logits" if classes else "")
        if features.shape[:1] != images.shape[:1] or features.ndim != 2:
            raise PluginError(
                f"{part.place}: found features {tuple(features.shape)}, expected {expected}"
            )
        if (logits is not None) != classes:
            raise PluginError(
                f"{part.place}: found {'logits' if logits is not None else 'no logits'}, expected "
                f"{expected}, since `classes` is {classes}"
            )
        return features.float(), logits


def make_own_extractor(name: str, device: torch.device) -> tuple[nn.Module, dict[str, Any]]:
    """Builds a plugin's extractor on `device`; returns it and facts for its card."""
    facts = {
        "trained_on": EXTRACTORS[name].trained_on,
        "weights": f"by {PARTS['extractor', name].file.name}",
        "parameters": {},
    }
    return _build_extractor(name).to(device).eval(), facts


def _build_extractor(name: str) -> OwnExtractor:
    with torch.random.fork_rng(devices=[]), naming_lines(PARTS["extractor", name]):
        torch.manual_seed(SEED)
        return OwnExtractor(name, load_part("extractor", name)())


def dump_own_extractor(network: OwnExtractor) -> dict[str, Any]:
    """What `load_own_extractor` needs: the digest of the code, and the weights."""
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    weights = torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)
    return {"name": network.name, "sha256": network.sha256, "weights": weights}


def load_own_extractor(state: Mapping[str, Any]) -> OwnExtractor:
    """Builds the extractor again and gives it its weights.

    Raises PluginError where the code is not that which made them.
    """
    network = _build_extractor(state["name"])
    if network.sha256 != state["sha256"]:
        raise PluginError(
            f"{PARTS['extractor', state['name']].place}: this code is not that which the features "
            "of the real images come from: run the rule extractor again"
        )
    weights = io.BytesIO(state["weights"].numpy().tobytes())
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return network.eval()
