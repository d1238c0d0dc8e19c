"""The extractor that is trained here: a small convolutional classifier of the dataset's classes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench import randomness
from ganbench.randomness import Stream
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

SMALL = 16
"""The height up to which images are small."""

LARGER = {"epochs": 10, "lr": 2e-3}
"""What differs for larger images: at least this many passes over them, and another learning rate,
which falls to zero after the steps that small images get."""


def recipe(resolution: int, images: int) -> dict[str, Any]:
    """How the classifier is trained on this many images of this size."""
    if resolution <= SMALL:
        return CLASSIFIER
    steps = max(CLASSIFIER["steps"], LARGER["epochs"] * images // CLASSIFIER["batch_size"])
    return CLASSIFIER | {"steps": steps, "lr": LARGER["lr"], "constant_steps": CLASSIFIER["steps"]}


class Classifier(nn.Module):
    """A small convolutional classifier; its features are the inputs of the last layer."""

    name = "classifier"
    batch_size = 50
    """Images that are looked at together, outside training: few enough for a processor's cache."""

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, resolution, _ = shape
        self.shape, self.classes = tuple(shape), classes
        body, size = _convolutions(channels, resolution)
        last = nn.Linear(size, CLASSIFIER["feature_size"])
        self.body = nn.Sequential(*body, nn.Flatten(), last, nn.ReLU())
        self.head = nn.Linear(CLASSIFIER["feature_size"], classes)
        if resolution > SMALL:  # channels side by side in memory: twice as fast on a CPU
            self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 images `(batch, channels, height, width)` to features and class logits."""
        features = self.body(to_float(images))
        return features, self.head(features)


def train_classifier(images: Tensor, labels: Tensor, dataset: str) -> Classifier:
    """A classifier trained on uint8 `images` with int64 `labels`; equal inputs give equal bits.

    Raises ValueError where the labels are not of two classes at least.
    """
    shape, classes = tuple(images.shape[1:]), int(labels.max()) + 1 if len(labels) else 0
    if classes < 2:
        raise ValueError(
            f"evaluation.extractor: a classifier cannot be trained on {dataset}, whose extractor "
            f"split has {len(images)} images of {classes} classes; choose inception-v3-compat"
        )
    parameters = recipe(shape[1], len(images))
    with randomness.initialising(dataset, 0, Stream.INITIAL_EXTRACTOR):
        network = Classifier(shape, classes).to(images.device)
    order = randomness.generator(dataset, 0, Stream.EXTRACTOR_DATA_ORDER, images.device)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=parameters["lr"], weight_decay=parameters["weight_decay"]
    )
    batch = (parameters["batch_size"],)
    for step in range(parameters["steps"]):
        optimizer.param_groups[0]["lr"] = _learning_rate(step, parameters)
        index = torch.randint(len(images), batch, generator=order, device=images.device)
        loss = F.cross_entropy(network(images[index])[1], labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def _learning_rate(step: int, parameters: dict[str, Any]) -> float:
    """Constant at first, then falling to zero in a straight line where the recipe says so."""
    steps = parameters["steps"]
    falling = steps - parameters.get("constant_steps", steps)
    return parameters["lr"] * min(1.0, (steps - step) / falling) if falling else parameters["lr"]


def _convolutions(channels: int, resolution: int) -> tuple[list[nn.Module], int]:
    """The layers that bring images to 4×4 or less, and how many numbers they end with.

    Small images are halved by strides; larger ones by max-pooling and strides in turn, which is
    faster and classifies Fashion-MNIST better by a percentage point.
    """
    width, small = CLASSIFIER["channels"], resolution <= SMALL
    layers: list[nn.Module] = []
    if small:
        layers, channels, width = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()], width, 64
    pool = not small
    while resolution > 4:
        layers += [nn.Conv2d(channels, width, 3, 1 if pool else 2, padding=1)]
        # the largest of four is the same before ReLU as after it, of which it leaves a quarter
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if pool else []
        layers += [nn.ReLU(inplace=True)]
        pool = not (pool or small)
        channels, width, resolution = width, 64, (resolution + 1) // 2
    return layers, channels * resolution**2


def load_classifier(state: dict[str, Any]) -> Classifier:
    """The classifier that `classifier_state` described."""
    network = Classifier(tuple(state["shape"]), state["classes"])
    network.load_state_dict(state["weights"])
    return network.eval()


def classifier_state(network: Classifier) -> dict[str, Any]:
    """What it takes to make `network` again."""
    return {
        "name": network.name,
        "shape": list(network.shape),
        "classes": network.classes,
        "weights": network.state_dict(),
    }
