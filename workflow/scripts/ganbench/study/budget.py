"""A run's budget: when it takes snapshots, how many images a step uses, how long it may take."""

from collections.abc import Mapping
from typing import Any


def snapshot_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps after which a run takes a snapshot, equally spaced up to its last step."""
    steps, count = parameters["steps"], parameters["snapshots"]
    return [steps * share // count for share in range(1, count + 1)]


def images_per_step(parameters: Mapping[str, Any]) -> int:
    """The number of real images that the discriminator sees in one iteration of Algorithm 1."""
    return parameters["discriminator_steps"] * parameters["batch_size"]


def count_passes(parameters: Mapping[str, Any]) -> float:
    """A run's length compared with that of others: passes of batches through the discriminator.

    A penalty costs two more passes at each update where it is due; the generator's update counts as
    two.
    """
    penalties = sum(2 / options.get("every", 1) for options in parameters["regularizers"].values())
    return parameters["steps"] * (parameters["discriminator_steps"] * (2 + penalties) + 2)
