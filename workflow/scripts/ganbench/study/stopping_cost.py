"""What early stopping costs: how long the adversaries of a duality gap train, and what that takes.

Both follow from the run's parameters alone, never from measured time, so that a run stops at the
same step on every machine.
"""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.metrics import BY_POINTS
from ganbench.study.budget import count_passes, snapshot_steps

MOST_STEPS = 200
"""The most steps that each of the two adversaries of a duality gap takes."""
LEAST_STEPS = 20
"""The fewest steps with which an adversary still finds a better player."""
BATCH_SIZE = 256
"""Samples in a step of an adversary."""
SAMPLES_PER_STEP = 50
"""Samples that measure an adversary, for each step that it takes: 10,000 for 200."""
POINTS = 100_000
"""Generated points for one measurement of a metric of points."""
STEP_SHARE = 1 / 3
"""Steps of all adversaries over those of the run. A run's own may be CUDA graphs, which take a
third of the time."""
PASSES = 4 * BATCH_SIZE + 4 * SAMPLES_PER_STEP
"""Images that one step of both adversaries passes through D and back: two batches for each of
them, and before and after, real and fake samples forward, which is a third of a pass."""


def adversary_steps(parameters: Mapping[str, Any]) -> int:
    """The steps of each adversary of a run's duality gap.

    Chosen so that all gaps together take no longer than the run's own steps (no more images, and a
    third of the steps), but at least `LEAST_STEPS`; a very short run can afford none.
    """
    checks = _count_checks(parameters)
    by_steps = int(STEP_SHARE * parameters["steps"] / (2 * checks))
    by_images = int(_training_images(parameters) / (PASSES * checks))
    return max(LEAST_STEPS, min(MOST_STEPS, by_steps, by_images))


def stopping_share(parameters: Mapping[str, Any]) -> float:
    """The time of a run's early stopping over that of its training: 1 makes it twice as long.

    For a metric of images it depends on the extractor (`terminal/forecast.py`).
    """
    stop = parameters["stop"]
    if not stop:
        return 0.0
    checks, images = _count_checks(parameters), _training_images(parameters)
    if stop["metric"] in BY_POINTS:
        return checks * POINTS / 3 / images  # through G, forward only
    taken = adversary_steps(parameters) * checks
    return max(taken * PASSES / images, taken * 2 / parameters["steps"] / STEP_SHARE)


def _count_checks(parameters: Mapping[str, Any]) -> int:
    return len(set(snapshot_steps(parameters)))


def _training_images(parameters: Mapping[str, Any]) -> float:
    """Images that the run passes through D and back."""
    return count_passes(parameters) * parameters["batch_size"]
