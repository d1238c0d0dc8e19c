"""A job that may use parts of plugins."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganbench.catalogue.plugins import register_plugins
from ganbench.jobs.records.recording import RecordedJob, recorded_job


@contextmanager
def extensible_job(snakemake: Any) -> Iterator[RecordedJob]:
    """What `recorded_job` does, with the parts of the study's plugins in the catalogues.

    The plugins' code runs only where one of their parts is used.
    """
    with recorded_job(snakemake) as recorded:
        register_plugins(snakemake.config["execution"]["plugins"])
        yield recorded
