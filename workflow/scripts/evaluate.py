"""Rule `evaluate`: every metric of every snapshot of one run."""

from pathlib import Path

from ganbench.evaluation.score import score_run
from ganbench.jobs.job import find_gpu_plan, job

with job(snakemake.log[0], snakemake.input, find_gpu_plan(snakemake)):
    score_run(
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
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
