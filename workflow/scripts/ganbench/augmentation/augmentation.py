"""The augmentation of one run: what the discriminator sees of real and of fake images."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganbench.augmentation.ada import adapt, build_ada
from ganbench.augmentation.operations import (
    Operation,
    apply_to_share,
    brighten,
    contrast,
    cut_out,
    flip,
    saturate,
    translate,
)
from ganbench.randomness import Stream

DIFFAUGMENT: dict[str, tuple[Operation, ...]] = {
    "colour": (brighten, saturate, contrast),
    "translation": (translate,),
    "cutout": (cut_out,),
}
"""The operations of DiffAugment in their order (Zhao et al. 2020, Section 4.1)."""


class Augmentation:
    """Augments the images of each purpose from a random stream of its own.

    `options` are a run's resolved `augment`, None for no augmentation. `streams` are those of
    `AUGMENTATION_STREAMS` and the penalties', by name. Each image is augmented on its own, so real
    and fake ones get independent changes of one distribution. `state` are the tensors that change
    while training: with `ada`, its probability and what the next change of it depends on.
    """

    def __init__(
        self,
        options: Mapping[str, Any] | None,
        streams: Mapping[str, torch.Generator],
        device: torch.device,
    ) -> None:
        self.options, self.streams = options or {"name": "none"}, streams
        self.state: dict[str, Tensor] = {}
        if self.options["name"] == "ada":
            names = ("probability", "signs", "batches")
            self.state = {name: torch.zeros((), device=device) for name in names}
            self.state["probability"] += self.options["probability"] or 0
            self.operations: Sequence[Operation] = (build_ada(self.state["probability"]),)
        else:
            self.operations = list_operations(self.options)

    def __call__(self, images: Tensor, stream: Stream) -> Tensor:
        """Changes each image at random; without augmentation, returns the images themselves."""
        for operation in self.operations:
            images = operation(images, self.streams.get(stream))
        return images

    def watch(self, real_logits: Tensor) -> None:
        """Adapts the probability of `ada` to the logits of one more batch of real images."""
        if self.state:
            target, images = self.options["target"], self.options["images"]
            adapt(self.state, real_logits.detach(), target=target, images=images)

    def for_penalties(self, images: Tensor) -> Tensor:
        """Images in a penalty, whose gradient goes through the augmentation.

        It is that of D(T(x)) with respect to x, as R1 is in Karras et al. 2020 (their code).
        """
        return self(images, Stream.PENALTY_NOISE)


AUGMENTATION_STREAMS = (
    Stream.AUGMENTED_REAL,
    Stream.AUGMENTED_FAKE,
    Stream.GENERATOR_AUGMENTED_REAL,
    Stream.GENERATOR_AUGMENTED_FAKE,
)
"""Those of D's updates, then those of G's, so that one variant's more updates shift no other."""


def list_operations(options: Mapping[str, Any]) -> Sequence[Operation]:
    """What `options` of a study apply to a batch, one after the other; not for `ada`."""
    if options["name"] == "none":
        return ()
    share = 1 if options["probability"] is None else options["probability"]
    if options["name"] == "flip":
        return (apply_to_share(flip, share),)
    chosen = [name for name in DIFFAUGMENT if name in options["operations"]]
    steps = [step for name in chosen for step in DIFFAUGMENT[name]]
    return (apply_to_share(partial(_apply_all, steps), share),)


def _apply_all(
    operations: Sequence[Operation], images: Tensor, noise: torch.Generator | None
) -> Tensor:
    for operation in operations:
        images = operation(images, noise)
    return images
