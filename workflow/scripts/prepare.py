"""Rule `prepare`: one dataset's splits, card and a picture of it."""

import json
from pathlib import Path

from ganbench.datasets import Outputs, prepare
from ganbench.jobs import job

given = snakemake.config["datasets"][snakemake.wildcards.dataset] or {}
with job(snakemake.log[0]) as log:
    prepare(
        name=snakemake.wildcards.dataset,
        # where a published dataset lies is no parameter of the rule: its digests are checked
        dataset={"source": given.get("source", ""), **json.loads(snakemake.params.dataset)},
        needs_classes=snakemake.params.needs_classes,
        outputs=Outputs(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
    )
