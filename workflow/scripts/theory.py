"""Rule `theory`: derives the optimum, the divergence and the gradient of one objective."""

import json
from pathlib import Path

from ganbench.jobs import files
from ganbench.jobs.records.recording import recorded_job
from ganbench.theory.derivation import derive

with recorded_job(snakemake):
    definition = json.loads(snakemake.params.objective)
    theory = derive(snakemake.wildcards.objective, definition)
    files.write_json(Path(snakemake.output.theory), theory)
