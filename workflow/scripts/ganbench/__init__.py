"""The library behind the workflow. It knows nothing of Snakemake and imports without installing."""
