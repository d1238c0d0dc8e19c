"""Rule `train`: one run."""

from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.jobs.records.adoption import adopt_results
from ganbench.jobs.records.recording import name_results, name_run, pick_execution
from ganbench.jobs.training_jobs import pick_training

with extensible_job(snakemake) as job:
    if not adopt_results(job, snakemake):
        from ganbench.training.loop import RunFiles, train  # here: it finds a GPU half opened

        train(
            **name_run(snakemake.wildcards),
            data_file=Path(snakemake.input.data),
            outputs=RunFiles(**name_results(snakemake.output)),
            log=job.log,
            checkpoint_folder=Path(snakemake.params.checkpoints),
            **pick_training(snakemake),
            **pick_execution(snakemake, "checkpoint_interval", "log_interval", "tensorboard"),
            **pick_execution(snakemake, "software", "declaration"),
        )
