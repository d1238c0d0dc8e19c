"""Rule `prepare`: one dataset's splits and card."""

from pathlib import Path

from ganbench.datasets import prepare
from ganbench.jobs import job

with job(snakemake.log[0]):
    prepare(
        snakemake.wildcards.dataset,
        snakemake.params.kind,
        Path(snakemake.output.data),
        Path(snakemake.output.card),
    )
