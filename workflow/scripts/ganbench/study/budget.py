"""A run's budget: when it takes snapshots, how many images a step uses, how long it may take."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.updates import batches_per_step, cost_of_updates

FRAMES = 40
"""Moments of a film of a run on points, equally spaced over its steps."""


def snapshot_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps after which a run takes a snapshot, equally spaced up to its last step."""
    steps, count = parameters["steps"], parameters["snapshots"]
    return [steps * share // count for share in range(1, count + 1)]


def frame_steps(parameters: Mapping[str, Any]) -> list[int]:
    """The steps of the frames between the snapshots of a run on points: `FRAMES`, less snapshots.

    Frames are drawn but not scored.
    """
    steps = parameters["steps"]
    frames = {steps * share // FRAMES for share in range(1, FRAMES + 1)} - {0}
    return sorted(frames - set(snapshot_steps(parameters)))


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
