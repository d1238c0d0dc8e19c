"""Rule `train`: one run."""

import json
from pathlib import Path

from ganbench.jobs import gpu_slots, job
from ganbench.training import Checkpoints, Outputs, train

with job(snakemake.log[0], snakemake.input, gpu_slots(snakemake)) as log:
    train(
        parameters=json.loads(snakemake.params.parameters),
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.data),
        outputs=Outputs(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
        checkpoints=Checkpoints(
            Path(snakemake.params.checkpoints), snakemake.config.get("checkpoint_interval"), log
        ),
        code=snakemake.params.code,
        # no parameter of the rule, like the interval above: it changes no result
        log_interval=float(snakemake.config.get("log_interval", 10)),
    )
