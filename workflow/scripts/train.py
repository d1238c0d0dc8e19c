"""Rule `train`: one run."""

import json
from pathlib import Path

from ganbench.jobs import gpu_slots, job
from ganbench.training import Outputs, train

with job(snakemake.log[0], snakemake.input, gpu_slots(snakemake)) as log:
    train(
        parameters=json.loads(snakemake.params.parameters),
        dataset=snakemake.wildcards.dataset,
        variant=snakemake.wildcards.variant,
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.data),
        outputs=Outputs(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
        # not a parameter of the rule: it changes no result
        log_interval=float(snakemake.config.get("log_interval", 10)),
    )
