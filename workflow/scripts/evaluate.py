"""Rule `evaluate`: every metric of every snapshot of one run."""

from pathlib import Path

from ganbench.evaluation.score import score_run
from ganbench.jobs.adoption import adopt_results
from ganbench.jobs.recording import name_run, recorded_job

with recorded_job(snakemake) as job:
    if not adopt_results(job, snakemake):
        score_run(
            **name_run(snakemake.wildcards),
            extractor=snakemake.params.extractor,
            weights=snakemake.config["execution"]["weights"],
            samples=snakemake.params.samples,
            repeats=snakemake.params.repeats,
            snapshots_file=Path(snakemake.input.snapshots),
            network_file=Path(snakemake.input.network),
            features_file=Path(snakemake.input.features),
            data_file=Path(snakemake.input.data),
            gap=snakemake.params.gap,
            scores_file=Path(snakemake.output.scores),
            nearest_file=Path(snakemake.output.nearest),
        )
