"""Rule `density_floor`: the scores of points of the true density."""

from pathlib import Path

from ganbench.evaluation.density_floor import make_density_floor
from ganbench.jobs.records.recording import recorded_job

with recorded_job(snakemake):
    make_density_floor(
        snakemake.wildcards.dataset, snakemake.params.kind, Path(snakemake.output.floor)
    )
