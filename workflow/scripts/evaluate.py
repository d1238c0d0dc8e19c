"""Rule `evaluate`: every metric of every snapshot of one run."""

from pathlib import Path

from ganbench.jobs.job import find_gpu_plan, job

with job(snakemake.log[0], snakemake.input, find_gpu_plan(snakemake)):
    from ganbench.evaluation.score import score_run  # here, so that it finds a GPU half opened

    score_run(
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        weights=snakemake.config["execution"]["weights"],
        **{name: snakemake.params[name] for name in ("extractor", "samples", "repeats", "gap")},
        snapshots_file=Path(snakemake.input.snapshots),
        network_file=Path(snakemake.input.network),
        features_file=Path(snakemake.input.features),
        data_file=Path(snakemake.input.data),
        scores_file=Path(snakemake.output.scores),
        nearest_file=Path(snakemake.output.nearest),
    )
