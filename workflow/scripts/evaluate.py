"""Rule `evaluate`: every metric of every snapshot of one run."""

from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.jobs.records.adoption import adopt_results
from ganbench.jobs.records.recording import name_run, pick_parameters

with extensible_job(snakemake) as job:
    if not adopt_results(job, snakemake):
        from ganbench.evaluation.score import score_run  # here, so that it finds a GPU half opened

        score_run(
            **name_run(snakemake.wildcards),
            weights=snakemake.config["execution"]["weights"],
            **pick_parameters(snakemake, "extractor", "samples", "repeats", "gap", "batch_norm"),
            snapshots_file=Path(snakemake.input.snapshots),
            network_file=Path(snakemake.input.network),
            features_file=Path(snakemake.input.features),
            data_file=Path(snakemake.input.data),
            scores_file=Path(snakemake.output.scores),
            nearest_file=Path(snakemake.output.nearest),
            nearest_table=Path(snakemake.output.nearest_table),
        )
