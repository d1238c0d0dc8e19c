"""What the page's methods say of how the players of a study are updated."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.updates import CONSENSUS, UPDATES, find_updates
from ganbench.wording import number


def describe_updates(study: Mapping[str, Any]) -> list[dict[str, str]]:
    """The kinds of updates of a study, in the catalogue's order.

    Each has `title`, `definition`, `citation`, and in `variants` which variants are updated so;
    that is empty if all are.
    """
    names: dict[str, dict[str, None]] = {kind: {} for kind in UPDATES}
    for dataset, runs in study["runs"].items():
        several = len(study["runs"]) > 1 and _differ_between_datasets(study)
        for variant in study["variants"]:
            run = runs[variant]
            name = f"{variant} on {dataset}" if several else variant
            if find_updates(run) == CONSENSUS:
                name += f" with γ = {number(run['consensus_weight'])}"
            names[find_updates(run)][name] = None
    used = [kind for kind, variants in names.items() if variants]
    return [
        {
            "title": UPDATES[kind].title,
            "definition": UPDATES[kind].definition,
            "citation": UPDATES[kind].citation,
            "variants": _join(names[kind]) if len(used) > 1 or kind == CONSENSUS else "",
        }
        for kind in used
    ]


def _differ_between_datasets(study: Mapping[str, Any]) -> bool:
    """Whether a variant is updated in one way on one dataset and in another on another."""
    ways = [
        [(find_updates(runs[name]), runs[name].get("consensus_weight")) for name in runs]
        for runs in study["runs"].values()
    ]
    return any(way != ways[0] for way in ways)


def _join(names: Mapping[str, None]) -> str:
    return "Variants: " + ", ".join(names)
