"""Guide lines of the game's curves: each objective's own D* where p_g = p_data."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.catalogue.objectives import read_objective
from ganbench.formula.pointwise import find_pointwise_game
from ganbench.report.results import Results


@dataclass(frozen=True)
class Level:
    """A horizontal line at a known value."""

    value: float
    label: str


def list_unread_critics(results: Results, dataset: str) -> list[str]:
    """The variants whose D has no absolute zero, so that σ(D) is no probability.

    The loss of a critic of Wasserstein GAN, or of a relativistic one, depends on differences of its
    outputs alone, and BEGAN's D has the error of an autoencoder: none has an optimum at a point.
    """
    return [
        variant
        for variant in results.variants_on(dataset)
        if (parameters := results.parameters[dataset].get(variant))
        and not _has_pointwise_game(parameters["objective"])
    ]


def _has_pointwise_game(definition: Mapping[str, Any]) -> bool:
    objective = read_objective(definition["name"], definition)
    return find_pointwise_game(objective.discriminator) is not None


def list_probability_levels(study: Mapping[str, Any]) -> list[Level]:
    """D* = σ(u*(1)) of every objective that has one: ½ for minimax."""
    return _list_levels(study, lambda probability: probability, {0.5: "½"})


def list_value_levels(study: Mapping[str, Any]) -> list[Level]:
    """V of Goodfellow et al. 2014, Eq. 1, at that D*: −log 4 for minimax, and highest there."""
    return _list_levels(
        study,
        lambda probability: math.log(probability) + math.log1p(-probability),
        {-math.log(4): "−log 4"},
    )


def _list_levels(
    study: Mapping[str, Any],
    find_value: Callable[[float], float],
    special: Mapping[float, str],
) -> list[Level]:
    """One line for each value, named after its objectives unless all share it."""
    names: dict[float, list[str]] = {}
    for name, definition in study["objectives"].items():
        game = find_pointwise_game(read_objective(name, definition).discriminator)
        logit = game.logit_at_equilibrium() if game else None
        if logit is not None and abs(logit) < 30:
            value = round(find_value(1 / (1 + math.exp(-logit))), 9)
            names.setdefault(value, []).append(name)
    levels = []
    for value, objectives in names.items():
        exact = [
            text for number, text in special.items() if math.isclose(number, value, abs_tol=1e-8)
        ]
        label = exact[0] if exact else f"{value:.3f}".replace("-", "−")
        shared = len(objectives) == len(study["objectives"])
        levels.append(Level(value, label if shared else f"{label}: {', '.join(objectives)}"))
    return levels
