"""Stacked images: three random grey images as the colour channels of one, with 1,000 modes.

After Metz et al. 2017, Unrolled generative adversarial networks, Section 3.3.1, which stacks MNIST.
"""

from collections.abc import Sequence

import numpy as np

from ganbench.catalogue.datasets import KINDS, Kind
from ganbench.datasets.sources import Part, Source
from ganbench.datasets.splits import plan_cuts, split_source
from ganbench.jobs.seeds import stream_seed

STREAM = "stacking"
"""The name of the random stream; with a part's name and the kind it makes the seed."""

PARTS = {"train": "train", "test": "held_out", "extractor": "extractor"}
"""Which split of the single images each part is stacked from."""

CHANNELS = 3


def stack_source(kind: Kind, base: Source) -> Source:
    """Stacks the splits that `base` has in every study.

    No single image is in stacks of two parts, so a ruler of the single images, which is trained on
    their extractor split, has not learnt what `train` and `held_out` are stacked from.
    """
    splits = split_source(base, plan_cuts(base, None))
    parts = {
        part: stack_images(splits[split], kind.parts[part], _make_generator(kind.name, part))
        for part, split in PARTS.items()
    }
    names = [
        " ".join((first, second, third))
        for first in base.class_names
        for second in base.class_names
        for third in base.class_names
    ]
    title = KINDS[kind.base].title
    texts = {
        part: f"three of the {len(splits[split].samples):,} {split} images of {title} in each"
        for part, split in PARTS.items()
    }
    return Source(parts, base.origin, names, part_texts=texts)


def stack_images(single: Part, count: int, rng: np.random.Generator) -> Part:
    """Stacks `count` times three images of `single`, each drawn from all of them.

    `single.samples` is `(images, 1, height, width)`. The label of a stack counts through all
    triples of the ten classes: 100 times the first channel's class, 10 times the second's, plus
    the third's.
    """
    index = rng.integers(len(single.samples), size=(count, CHANNELS))
    samples = np.ascontiguousarray(single.samples[index, 0])
    return Part(samples, join_classes(single.labels[index]))


def join_classes(classes: np.ndarray | Sequence[Sequence[int]]) -> np.ndarray:
    """The labels `(count,)` of stacks whose channels have `classes` `(count, 3)`, of ten."""
    return np.asarray(classes, dtype=np.int64) @ np.array([100, 10, 1])


def _make_generator(kind: str, part: str) -> np.random.Generator:
    """The generator of a part's stream."""
    return np.random.default_rng(stream_seed(kind, 0, f"{STREAM} {part}"))
