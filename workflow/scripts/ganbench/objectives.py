"""Objectives: the catalogue, and the checked pair of formulas behind each name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ganbench.formula import Formula, FormulaError, parse

CATALOGUE_FILE = Path(__file__).with_suffix(".yaml")
VARIANTS_FILE = Path(__file__).with_name("variants.yaml")


@dataclass(frozen=True)
class Objective:
    """Two formulas in the logits `r` (real) and `f` (fake), both minimised."""

    name: str
    discriminator: Formula
    generator: Formula


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """The shipped objectives by name, each as its definition (see `objectives.yaml`)."""
    return yaml.safe_load(CATALOGUE_FILE.read_text(encoding="utf-8"))


@cache
def shipped_variants() -> dict[str, dict[str, Any]]:
    """The shipped variants by name, each as a study would write it (see `variants.yaml`)."""
    return yaml.safe_load(VARIANTS_FILE.read_text(encoding="utf-8"))


def read(name: str, definition: Mapping[str, Any]) -> Objective:
    """The objective of a definition: `discriminator`, `generator` and, if any, `constants`.

    Raises FormulaError naming the objective, the player, the formula and the column.
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
