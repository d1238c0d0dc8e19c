"""The jobs of a whole study, without Snakemake."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ganbench.catalogue.extractors import choose_extractor
from ganbench.terminal.forecast import EstimatedJob
from ganbench.terminal.job_names import find_stage, name_job

STAGES = ("prepare", "reference", "extractor", "train", "evaluate", "theory", "report")
"""In the order in which people read them."""


def list_jobs(study: Mapping[str, Any], most: int | None = None) -> Iterator[EstimatedJob]:
    """Every job of a resolved study; of variants and seeds, the first `most` of each dataset."""
    for dataset, variants in study["runs"].items():
        facts = study["datasets"][dataset]
        points = facts["type"] == "points"
        yield EstimatedJob("prepare", {"dataset": dataset})
        if points:
            yield EstimatedJob("density_floor", {"dataset": dataset})
        else:
            extractor = choose_extractor(facts, study["evaluation"])
            yield EstimatedJob("extractor", {"dataset": dataset, "extractor": extractor})
        for variant, parameters in islice(variants.items(), most):
            for seed in study["seeds"][:most]:
                run = {"dataset": dataset, "variant": variant, "seed": str(seed)}
                yield EstimatedJob("train", run, parameters.get("threads", 1))
                yield EstimatedJob("evaluate_density" if points else "evaluate", run)
    for objective in study["objectives"]:
        yield EstimatedJob("theory", {"objective": objective})
    for reference in study.get("references", {}):
        yield EstimatedJob("reference", {"reference": reference})
    yield EstimatedJob("report", {})


def list_names(study: Mapping[str, Any]) -> list[str]:
    """The names of all jobs of a resolved study, stage by stage, each in the study's order."""
    jobs = sorted(list_jobs(study), key=lambda job: STAGES.index(find_stage(job.rule)))
    return [name_job(job.rule, job.wildcards) for job in jobs]
