"""Objectives: the shipped catalogue, and the parser of an objective's pair of formulas."""

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ganbench.formula.language import FUNCTIONS, VARIABLES, Formula, FormulaError, parse

OBJECTIVES_FILE = Path(__file__).with_suffix(".yaml")

OBJECTIVES: dict[str, dict[str, Any]] = yaml.safe_load(OBJECTIVES_FILE.read_text(encoding="utf-8"))
"""Definitions of the shipped objectives by name."""


@dataclass(frozen=True)
class Objective:
    """One formula for each player in the logits `r` (real) and `f` (fake), both minimised.

    `balance` has a formula for each number in them that moves while training: by how much it does
    so after a step.
    """

    name: str
    discriminator: Formula
    generator: Formula
    balance: Mapping[str, Formula] = field(default_factory=dict)


def read_objective(name: str, definition: Mapping[str, Any]) -> Objective:
    """Parses a definition with `discriminator`, `generator` and perhaps `constants`, `balance`.

    Raises FormulaError, naming the objective, the player, the formula and the column.
    """
    constants, rules = definition.get("constants", {}), definition.get("balance", {})
    _check_states(name, rules, constants)
    formulas = {}
    for player in ("discriminator", "generator"):
        try:
            formulas[player] = parse(definition[player], constants, rules)
            if "f" not in formulas[player].variables:
                raise FormulaError(definition[player], 1, "the formula does not depend on f")
        except FormulaError as error:
            raise error.add_place(f"objective {name!r}, {player}") from None
    return Objective(name, **formulas, balance=_read_rules(name, rules, constants))


def _check_states(name: str, rules: Mapping[str, str], constants: Mapping[str, float]) -> None:
    """Refuses a number that moves under a name that formulas read as something else."""
    taken = {*VARIABLES, *FUNCTIONS, *constants}
    for state, rule in rules.items():
        if state in taken or not state.isidentifier() or keyword.iskeyword(state):
            problem = f"{state!r} cannot be the name of a number that moves; choose another name"
            raise FormulaError(rule, 1, problem).add_place(f"objective {name!r}, balance")


def _read_rules(
    name: str, rules: Mapping[str, str], constants: Mapping[str, float]
) -> dict[str, Formula]:
    formulas = {}
    for state, rule in rules.items():
        try:
            formulas[state] = parse(rule, constants, rules)
        except FormulaError as error:
            raise error.add_place(f"objective {name!r}, balance of {state}") from None
    return formulas
