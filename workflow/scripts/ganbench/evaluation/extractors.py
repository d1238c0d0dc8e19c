"""The networks whose features metrics are measured in."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench import randomness
from ganbench.samples import to_float

CLASSIFIER = {
    "channels": 32,
    "feature_size": 64,
    "steps": 800,
    "batch_size": 64,
    "lr": 1e-3,
    "weight_decay": 1e-4,
}
"""How the `classifier` extractor is built and trained; the same in every study."""


@dataclass(frozen=True)
class Features:
    """What an extractor sees: `features` `(count, size)` and class `logits` `(count, classes)`."""

    features: Tensor
    logits: Tensor

    def first(self, count: int) -> "Features":
        """Those of the first `count` images."""
        return Features(self.features[:count], self.logits[:count])


class Classifier(nn.Module):
    """A small convolutional classifier; its features are the inputs of the last layer."""

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, resolution, _ = shape
        width = CLASSIFIER["channels"]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        while resolution > 4:
            layers += [nn.Conv2d(width, 64, 3, stride=2, padding=1), nn.ReLU()]
            width, resolution = 64, (resolution + 1) // 2
        layers += [nn.Flatten(), nn.Linear(width * resolution**2, CLASSIFIER["feature_size"])]
        self.body = nn.Sequential(*layers, nn.ReLU())
        self.head = nn.Linear(CLASSIFIER["feature_size"], classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 images `(batch, channels, height, width)` to features and class logits."""
        features = self.body(to_float(images))
        return features, self.head(features)


def train_classifier(images: Tensor, labels: Tensor, dataset: str) -> Classifier:
    """A classifier trained on uint8 `images` with int64 `labels`; equal inputs give equal bits."""
    shape, classes = tuple(images.shape[1:]), int(labels.max()) + 1
    with randomness.initialising(dataset, 0, "initial extractor"):
        network = Classifier(shape, classes).to(images.device)
    order = randomness.generator(dataset, 0, "extractor data order", images.device)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=CLASSIFIER["lr"], weight_decay=CLASSIFIER["weight_decay"]
    )
    batch = (CLASSIFIER["batch_size"],)
    for _ in range(CLASSIFIER["steps"]):
        index = torch.randint(len(images), batch, generator=order, device=images.device)
        loss = F.cross_entropy(network(images[index])[1], labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def load_classifier(state: dict[str, Any]) -> Classifier:
    """The classifier that `classifier_state` described."""
    network = Classifier(tuple(state["shape"]), state["classes"])
    network.load_state_dict(state["weights"])
    return network.eval()


def classifier_state(network: Classifier, shape: tuple[int, ...]) -> dict[str, Any]:
    """What it takes to make `network` again."""
    classes = network.head.out_features
    return {"shape": list(shape), "classes": classes, "weights": network.state_dict()}


@torch.no_grad()
def extract(network: nn.Module, images: Tensor, batch_size: int = 500) -> Features:
    """Features and logits of uint8 `images`, in double precision on the CPU."""
    parts = [network(batch) for batch in images.split(batch_size)]
    features, logits = (torch.cat(part).cpu().double() for part in zip(*parts, strict=True))
    return Features(features, logits)
