"""What `python -m ganbench` can do beside `snakemake`: plan seeds, and look at a study."""
