"""Rule `theory`: what can be derived of one objective from its two formulas."""

import json
from pathlib import Path

from ganbench.jobs import files
from ganbench.jobs.job import job
from ganbench.theory.derivation import derive

with job(snakemake.log[0]):
    definition = json.loads(snakemake.params.objective)
    derived = derive(snakemake.wildcards.objective, definition)
    files.write_json(Path(snakemake.output.theory), derived)
