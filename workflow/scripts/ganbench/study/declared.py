"""What a study declares before training: its contrasts, and the margin of equivalence."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

from ganbench.study.references import is_of_reference, list_reference_variants
from ganbench.study.schema import StudyError

Pairing = tuple[str, str]
"""Two variants by name: the one that is judged, and the one in the place of the baseline."""


class Margin(NamedTuple):
    """The smallest difference that matters: in the metric's unit, or a share of the score."""

    size: float
    is_share: bool


def list_contrasts(study: Mapping[str, Any]) -> list[Pairing]:
    """The contrasts of a resolved study; by default every variant against the baseline.

    By default a study with references also compares each of its variants with each of theirs,
    unless the baseline is one of a reference.
    """
    if study.get("contrasts"):
        return [(variant, baseline) for variant, baseline in study["contrasts"]]
    baseline, variants = study["baseline"], list(study["variants"])
    contrasts = [(variant, baseline) for variant in variants if variant != baseline]
    if baseline in variants:
        contrasts += product(variants, list_reference_variants(study))
    return contrasts


def read_margin(text: str) -> Margin | None:
    """The margin that a text such as `5` or `10 %` gives; None for an empty one.

    Raises StudyError for anything else.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise StudyError(
            f"margin: found {text!r}, expected a number above 0 in the unit of the primary metric, "
            "such as 5, or a share of the score, such as 10 %"
        )
    return Margin(float(match[1]) / (100 if match[2] else 1), bool(match[2]))


def check_declarations(study: Mapping[str, Any]) -> None:
    """Refuses contrasts of unknown or equal variants or twice, and a margin that means nothing."""
    pairings: set[frozenset[str]] = set()
    for place, pair in enumerate(study["contrasts"]):
        path = f"contrasts.{place}"
        if all(is_of_reference(name) for name in pair):
            raise StudyError(
                f"{path}: found {pair[0]} and {pair[1]}, which are both of a reference; expected "
                "at least one variant of this study"
            )
        if pair[0] == pair[1]:
            raise StudyError(f"{path}: found {pair[0]} twice, expected two different variants")
        if frozenset(pair) in pairings:
            raise StudyError(
                f"{path}: {pair[0]} and {pair[1]} are compared already; remove one of the two"
            )
        pairings.add(frozenset(pair))
    margin = read_margin(study["margin"])
    metrics = list(
        dict.fromkeys(dataset["primary"]["metric"] for dataset in study["datasets"].values())
    )
    if margin and not margin.is_share and len(metrics) > 1:
        raise StudyError(
            f"margin: {study['margin']} would be in the units of {' and of '.join(metrics)}, the "
            "primary metrics of this study's datasets; give a share of the score, such as 10 %"
        )
