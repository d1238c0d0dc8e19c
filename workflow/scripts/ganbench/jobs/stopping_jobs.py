"""What the rule `train` is given where a run may stop by a metric of its images."""

import json
from importlib import import_module
from typing import Any

from ganbench.jobs.records.recording import pick_execution

SCORING = "ganbench.evaluation.stopping_score"
"""Imported by its name, so that the code of other runs, whose digest decides whether they are
trained again, has no scoring. The rule's parameter `stopping` has the digest of this one."""


def pick_stopping(snakemake: Any) -> dict[str, Any]:
    """The `score` by which a run may stop, if it needs one, and the `code` that decides bits."""
    stopping, code = json.loads(snakemake.params.get("stopping", "{}")), snakemake.params.code
    if not stopping:
        return {"code": code}
    score = import_module(SCORING).load_score(
        stopping,
        network_file=snakemake.input.network,
        features_file=snakemake.input.features,
        **pick_execution(snakemake, "weights"),
    )
    return {"code": code + stopping["code"], "score": score}
