"""Rule `report`: the whole study's tables, figures and page."""

import json
from pathlib import Path

from ganbench.jobs.job import job
from ganbench.report.report import write_report

with job(snakemake.log[0], snakemake.input):
    inputs = {name: [Path(file) for file in files] for name, files in snakemake.input.items()}
    inputs.pop("page")  # the templates, which the library finds itself
    # a parameter, since Snakemake does not count its benchmark files as outputs of their jobs
    inputs["benchmarks"] = [Path(file) for file in snakemake.params.benchmarks]
    write_report(
        study=json.loads(snakemake.params.study),
        inputs=inputs,
        folder=Path(snakemake.output.report).parent,
        processes=snakemake.threads,
    )
