"""Rule `report`: the whole study's tables, figures and page."""

import json
from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.report.origins import check_origins
from ganbench.report.report import write_report

with extensible_job(snakemake):
    inputs = {name: [Path(file) for file in files] for name, files in snakemake.input.items()}
    del inputs["page"]  # the templates, which the library finds itself
    # a parameter, since Snakemake does not count its benchmark files as outputs of their jobs
    inputs["benchmarks"] = [Path(file) for file in snakemake.params.benchmarks]
    inputs["declared"] = [Path(snakemake.params.declared)]  # older results have none
    study = json.loads(snakemake.params.study)
    check_origins(study, inputs.pop("records"))
    write_report(
        study=study,
        inputs=inputs,
        folder=Path(snakemake.output.report).parent,
        processes=snakemake.threads,
    )
