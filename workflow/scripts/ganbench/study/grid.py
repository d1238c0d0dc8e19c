"""Variants made from a study's `grid`: one for every combination of its factors' levels."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ganbench.study.player_optimizers import override_training
from ganbench.study.schema import StudyError, check_training, load_schema, merge
from ganbench.study.sweep import nest_keys
from ganbench.study.values import read_values

LIMIT = 1_000
"""Most cells of one grid."""

LONGEST_NAME = 60


class FactorLevel(NamedTuple):
    """One level of a factor: its name in tables, its part of a variant's name, and its value."""

    name: str
    slug: str
    value: Any


def expand_grid(config: Any) -> Any:
    """A study whose `grid` is replaced by variants, each with its `levels`; others are returned.

    With the factor `objective`, the cells stand beside the study's `variants`. Without it they
    vary the variants themselves, which become the factor `variant`. Raises StudyError for a grid
    that cannot be expanded.
    """
    if not isinstance(config, Mapping) or config.get("grid") is None:
        return config
    schema = load_schema()
    grid = read_values(config["grid"], schema["properties"]["grid"], schema)
    variants = config.get("variants") or {}
    if not isinstance(grid, Mapping) or not grid or not isinstance(variants, Mapping):
        raise StudyError(f"grid: found {grid!r}, expected factors with their levels")
    factors = {key: list(_list_levels(key, levels)) for key, levels in grid.items()}
    _check_factors(factors, variants)
    bases: Mapping[str, Any] = {"": {}}
    if "objective" not in factors:
        bases, variants = variants, {}
    cells: dict[str, Any] = {}
    for base_name, base in bases.items():
        for combination in itertools.product(*factors.values()):
            name = "_".join(filter(None, [base_name, *(level.slug for level in combination)]))
            _check_variant_name(name, {**variants, **cells})
            cells[name] = _make_cell(
                base_name, base or {}, dict(zip(grid, combination, strict=True))
            )
    rest = {key: value for key, value in config.items() if key != "grid"}
    return {**rest, "variants": {**variants, **cells}}


def _make_cell(
    base_name: str, base: Mapping[str, Any], chosen: Mapping[str, FactorLevel]
) -> dict[str, Any]:
    """One variant of the grid."""
    levels = {shorten(key, chosen): level.name for key, level in chosen.items()}
    values = {key: level.value for key, level in chosen.items()}
    cell = {key: values.pop(key) for key in ("objective", "regularizers") if key in values}
    if base_name:
        cell["objective"] = base.get("objective") or base_name
        levels = {"variant": base_name, **levels}
    training = override_training(base.get("training") or {}, nest_keys(values))
    return merge(base, {**cell, "levels": levels}) | {"training": training}


def has_factors(study: Mapping[str, Any]) -> bool:
    """Whether variants of a resolved study have levels of factors, so that these are compared."""
    return any(variant.get("levels") for variant in study["variants"].values())


def shorten(key: str, keys: Iterable[str]) -> str:
    """A factor as tables call it: `lr` for `optimizer.lr`, `optimizer` for `optimizer.name`.

    It is the whole key where another factor has the same last part.
    """
    short = _last(key)
    return short if [_last(other) for other in keys].count(short) == 1 else key


def _last(key: str) -> str:
    return key.removesuffix(".name").rpartition(".")[2]


def _list_levels(key: str, levels: Any) -> Iterator[FactorLevel]:
    """The levels of a factor: a list of values, or values by names of the user's own."""
    if not isinstance(levels, Mapping | list) or not levels:
        raise StudyError(f"grid.{key}: found {levels!r}, expected a list of values")
    is_named = isinstance(levels, Mapping)
    for name, value in levels.items() if is_named else ((None, value) for value in levels):
        if not is_named and isinstance(value, Mapping | list):
            raise StudyError(
                f"grid.{key}: found {value!r} in a list, expected a name for each group of keys: "
                "a mapping from names to groups"
            )
        if key not in ("objective", "regularizers"):
            check_training(nest_keys({key: value}), "grid")
        text = format_value(value) if name is None else str(name)
        is_number = name is None and not isinstance(value, str)
        yield FactorLevel(text, f"{_last(key)}_{slug(text)}" if is_number else slug(text), value)


def format_value(value: Any) -> str:
    """A value as people write it in a study: `64`, `0.05`, `2e-4`, `true`."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float) and value and not 1e-2 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.15e}".split("e")
        return f"{float(mantissa):.6g}e{int(exponent)}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def slug(text: str) -> str:
    """A text as part of a variant's name: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _check_factors(factors: Mapping[str, list[FactorLevel]], variants: Mapping[str, Any]) -> None:
    for key, levels in factors.items():
        if nested := [other for other in factors if other.startswith(f"{key}.")]:
            raise StudyError(
                f"grid.{key}: found beside {nested[0]}, which is part of it; remove one"
            )
        names = [level.slug for level in levels]
        if twice := {name for name in names if names.count(name) > 1}:
            raise StudyError(f"grid.{key}: found the level {min(twice)!r} twice, expected it once")
    if "objective" not in factors and not variants:
        raise StudyError(
            "grid: found no factor 'objective' and no variants to vary; add one of them"
        )
    cells = math.prod(len(levels) for levels in factors.values())
    if cells > LIMIT:
        raise StudyError(f"grid: found {cells} cells, expected at most {LIMIT}")


def _check_variant_name(name: str, taken: Mapping[str, Any]) -> None:
    if name in taken:
        raise StudyError(f"grid: two variants would have the name {name!r}; rename one")
    if len(name) > LONGEST_NAME:
        raise StudyError(
            f"grid: the variant {name!r} has {len(name)} characters, expected at most "
            f"{LONGEST_NAME}; give the levels short names: a mapping from names to values"
        )
