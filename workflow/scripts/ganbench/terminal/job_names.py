"""A job in plain words: its stage, and what of the study it is about."""

from collections.abc import Mapping

STAGES = {"evaluate_density": "evaluate", "density_floor": "extractor"}
"""The stage of each rule that has another name than its stage."""


def find_stage(rule: str) -> str:
    """The stage of a rule, as people type it after `snakemake`."""
    return STAGES.get(rule, rule)


def name_job(rule: str, wildcards: Mapping[str, str]) -> str:
    """A job as a person would say it: "train digits / minimax / seed 3", "theory minimax"."""
    wildcards = dict(wildcards)
    if "seed" in wildcards:
        wildcards["seed"] = f"seed {wildcards['seed']}"
    parts = [wildcards[key] for key in ("dataset", "variant", "seed") if key in wildcards]
    parts = parts or list(wildcards.values())
    return " ".join([find_stage(rule), " / ".join(parts)]).strip()
