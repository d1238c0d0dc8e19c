"""Rule `prepare`: one dataset's splits, card and a picture of it."""

import json
from pathlib import Path

from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.jobs.job import job

name = snakemake.wildcards.dataset
with job(snakemake.log[0]) as log:
    prepare(
        name=name,
        # where a published dataset lies is not a parameter of the rule: its digests are checked
        dataset={
            "source": snakemake.config["execution"]["sources"][name],
            **json.loads(snakemake.params.dataset),
        },
        needs_classes=snakemake.params.needs_classes,
        outputs=DatasetFiles(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
    )
