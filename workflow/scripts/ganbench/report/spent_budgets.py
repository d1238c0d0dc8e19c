"""What the runs of a variant used: their number, time, budgets and floating-point operations."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ganbench.study.budget import images_per_step
from ganbench.wording import operations


def summarise_spending(
    runs: pd.DataFrame, parameters: Mapping[str, Mapping[str, dict[str, Any]]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """By dataset and variant; `parameters` has those of variants without any run, too."""
    by_variant = dict(list(runs.groupby(["dataset", "variant"], sort=False)))
    return {
        (dataset, variant): _summarise(by_variant.get((dataset, variant), runs[:0]), own)
        for dataset, variants in parameters.items()
        for variant, own in variants.items()
    }


def _summarise(runs: pd.DataFrame, parameters: dict[str, Any]) -> dict[str, Any]:
    """The budgets that the completed runs of a variant used, and their median FLOPs."""
    completed = runs[runs["status"] == "completed"]
    work = [
        step * flops["step"]
        for step, flops in zip(completed["step"], completed["flops"], strict=True)
    ]
    median = float(pd.Series(work, dtype=float).median()) if work else None
    return {
        "trained": runs["seed"].tolist(),
        "seconds": float(runs["seconds"].median()),
        "budget": {
            "D updates": _summarise_steps(completed, parameters["discriminator_steps"]),
            "G updates": _summarise_steps(completed, 1),
            "images": _summarise_steps(completed, images_per_step(parameters)),
        },
        "flops": median,
        "work": operations(median),
    }


def _summarise_steps(completed: pd.DataFrame, units_per_step: int) -> dict[str, Any]:
    """The units of a budget that runs used; in words a range if some stopped early."""
    units = completed["step"] * units_per_step
    if not len(units):
        return {"most": 0, "text": "–"}
    low, high = int(units.min()), int(units.max())
    return {"most": high, "text": f"{high:,}" if low == high else f"{low:,} to {high:,}"}
