"""Rule `train`: one run."""

import json
from pathlib import Path

from ganbench.jobs.job import find_gpu_plan, job

execution = snakemake.config["execution"]
with job(snakemake.log[0], snakemake.input, find_gpu_plan(snakemake)) as log:
    # here, so that they find a GPU half opened
    from ganbench.training.loop import train
    from ganbench.training.records import RunFiles

    train(
        parameters=json.loads(snakemake.params.parameters),
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.data),
        outputs=RunFiles(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
        checkpoint_folder=Path(snakemake.params.checkpoints),
        code=snakemake.params.code,
        **{key: execution[key] for key in ("checkpoint_interval", "log_interval", "software")},
    )
