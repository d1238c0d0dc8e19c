"""A run's budget: when it takes snapshots, how many images a step uses, how long it may take."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.updates import batches_per_step, cost_of_updates


def snapshot_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps after which a run takes a snapshot, equally spaced up to its last step."""
    steps, count = parameters["steps"], parameters["snapshots"]
    return [steps * share // count for share in range(1, count + 1)]


def images_per_step(parameters: Mapping[str, Any]) -> int:
    """The number of real images that the discriminator sees in one iteration of Algorithm 1."""
    return batches_per_step(parameters) * parameters["batch_size"]


def count_passes(parameters: Mapping[str, Any]) -> float:
    """A run's length compared with that of others: passes of batches through the discriminator.

    A penalty costs two more passes at each update where it is due; the generator's update counts as
    two. Game optimizers multiply the last update of each player.
    """
    penalties = sum(2 / options.get("every", 1) for options in parameters["regularizers"].values())
    update, cost = 2 + penalties, cost_of_updates(parameters)
    others = (parameters["discriminator_steps"] - 1) * update
    return parameters["steps"] * (others + cost * (update + 2))
