"""Rule `reference`: the runs of another study, checked by hash and copied."""

from pathlib import Path

from ganbench.jobs.records.recording import name_results, pick_parameters, recorded_job
from ganbench.references.take import ReferenceOutputs, take_reference

with recorded_job(snakemake):
    take_reference(
        source=Path(snakemake.params.reference_file),
        described=snakemake.params.described,
        **pick_parameters(snakemake, "sha256", "datasets"),
        prepare_records=[Path(file) for file in snakemake.input.data_records],
        extractor_cards=[Path(file) for file in snakemake.input.cards],
        outputs=ReferenceOutputs(**name_results(snakemake.output)),
    )
