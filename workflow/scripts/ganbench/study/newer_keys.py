"""Resolved studies of earlier versions, as today's version would have written them."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.optimizer_options import PLAYERS, select_player
from ganbench.study.player_optimizers import join_players, keep_read
from ganbench.study.schema import fill_defaults, load_schema


def complete_study(study: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved study with the defaults of keys that did not exist when it was resolved.

    Its runs lose the options that their optimizers do not read, as those of today do.
    """
    schema = load_schema()
    runs = {
        dataset: {variant: _complete_run(run) for variant, run in runs.items()}
        for dataset, runs in study.get("runs", {}).items()
    }
    return {**fill_defaults(study, schema, schema), "runs": runs}


def _complete_run(run: Mapping[str, Any]) -> dict[str, Any]:
    schema = load_schema()
    groups = schema["$defs"]
    sample_type = run["data"]["type"]
    training = fill_defaults(run, groups["training"], schema, sample_type)
    players = (keep_read(select_player(training["optimizer"], player)) for player in PLAYERS)
    return {
        **training,
        "regularizers": fill_defaults(run["regularizers"], groups["regularizers"], schema),
        "optimizer": join_players(*players),
    }
