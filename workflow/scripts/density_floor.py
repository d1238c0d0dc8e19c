"""Rule `density_floor`: the scores of points of the true density."""

from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.evaluation.density_floor import make_density_floor

with extensible_job(snakemake):
    make_density_floor(
        snakemake.wildcards.dataset, snakemake.params.kind, Path(snakemake.output.floor)
    )
