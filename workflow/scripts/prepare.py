"""Rule `prepare`: the splits of one dataset, its card and a picture of examples."""

import json

from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.jobs.records.recording import name_results, recorded_job

name = snakemake.wildcards.dataset
with recorded_job(snakemake) as job:
    prepare(
        name=name,
        # not a parameter of the rule: a published dataset is verified wherever it lies
        dataset={
            **json.loads(snakemake.params.dataset),
            "source": snakemake.config["execution"]["sources"][name],
        },
        needs_classes=snakemake.params.needs_classes,
        outputs=DatasetFiles(**name_results(snakemake.output)),
        log=job.log,
    )
