"""Rule `density_floor`: what points of the true density score."""

from pathlib import Path

from ganbench.evaluation.density_floor import make_density_floor
from ganbench.jobs.job import job

with job(snakemake.log[0]):
    make_density_floor(
        snakemake.wildcards.dataset, snakemake.params.kind, Path(snakemake.output.floor)
    )
