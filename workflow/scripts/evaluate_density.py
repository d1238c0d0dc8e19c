"""Rule `evaluate_density`: every metric of every snapshot of one run on a known density."""

from pathlib import Path

from ganbench.evaluation.score_density import score_density_run
from ganbench.jobs.job import find_gpu_plan, job

with job(snakemake.log[0], snakemake.input, find_gpu_plan(snakemake)):
    score_density_run(
        dataset=snakemake.wildcards.dataset,
        kind=snakemake.params.kind,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        repeats=snakemake.params.repeats,
        snapshots_file=Path(snakemake.input.snapshots),
        scores_file=Path(snakemake.output.scores),
        maps_file=Path(snakemake.output.maps),
    )
