"""Rule `extractor`: the extractor, the features of real images, and their floor."""

from pathlib import Path

from ganbench.catalogue.plugin_jobs import extensible_job
from ganbench.jobs.records.recording import name_results

with extensible_job(snakemake) as job:
    # here, so that it finds a GPU half opened
    from ganbench.evaluation.reference import ReferenceFiles, make_reference

    make_reference(
        dataset=snakemake.wildcards.dataset,
        extractor=snakemake.wildcards.extractor,
        # not a parameter: the path of verified weights changes no result
        weights=snakemake.config["execution"]["weights"],
        sha256=snakemake.params.get("sha256", ""),
        samples=snakemake.params.samples,
        device=snakemake.params.device,
        stacked=snakemake.params.stacked,
        data_file=Path(snakemake.input.data),
        outputs=ReferenceFiles(**name_results(snakemake.output)),
        log=job.log,
    )
