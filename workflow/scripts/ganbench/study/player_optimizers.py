"""The optimizers of a run's two players, from the levels of a study that say something of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganbench.catalogue.optimizer_options import OPTIONS, PLAYERS, WEIGHT_DECAY, is_read
from ganbench.study.schema import StudyError, load_schema, merge

Options = Mapping[str, Any]


def override_training(below: Options, above: Options) -> dict[str, Any]:
    """A `training` overridden by another one, which may not be checked yet.

    Groups are merged, with three exceptions. An option that `above` gives to both players counts
    over one that `below` gives to one of them. Where `above` names an optimizer, it takes nothing
    of `below` that this one does not read. A schedule is replaced as a whole.
    """
    merged = merge(below, above)
    for key, override in (("optimizer", _override_optimizer), ("schedule", _override_schedule)):
        if isinstance(below.get(key), Mapping) and isinstance(above.get(key), Mapping):
            merged[key] = override(below[key], above[key])
    return merged


def write_defaults(defaults: Options, study: Options, dataset: Options) -> dict[str, Any]:
    """A dataset's `training` with those `defaults` of its type that differ from those of images.

    They are written a level above the study's own options of single players, and do not count over
    them. So these are repeated.
    """
    optimizer = defaults.get("optimizer", {})
    players = {player: own for player, own in study["optimizer"].items() if player in PLAYERS}
    repeated = {**defaults, "optimizer": {**optimizer, **players}} if optimizer else defaults
    return merge(defaults, override_training(repeated, dataset))


def _override_optimizer(below: Options, above: Options) -> dict[str, Any]:
    common = {key: value for key, value in above.items() if key not in PLAYERS}
    kept = _drop_unread(below, common.get("name"))
    for player in PLAYERS:
        if not isinstance(kept.get(player), Mapping):
            continue
        own = {key: value for key, value in kept[player].items() if key not in common}
        names = above.get(player)
        name = names.get("name") if isinstance(names, Mapping) else None
        kept[player] = _drop_unread(own, name or common.get("name"))
    return merge(kept, above)


def _drop_unread(options: Options, name: Any) -> dict[str, Any]:
    """`options` without those that the optimizer of this name, if it is one, does not read."""
    if not isinstance(name, str) or name not in OPTIONS:
        return dict(options)
    return {key: value for key, value in options.items() if key in PLAYERS or is_read(key, name)}


def _override_schedule(below: Options, above: Options) -> dict[str, Any]:
    both = {f"optimizer.{player}.{key.partition('.')[2]}" for player in PLAYERS for key in above}
    return {key: value for key, value in below.items() if key not in both} | dict(above)


def resolve_optimizer(levels: Sequence[Options], run: str) -> dict[str, Any]:
    """The `optimizer` of a run: the options that count, and those of one player where they differ.

    `levels` are the `training` of the study with all defaults, of the dataset and of the variant.
    An option holds until a later level gives another value to this player or to both. Options that
    a player's optimizer does not read are left out. Raises StudyError if one of them was written
    for it: at the level that names the optimizer or at a later one, with another value than the
    default. `run` names the run in messages.
    """
    one, other = (_resolve_player(levels, player, run) for player in PLAYERS)
    return join_players(one, other)


def join_players(one: Options, other: Options) -> dict[str, Any]:
    """The options of the discriminator and the generator in one group, equal ones once."""
    common = {key: value for key, value in one.items() if key in other and other[key] == value}
    if common == one == other:
        return common
    differing = {
        player: {key: value for key, value in options.items() if key not in common}
        for player, options in zip(PLAYERS, (one, other), strict=True)
    }
    return {**common, **{player: options for player, options in differing.items() if options}}


def _resolve_player(levels: Sequence[Options], player: str, run: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    written: dict[str, str] = {}
    for prefix, group in _list_groups(levels, player):
        if group.get("name", options.get("name")) != options.get("name"):
            written = {}  # what was written before was meant for another optimizer
        options |= group
        written |= dict.fromkeys(group, prefix)
    name = options["name"]
    for key, prefix in written.items():
        if not is_read(key, name) and not _is_default(key, options[key]):
            _refuse_option(f"training.{prefix}.{key} ({run})", options[key], name, player)
    _check_nesterov(options, f"training.optimizer.nesterov ({run})")
    return keep_read(options)


def keep_read(options: Options) -> dict[str, Any]:
    """The options of one player that its optimizer reads, with a number for each of them."""
    kept = {key: value for key, value in options.items() if is_read(key, options["name"])}
    if "weight_decay" in kept and kept["weight_decay"] is None:
        kept["weight_decay"] = WEIGHT_DECAY
    return kept


def _list_groups(levels: Sequence[Options], player: str) -> Iterator[tuple[str, Options]]:
    """What the levels give to both players and to this one, in the order in which it counts."""
    for level in levels:
        optimizer = level.get("optimizer", {})
        yield "optimizer", {key: optimizer[key] for key in optimizer if key not in PLAYERS}
        own = optimizer.get(player, {})
        for nested in PLAYERS:
            if nested in own:
                raise StudyError(
                    f"training.optimizer.{player}.{nested}: found options of a player within "
                    f"those of the {player}; write them as training.optimizer.{nested}"
                )
        yield f"optimizer.{player}", own


def _is_default(option: str, value: Any) -> bool:
    part = load_schema()["$defs"]["optimizer"]["properties"][option]
    return value in (part["default"], part.get("x-points-default", part["default"]))


def _refuse_option(path: str, value: Any, name: str, player: str) -> None:
    reads = ", ".join(("lr", *OPTIONS[name]))
    raise StudyError(
        f"{path}: found {value}, but {name}, the optimizer of the {player}, reads only {reads}; "
        "remove the key, or write it beside the name of an optimizer that reads it"
    )


def _check_nesterov(options: Options, path: str) -> None:
    if options["name"] == "sgd" and options["nesterov"] and not options["momentum"]:
        raise StudyError(
            f"{path}: found true with a momentum of 0, expected a momentum above 0: Nesterov's "
            "gradient looks ahead along the momentum"
        )
