"""`verify`: repeats a part of a published study, by the script beside what was published."""

import argparse
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ganbench.jobs.code_digest import LIBRARY
from ganbench.jobs.errors import ActionableError

CHECKOUT = Path(LIBRARY).parents[2]


def verify_study(
    study: str, variants: Sequence[str] | None, seeds: Sequence[int] | None, cores: str
) -> int:
    """The exit status of a repetition of a published study; it has printed a line for each run.

    Without `variants` it is the first two, without `seeds` the first one. Raises ActionableError
    where the library lies in no checkout, and so beside nothing that was published.
    """
    script = CHECKOUT / "results/published/verify.py"
    if not script.is_file():
        raise ActionableError(
            f"verify: there is no {script}; what was published lies in a checkout of ganbench, so "
            "run it there: make verify"
        )
    spec = spec_from_file_location("verify", script)
    verify = module_from_spec(spec)
    spec.loader.exec_module(verify)
    options = argparse.Namespace(study=study, variants=variants, seeds=seeds, cores=cores)
    return verify.repeat_study(options)
