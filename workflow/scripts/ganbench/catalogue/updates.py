"""The ways to update the two players, which a study names; it is checked by them without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Updates:
    """A way to update both players: what the report says of it, and what it costs.

    `batches` is the number of real batches that it takes where alternating updates take one, and
    `cost` its arithmetic in that of alternating updates.
    """

    title: str
    definition: str
    citation: str
    batches: int = 1
    cost: int = 1


UPDATES: dict[str, Updates] = {
    "alternating": Updates(
        "Alternating updates",
        "The generator descends its loss against a discriminator that has just been updated.",
        "Goodfellow et al. 2014, Generative adversarial nets, Algorithm 1",
    ),
    "simultaneous": Updates(
        "Simultaneous updates",
        "Both gradients are taken at the same weights; then both players move.",
        "Mescheder et al. 2017, The numerics of GANs, Algorithm 1",
    ),
    "extragradient": Updates(
        "Extragradient",
        "Both players move ahead by their optimizers; the gradients there, on fresh samples, move "
        "them from where they were. With Adam, moments and bias corrections advance at both.",
        "Gidel et al. 2019, A variational inequality perspective on generative adversarial "
        "networks, Algorithm 4 with its option I",
        batches=2,
        cost=2,
    ),
    "optimistic": Updates(
        "Optimistic updates",
        "Both players move simultaneously by twice their optimizer’s step, less its former step.",
        "Daskalakis et al. 2018, Training GANs with optimism, Algorithm 1",
    ),
    "consensus": Updates(
        "Consensus optimization",
        "Both players simultaneously descend their loss plus γ/2 ‖v‖², where v holds the gradients "
        "of both losses, each by its player’s weights.",
        "Mescheder et al. 2017, The numerics of GANs, Algorithm 2",
        cost=3,
    ),
}
"""The kinds of `updates`, by their names in a study."""

ALTERNATING = "alternating"
CONSENSUS = "consensus"
CONSENSUS_WEIGHT = 10.0
"""γ of consensus where a study sets none."""
WITH_CONSENSUS = ("weight_clip", "spectral_norm")
"""The regularizers that consensus goes with: they are no terms of the discriminator's loss."""


def find_updates(parameters: Mapping[str, Any]) -> str:
    """The kind of updates of a run; parameters without the key alternate."""
    return parameters.get("updates", ALTERNATING)


def cost_of_updates(parameters: Mapping[str, Any]) -> int:
    """The arithmetic of a step's last updates of both players, in that of alternating ones."""
    return UPDATES[find_updates(parameters)].cost


def batches_per_step(parameters: Mapping[str, Any]) -> int:
    """Batches of real samples that the discriminator sees in one step of a run."""
    return parameters["discriminator_steps"] - 1 + UPDATES[find_updates(parameters)].batches


def simplify_updates(training: Mapping[str, Any]) -> dict[str, Any]:
    """`training` with the keys of this file only where they have an effect, and then all of them.

    So runs that alternate have the parameters of runs from before there was a choice.
    """
    kind, simple = find_updates(training), dict(training)
    weight = simple.pop("consensus_weight", CONSENSUS_WEIGHT)
    if kind == ALTERNATING:
        simple.pop("updates", None)
    if kind == CONSENSUS:
        simple["consensus_weight"] = weight
    return simple


def find_update_problem(parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """The key of `training` that does not go with a run's updates, and what is wrong; or None."""
    if find_updates(parameters) != CONSENSUS:
        return None
    if parameters["precision"] == "bf16":
        return "precision", (
            "found 'bf16', expected 'tf32' or 'float32' with updates: consensus, which "
            "differentiates gradients in float32"
        )
    others = [name for name in parameters["regularizers"] if name not in WITH_CONSENSUS]
    if others:
        return "updates", (
            f"found 'consensus' with {others[0]}, expected {' and '.join(WITH_CONSENSUS)} at most: "
            "consensus would differentiate the gradient of the penalty once more; remove it or "
            "choose other updates"
        )
    return None
