"""Resolved studies of earlier versions, in the words of this one."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.architectures import resolve_norms

FORMER_DCGAN = "dcgan_torch_init"
"""The architecture that was called `dcgan` before studies had a `recipe`."""


def translate_earlier(study: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved study of any version as this version resolves the same study.

    Before studies had a `recipe`, `dcgan` was today's `dcgan_torch_init`, and the norms of runs
    were not resolved. Studies of this version stay as they are.
    """
    if "recipe" in study:
        return dict(study)
    runs = {
        dataset: {name: _translate_run(run) for name, run in variants.items()}
        for dataset, variants in study["runs"].items()
    }
    return {**study, "recipe": "paper", "runs": runs} | {
        "training": _rename_network(study["training"])
    }


def _translate_run(run: Mapping[str, Any]) -> dict[str, Any]:
    renamed = _rename_network(run)
    return renamed | {"network": resolve_norms(renamed)}


def _rename_network(training: Mapping[str, Any]) -> dict[str, Any]:
    network = training["network"]
    name = FORMER_DCGAN if network["name"] == "dcgan" else network["name"]
    return {**training, "network": {**network, "name": name}}
