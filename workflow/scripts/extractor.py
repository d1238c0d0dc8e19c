"""Rule `extractor`: the network of the metrics, real images' features and their floor."""

from pathlib import Path

from ganbench.evaluation import Reference, make_reference
from ganbench.jobs import job

with job(snakemake.log[0], snakemake.input):
    make_reference(
        dataset=snakemake.wildcards.dataset,
        extractor=snakemake.wildcards.extractor,
        samples=snakemake.params.samples,
        device=snakemake.params.device,
        data_file=Path(snakemake.input.data),
        outputs=Reference(**{name: Path(file) for name, file in snakemake.output.items()}),
    )
