"""What each optimizer reads of its options, without torch, so that a study can be checked."""

from collections.abc import Mapping
from typing import Any

PLAYERS = ("discriminator", "generator")
"""The two players, each of which may have options of its own."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "adam": ("betas", "eps"),
    "adamw": ("betas", "eps", "weight_decay"),
    "rmsprop": ("momentum", "eps"),
    "sgd": ("momentum", "nesterov"),
}
"""The options of each optimizer, by its name in a study, besides `name` and `lr`."""

WEIGHT_DECAY = 0.01
"""The weight decay of `adamw` in a study that sets none, as in torch."""


def is_read(option: str, name: str) -> bool:
    """Whether the optimizer of this name reads an option."""
    return option in ("name", "lr") or option in OPTIONS[name]


def select_player(optimizer: Mapping[str, Any], player: str) -> dict[str, Any]:
    """The options of one player's optimizer, of a run's resolved `optimizer`."""
    common = {key: value for key, value in optimizer.items() if key not in PLAYERS}
    return {**common, **optimizer.get(player, {})}


def name_optimizers(optimizer: Mapping[str, Any]) -> str:
    """The name of both players' optimizer, or both names: `adam and sgd`."""
    names = (select_player(optimizer, player)["name"] for player in PLAYERS)
    return " and ".join(dict.fromkeys(names))
