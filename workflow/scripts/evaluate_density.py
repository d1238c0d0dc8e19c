"""Rule `evaluate_density`: every metric of every snapshot of one run on a known density."""

from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.evaluation.score_density import score_density_run
from ganbench.jobs.records.adoption import adopt_results
from ganbench.jobs.records.recording import name_run

with extensible_job(snakemake) as job:
    if not adopt_results(job, snakemake):
        score_density_run(
            **name_run(snakemake.wildcards),
            kind=snakemake.params.kind,
            repeats=snakemake.params.repeats,
            batch_norm=snakemake.params.batch_norm,
            snapshots_file=Path(snakemake.input.snapshots),
            scores_file=Path(snakemake.output.scores),
            maps_file=Path(snakemake.output.maps),
        )
