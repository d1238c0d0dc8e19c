"""Objectives: the shipped catalogue, and the parser of an objective's pair of formulas."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ganbench.formula.language import Formula, FormulaError, parse

OBJECTIVES_FILE = Path(__file__).with_suffix(".yaml")

OBJECTIVES: dict[str, dict[str, Any]] = yaml.safe_load(OBJECTIVES_FILE.read_text(encoding="utf-8"))
"""Definitions of the shipped objectives by name."""


@dataclass(frozen=True)
class Objective:
    """One formula for each player in the logits `r` (real) and `f` (fake), both minimised."""

    name: str
    discriminator: Formula
    generator: Formula


def read_objective(name: str, definition: Mapping[str, Any]) -> Objective:
    """Parses a definition with the keys `discriminator`, `generator` and, optionally, `constants`.

    Raises FormulaError, naming the objective, the player, the formula and the column.
    """
    formulas = {}
    for player in ("discriminator", "generator"):
        try:
            formulas[player] = parse(definition[player], definition.get("constants", {}))
            if "f" not in formulas[player].variables:
                raise FormulaError(definition[player], 1, "the formula does not depend on f")
        except FormulaError as error:
            raise error.add_place(f"objective {name!r}, {player}") from None
    return Objective(name, **formulas)
