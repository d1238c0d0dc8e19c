"""A run's budget: when it takes snapshots, and how many real images a step uses."""

from collections.abc import Mapping
from typing import Any


def snapshot_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps after which a run takes a snapshot, equally spaced up to its last step."""
    steps, count = parameters["steps"], parameters["snapshots"]
    return [steps * share // count for share in range(1, count + 1)]


def images_per_step(parameters: Mapping[str, Any]) -> int:
    """The number of real images that the discriminator sees in one iteration of Algorithm 1."""
    return parameters["discriminator_steps"] * parameters["batch_size"]
