"""Trains the `classifier` extractor, on a GPU as a CUDA graph.

The batches are drawn before training, on the CPU, so that every device sees the same ones.
"""

from typing import Any, TextIO

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.adam import adam

from ganbench import randomness
from ganbench.evaluation.classifier import Classifier, choose_recipe
from ganbench.evaluation.cuda_graph import repeat_recorded
from ganbench.randomness import Stream


def train_classifier(
    images: Tensor, labels: Tensor, dataset: str, log: TextIO | None = None
) -> Classifier:
    """Trains a classifier on uint8 `images` and int64 `labels`; equal inputs give equal bits.

    Raises ValueError where the labels have fewer than two classes.
    """
    training, batches, rates = _set_up(images, labels, dataset)
    if images.device.type == "cuda":
        _take_steps_on_gpu(training, batches, rates, log)
    else:
        for batch, rate in zip(batches, rates, strict=True):
            training.take_step(batch, rate)
    training.network.zero_grad()
    return training.network.eval()


def _set_up(
    images: Tensor, labels: Tensor, dataset: str
) -> tuple["_Training", Tensor, list[float]]:
    """A training before its first step, and the batch `(steps, size)` and rate of each step."""
    shape = tuple(images.shape[1:])
    classes = int(labels.max()) + 1 if len(labels) else 0
    if classes < 2:
        raise ValueError(
            f"evaluation.extractor: cannot train a classifier on {dataset}: its extractor split "
            f"has {len(images)} images and {classes} classes; choose inception-v3-compat"
        )
    recipe = choose_recipe(shape[1], len(images))
    with randomness.global_stream(dataset, 0, Stream.INITIAL_EXTRACTOR):
        network = Classifier(shape, classes).to(images.device)
    order = randomness.generator(dataset, 0, Stream.EXTRACTOR_DATA_ORDER)
    batches = torch.randint(len(images), (recipe["steps"], recipe["batch_size"]), generator=order)
    rates = [_learning_rate(step, recipe) for step in range(recipe["steps"])]
    return _Training(network, images, labels, recipe["weight_decay"]), batches, rates


def _learning_rate(step: int, recipe: dict[str, Any]) -> float:
    """The rate at `step`: constant for `constant_steps`, then decaying linearly to zero.

    A recipe without `constant_steps` keeps its rate.
    """
    steps = recipe["steps"]
    decay_steps = steps - recipe.get("constant_steps", steps)
    return recipe["lr"] * min(1.0, (steps - step) / decay_steps) if decay_steps else recipe["lr"]


class _Training:
    """A classifier in training by Adam (Kingma and Ba 2015).

    Calls the function behind `torch.optim.Adam`: making the class itself imports torch's compiler,
    which takes over a second.
    """

    def __init__(
        self, network: Classifier, images: Tensor, labels: Tensor, weight_decay: float
    ) -> None:
        self.network, self.images, self.labels = network, images, labels
        self.weight_decay = weight_decay
        self.weights = list(network.parameters())
        self.means = [torch.zeros_like(weight) for weight in self.weights]
        self.squares = [torch.zeros_like(weight) for weight in self.weights]
        count = torch.zeros((), device=images.device)
        self.counts = [count.clone() for _ in self.weights]

    def take_step(self, batch: Tensor, rate: float | Tensor) -> None:
        """Descends the loss of the images with the indices `batch` at a learning rate."""
        _, logits = self.network(self.images[batch])
        loss = F.cross_entropy(logits, self.labels[batch])
        self.network.zero_grad()
        loss.backward()
        with torch.no_grad():
            adam(
                self.weights,
                [weight.grad for weight in self.weights],
                self.means,
                self.squares,
                [],
                self.counts,
                capturable=self.images.device.type == "cuda",
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=self.weight_decay,
                eps=1e-8,
                maximize=False,
            )


def _take_steps_on_gpu(
    training: _Training, batches: Tensor, rates: list[float], log: TextIO | None
) -> None:
    """Takes all steps with nothing to wait for on the CPU: the GPU counts them itself."""
    device = training.images.device
    batches, all_rates = batches.to(device), torch.tensor(rates, device=device)
    step = torch.zeros(1, dtype=torch.int64, device=device)

    def take_next_step() -> None:
        batch = batches.index_select(0, step).squeeze(0)
        training.take_step(batch, all_rates.index_select(0, step).squeeze(0))
        step.add_(1)

    repeat_recorded(take_next_step, len(rates), log)
