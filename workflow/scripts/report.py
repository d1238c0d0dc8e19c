"""Rule `report`: the whole study's tables, figures and page."""

import json
from pathlib import Path

from ganbench.jobs.recording import recorded_job
from ganbench.report.report import write_report

with recorded_job(snakemake):
    inputs = {name: [Path(file) for file in files] for name, files in snakemake.input.items()}
    del inputs["page"], inputs["records"]  # templates, which the library finds; for the check
    # a parameter, since Snakemake does not count its benchmark files as outputs of their jobs
    inputs["benchmarks"] = [Path(file) for file in snakemake.params.benchmarks]
    write_report(
        study=json.loads(snakemake.params.study),
        inputs=inputs,
        folder=Path(snakemake.output.report).parent,
    )
