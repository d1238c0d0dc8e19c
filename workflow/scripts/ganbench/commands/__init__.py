"""What `python -m ganbench` can do beside `snakemake`: all that runs no study, one file each."""
