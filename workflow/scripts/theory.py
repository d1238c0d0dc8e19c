"""Rule `theory`: what can be derived of one objective from its two formulas."""

import json
from pathlib import Path

from ganbench import files, theory
from ganbench.jobs import job

with job(snakemake.log[0]):
    definition = json.loads(snakemake.params.objective)
    derived = theory.derive(snakemake.wildcards.objective, definition)
    files.write_json(Path(snakemake.output.theory), derived)
