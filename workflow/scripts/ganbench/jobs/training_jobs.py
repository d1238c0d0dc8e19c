"""What the rule `train` says of a run, for the function that trains it."""

import json
from importlib import import_module
from typing import Any

from ganbench.jobs.records.recording import pick_execution

SCORING = "ganbench.evaluation.stopping_score"
"""Imported by its name, so that the code of other runs, whose digest decides whether they are
trained again, has no scoring. The rule's parameter `stopping` has the digest of this one."""


def pick_training(snakemake: Any) -> dict[str, Any]:
    """A run's `parameters`, the `code` that decides its bits, and the `score` it may stop by.

    Only a run that may stop by a metric of its images has a score.
    """
    parameters, code = json.loads(snakemake.params.parameters), snakemake.params.code
    stopping = json.loads(snakemake.params.get("stopping", "{}"))
    if not stopping:
        return {"parameters": parameters, "code": code}
    score = import_module(SCORING).load_score(
        stopping,
        network_file=snakemake.input.network,
        features_file=snakemake.input.features,
        **pick_execution(snakemake, "weights"),
    )
    return {"parameters": parameters, "code": code + stopping["code"], "score": score}
