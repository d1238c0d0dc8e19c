"""What `python -m ganbench` can do beside `snakemake`: plan seeds, look at a study, watch it."""
