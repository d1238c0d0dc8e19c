"""Rule `evaluate`: every metric of every snapshot of one run."""

from pathlib import Path

from ganbench.evaluation import score_run
from ganbench.jobs import job

with job(snakemake.log[0], snakemake.input):
    score_run(
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        extractor=snakemake.params.extractor,
        samples=snakemake.params.samples,
        snapshots_file=Path(snakemake.input.snapshots),
        network_file=Path(snakemake.input.network),
        features_file=Path(snakemake.input.features),
        data_file=Path(snakemake.input.data),
        gap=snakemake.params.gap,
        scores_file=Path(snakemake.output.scores),
    )
