"""Rule `extractor`: the network of the metrics, real images' features and their floor."""

from pathlib import Path

from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.jobs.job import gpu_slots, job

with job(snakemake.log[0], snakemake.input, gpu_slots(snakemake)) as log:
    make_reference(
        dataset=snakemake.wildcards.dataset,
        extractor=snakemake.wildcards.extractor,
        # where the weights lie changes no result: their digest is checked
        weights=snakemake.config["execution"]["weights"],
        samples=snakemake.params.samples,
        device=snakemake.params.device,
        data_file=Path(snakemake.input.data),
        outputs=ReferenceFiles(**{name: Path(file) for name, file in snakemake.output.items()}),
        log=log,
    )
