"""Stacked images, three grey images as colour channels: a classifier of single images sees each.

Coverage of the 1,000 modes is measured as in Metz et al. 2017, Section 3.3.1, and Lin et al. 2018,
Section 4.2: from the classes that the classifier finds in 26,000 samples.
"""

import math

import torch
from torch import Tensor, nn

from ganbench.evaluation.classifier import Classifier

CHANNELS = 3

SAMPLES = 26_000
"""Images whose modes are counted, as in Lin et al. 2018."""


class StackedClassifier(nn.Module):
    """Applies a classifier of single images to each channel."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier
        self.name, self.image_size = classifier.name, classifier.image_size
        self.batch_size = max(1, classifier.batch_size // CHANNELS)
        self.sha256 = getattr(classifier, "sha256", None)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features `(batch, 192)` and logits `(batch, 3, classes)` of uint8 images.

        `images` are `(batch, 3, height, width)`. The features are those of the channels in turn.
        """
        features, logits = self.classifier(split_channels(images))
        return features.reshape(len(images), -1), logits.reshape(len(images), CHANNELS, -1)


def split_channels(images: Tensor) -> Tensor:
    """The channels of `(count, 3, height, width)` as images `(3 · count, 1, height, width)`."""
    return images.reshape(-1, 1, *images.shape[2:])


def split_labels(labels: Tensor) -> Tensor:
    """The classes of the channels, `(3 · count,)` in their order, of stacks with these labels."""
    return torch.stack([labels // 100, labels // 10 % 10, labels % 10], dim=1).flatten()


def is_stacked(logits: Tensor | None) -> bool:
    """Whether the logits are those of channels, `(count, 3, classes)`."""
    return logits is not None and logits.dim() == 3


def predict(logits: Tensor) -> Tensor:
    """The most probable label `(count,)`, of logits of images or of the channels of stacks."""
    if not is_stacked(logits):
        return logits.argmax(1)
    return logits.argmax(2) @ torch.tensor([100, 10, 1], device=logits.device)


def join_logits(logits: Tensor) -> Tensor:
    """Log-probabilities `(count, 1000)` of labels: channels are independent given the image."""
    first, second, third = logits.log_softmax(2).unbind(1)
    joint = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
    return joint.flatten(1)


def score_modes(labels: Tensor, modes: int) -> dict[str, float]:
    """Modes covered and KL(p̂ ‖ uniform), in nats, of the predicted `labels` `(count,)`.

    A mode is covered by one image. p̂ is the share of images in each of the `modes`.
    """
    shares = labels.bincount(minlength=modes).double() / len(labels)
    shares = shares[shares > 0]
    divergence = float((shares * shares.log()).sum()) + math.log(modes)
    return {"stacked_modes": float(len(shares)), "stacked_KL": divergence}
