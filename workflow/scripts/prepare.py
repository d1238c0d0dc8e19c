"""Rule `prepare`: the splits of one dataset, its card and a picture of examples."""

import json
from pathlib import Path

from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.jobs.job import job

name = snakemake.wildcards.dataset
with job(snakemake.log[0]) as log:
    prepare(
        name=name,
        # not a parameter of the rule: a published dataset is verified wherever it lies
        dataset={
            **json.loads(snakemake.params.dataset),
            "source": snakemake.config["execution"]["sources"][name],
        },
        needs_classes=snakemake.params.needs_classes,
        outputs=DatasetFiles(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
    )
