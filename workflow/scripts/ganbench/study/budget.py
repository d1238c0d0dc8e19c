"""The budget of a run, in the units that tables count it in."""

from collections.abc import Mapping
from typing import Any


def snapshot_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps after which a run keeps its generator, at equal shares of its budget."""
    steps, count = parameters["steps"], parameters["snapshots"]
    return [steps * share // count for share in range(1, count + 1)]


def images_per_step(parameters: Mapping[str, Any]) -> int:
    """Real images that the discriminator is shown in one iteration of Algorithm 1."""
    return parameters["discriminator_steps"] * parameters["batch_size"]
