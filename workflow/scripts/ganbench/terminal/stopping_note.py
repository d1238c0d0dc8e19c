"""What early stopping costs a study, in one sentence before it starts."""

from collections.abc import Mapping
from typing import Any

from ganbench.terminal.forecast import predict_stopping
from ganbench.wording import number

MUCH = 1.0
"""The share of a run's training time above which its early stopping is called expensive."""


def describe_stopping(study: Mapping[str, Any]) -> str:
    """The cost of early stopping where it is highest; '' where no run of a study may stop."""
    shares = {
        (dataset, variant): predict_stopping(study, dataset, variant, on_gpu=False)
        for dataset, variants in study["runs"].items()
        for variant, parameters in variants.items()
        if parameters["stop"]
    }
    if not shares:
        return ""
    dataset, variant = run = max(shares, key=shares.__getitem__)
    parameters, share = study["runs"][dataset][variant], shares[run]
    text = (
        f"training.stop: measuring {parameters['stop']['metric']} at every snapshot makes training "
        f"up to {number(1 + share, 2)} times as long ({variant} on {dataset})"
    )
    if share <= MUCH:
        return f"{text}."
    return (
        f"{text}; found {parameters['snapshots']} snapshots in {parameters['steps']} steps, fewer "
        "snapshots or more steps cost less."
    )
