"""How the variants of a study are trained: what the page's methods say of networks and recipes."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.optimizer_options import PLAYERS, select_player
from ganbench.wording import number

RECIPES = {
    "paper": (
        "Shipped variants have the optimizer and the updates of D of their papers; everything else "
        "is the study’s."
    ),
    "equal": "All variants are trained by the study’s own settings; regularizers are kept.",
}
"""What a study's `recipe` means."""

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSProp", "sgd": "SGD"}

NORMS = {"none": "no normalisation", "batch": "batch normalisation", "layer": "layer normalisation"}

MOMENTS = {
    "running": "the running moments of their training, the default of compare_gan and StudioGAN",
    "standing": "standing moments, the means over 100 batches of the weights that are scored",
    "batch": "the moments of each batch, of the size that they were trained in",
}
"""The kinds of `evaluation.batch_norm`, for generators with batch normalisation."""


def describe_recipes(study: Mapping[str, Any]) -> list[str]:
    """A sentence on the study's recipe, then one for each set of variants with equal settings."""
    groups = [f"{names} on {dataset}: {text}." for dataset, names, text in group_settings(study)]
    return [RECIPES[study["recipe"]], *groups]


def group_settings(study: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each dataset with the names of variants that are trained alike, and their settings."""
    groups: dict[tuple[str, str], list[str]] = {}
    for dataset, runs in study["runs"].items():
        for variant in study["variants"]:
            groups.setdefault((dataset, _describe_run(runs[variant])), []).append(variant)
    return [
        (
            dataset,
            "all variants" if len(names) == len(study["variants"]) else ", ".join(names),
            text,
        )
        for (dataset, text), names in groups.items()
    ]


def describe_moments(study: Mapping[str, Any]) -> list[str]:
    """A sentence on how generators with batch normalisation are scored, if the study has any."""
    runs = [run for runs in study["runs"].values() for run in runs.values()]
    normalised = [run for run in runs if run["network"]["generator_norm"] == "batch"]
    kind = study["evaluation"]["batch_norm"]
    if not normalised:
        return []
    sentence = f"Generators with batch normalisation are scored by {MOMENTS[kind]}."
    if kind == "running" and any(run["ema"] for run in normalised):
        sentence += " Averaged generators (ema) have those of the weights that were trained."
    return [sentence]


def _describe_run(run: Mapping[str, Any]) -> str:
    """Networks, latents, optimizer and updates of a run, in words."""
    network, latent, updates = run["network"], run["latent"], run["discriminator_steps"]
    norms = [NORMS[network[f"{player}_norm"]] for player in ("generator", "discriminator")]
    norms = f"{norms[0]} in both" if norms[0] == norms[1] else f"{norms[0]} in G, {norms[1]} in D"
    return "; ".join(
        [
            f"{network['name']} of width {network['width']}, {norms}",
            f"{latent['size']} {latent['prior']} latents",
            _describe_optimizers(run["optimizer"]),
            f"{updates} update{'s' if updates > 1 else ''} of D a step",
            f"batches of {run['batch_size']}",
        ]
    )


def _describe_optimizers(optimizer: Mapping[str, Any]) -> str:
    players = {player: select_player(optimizer, player) for player in PLAYERS}
    texts = {player: _describe_optimizer(options) for player, options in players.items()}
    if len(set(texts.values())) == 1:
        return texts["generator"]
    return f"{texts['generator']} in G, {texts['discriminator']} in D"


def _describe_optimizer(optimizer: Mapping[str, Any]) -> str:
    name = OPTIMIZERS.get(optimizer["name"], optimizer["name"])
    options = [f"learning rate {number(optimizer['lr'])}"]
    if optimizer["name"].startswith("adam"):
        options.append(f"β {' and '.join(map(number, optimizer['betas']))}")
    elif optimizer["momentum"]:
        kind = "Nesterov momentum" if optimizer.get("nesterov") else "momentum"
        options.append(f"{kind} {number(optimizer['momentum'])}")
    if "weight_decay" in optimizer:
        options.append(f"weight decay {number(optimizer['weight_decay'])}")
    return f"{name}, {', '.join(options)}"
