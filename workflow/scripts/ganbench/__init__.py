"""ganbench: the library behind the workflow. No Snakemake in it; imports without install."""
