"""Objectives: the catalogue, and the checked pair of formulas behind each name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ganbench.formula.language import Formula, FormulaError, parse

OBJECTIVES_FILE = Path(__file__).with_suffix(".yaml")

OBJECTIVES: dict[str, dict[str, Any]] = yaml.safe_load(OBJECTIVES_FILE.read_text(encoding="utf-8"))
"""The shipped objectives by name, each as its definition."""


@dataclass(frozen=True)
class Objective:
    """Two formulas in the logits `r` (real) and `f` (fake), both minimised."""

    name: str
    discriminator: Formula
    generator: Formula


def read_objective(name: str, definition: Mapping[str, Any]) -> Objective:
    """The objective of a definition: `discriminator`, `generator` and, if any, `constants`.

    Raises FormulaError, which names the objective, the player, the formula and the column.
    """
    formulas = {}
    for player in ("discriminator", "generator"):
        try:
            formulas[player] = parse(definition[player], definition.get("constants", {}))
            if "f" not in formulas[player].variables:
                raise FormulaError(definition[player], 1, "the formula does not depend on f")
        except FormulaError as error:
            raise error.within(f"objective {name!r}, {player}") from None
    return Objective(name, **formulas)
