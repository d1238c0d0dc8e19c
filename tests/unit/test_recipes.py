"""Recipes: what a shipped variant is trained by, what the page says of it, and earlier studies."""

import math

import pytest
from ganbench.catalogue.variants import VARIANTS
from ganbench.report.recipes import describe_recipes
from ganbench.study.resolve import resolve
from ganbench.study.schedules import factor
from ganbench.study.schema import StudyError

OWN = {"optimizer": {"name": "sgd", "lr": 0.3, "momentum": 0.5}, "discriminator_steps": 2}


def make_study(*variants: str, **changes) -> dict:
    study = {"study": "s", "datasets": {"mnist": {}}, "variants": {name: {} for name in variants}}
    return resolve({**study, **changes}, "s.yaml")


def find_runs(*variants: str, **changes) -> dict:
    return make_study(*variants, **changes)["runs"]["mnist"]


@pytest.mark.parametrize("name", VARIANTS)
def test_paper_recipe_of_a_shipped_variant_overrides_the_studys_training(name):
    run, training = find_runs(name, training=OWN)[name], VARIANTS[name]["training"]
    shipped = {key: value for key, value in training["optimizer"].items() if key != "momentum"}
    assert run["optimizer"] | shipped == run["optimizer"]
    assert run["discriminator_steps"] == training["discriminator_steps"]


@pytest.mark.parametrize("name", VARIANTS)
def test_equal_recipe_trains_a_shipped_variant_by_the_study_with_its_regularizers(name):
    run = find_runs(name, "minimax", training=OWN, recipe="equal")
    assert run[name]["optimizer"] == run["minimax"]["optimizer"]
    assert run[name]["optimizer"]["lr"] == 0.3
    assert run[name]["discriminator_steps"] == 2
    assert run[name]["schedule"] == {}
    assert set(run[name]["regularizers"]) == set(VARIANTS[name]["regularizers"])
    assert run[name]["objective"]["name"] == VARIANTS[name]["objective"]


def decay_by_the_authors(base: float, final: float, share: float) -> float:
    """`cosine_decay_with_warmup` of R3GAN's code, at a share of its length."""
    return base + (1 - 0.5 * (1 + math.cos(math.pi * share))) * (final - base)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 0.9])
def test_r3gan_follows_the_schedules_of_its_code_over_the_studys_budget(share):
    run = find_runs("r3gan", training={"steps": 1000, "ema": 0.999})["r3gan"]
    numbers = {
        "optimizer.lr": (run["optimizer"]["lr"], 2e-4, 5e-5),
        "optimizer.betas": (run["optimizer"]["betas"][1], 0.9, 0.99),
        "regularizers.r1.weight": (run["regularizers"]["r1"]["weight"], 1, 0.1),
        "regularizers.r2.weight": (run["regularizers"]["r2"]["weight"], 1, 0.1),
        "ema": (1, 0, 1),
    }
    assert set(run["schedule"]) == set(numbers)
    for key, (number, base, final) in numbers.items():
        value = number * factor(run["schedule"][key], 1 + round(1000 * share), 1000)
        assert value == pytest.approx(decay_by_the_authors(base, final, share)), key


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, {"ema"}),
        ({"sweep": {"training": {"optimizer.lr": [1e-4, 1e-3]}}}, {"ema"}),
        ({"variants": {"r3gan": {"training": {"optimizer": {"name": "sgd"}}}}}, {"ema", "betas"}),
    ],
)
def test_schedules_of_shipped_variants_are_for_the_numbers_that_a_run_has(changes, missing):
    study = make_study("r3gan", **changes)
    for run in study["runs"]["mnist"].values():
        keys = {key.split(".")[-1] for key in run["schedule"]}
        assert keys == {"lr", "betas", "weight", "ema"} - missing
    keys = ("study", "variants", "training", "recipe")
    again = resolve({key: study[key] for key in keys} | {"datasets": {"mnist": {}}}, "s.yaml")
    assert again["runs"]["mnist"]["r3gan"] == study["runs"]["mnist"]["r3gan"]


def test_schedule_that_a_study_writes_for_a_shipped_variant_needs_its_number():
    variants = {"r3gan": {"training": {"schedule": {"ema": {"warm_up": 0.1}}}}}
    with pytest.raises(
        StudyError, match=r"schedule\.ema \(r3gan on mnist\): the run does not have"
    ):
        make_study(variants=variants)
    run = find_runs(variants=variants, training={"ema": 0.9})["r3gan"]
    assert run["schedule"]["ema"] == {"kind": "constant", "warm_up": 0.1}


def test_equal_recipe_keeps_what_the_variant_itself_says():
    variants = {"wgan_gp": {"training": {"discriminator_steps": 7}}}
    run = find_runs(training=OWN, recipe="equal", variants=variants)["wgan_gp"]
    assert (run["discriminator_steps"], run["optimizer"]["name"]) == (7, "sgd")


def test_recipe_of_another_name_is_refused():
    with pytest.raises(StudyError, match=r"recipe: found 'fair'"):
        make_study("minimax", recipe="fair")


@pytest.mark.parametrize("recipe", ["paper", "equal"])
def test_resolved_study_resolves_to_the_same_runs(recipe):
    study = make_study("wgan_gp", "sngan", "minimax", recipe=recipe, training=OWN)
    keys = ("study", "variants", "training", "recipe")
    again = resolve({key: study[key] for key in keys} | {"datasets": {"mnist": {}}}, "s.yaml")
    assert again["runs"] == study["runs"]


def test_defaults_are_the_recipe_of_dcgan():
    run = find_runs("minimax")["minimax"]
    dcgan = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}
    assert {key: run["optimizer"][key] for key in dcgan} == dcgan
    assert (run["latent"], run["discriminator_steps"]) == ({"size": 100, "prior": "normal"}, 1)
    assert run["network"]["name"] == "dcgan"
    assert run["network"]["discriminator_norm"] == "batch"


def test_norms_of_discriminators_are_in_the_runs_and_on_the_page():
    study = make_study("minimax", "hinge", "wgan_gp", "sngan", "wgan_clip")
    runs = study["runs"]["mnist"]
    norms = {name: run["network"]["discriminator_norm"] for name, run in runs.items()}
    batch, none = ("minimax", "hinge", "wgan_clip"), ("wgan_gp", "sngan")
    assert norms == dict.fromkeys(batch, "batch") | dict.fromkeys(none, "none")
    first, *sentences = describe_recipes(study)
    assert first.startswith("Shipped variants have the optimizer and the updates of D of their")
    assert [sentence.split(" on mnist: ")[0] for sentence in sentences] == [
        "minimax, hinge",
        "wgan_gp",
        "sngan",
        "wgan_clip",
    ]
    assert sentences[0].endswith(
        "dcgan of width 64, batch normalisation in both; 100 normal latents; Adam, learning rate "
        "0.0002, β 0.5 and 0.999; 1 update of D a step; batches of 64."
    )
    assert "batch normalisation in G, no normalisation in D;" in sentences[1]
    assert "Adam, learning rate 0.0001, β 0 and 0.9; 5 updates of D a step" in sentences[1]
    assert "RMSProp, learning rate 0.00005; 5 updates of D a step" in sentences[3]


def test_page_says_when_all_variants_are_trained_alike():
    first, second = describe_recipes(make_study("minimax", "wgan_clip", recipe="equal"))
    assert first.startswith("All variants are trained by the study’s own settings")
    assert second.startswith("all variants on mnist: dcgan of width 64")


def test_page_says_where_the_players_have_other_optimizers():
    optimizer = {"lr": 1e-4, "discriminator": {"lr": 4e-4}}
    _, text = describe_recipes(make_study("minimax", training={"optimizer": optimizer}))
    assert (
        "Adam, learning rate 0.0001, β 0.5 and 0.999 in G, "
        "Adam, learning rate 0.0004, β 0.5 and 0.999 in D;" in text
    )


def test_page_says_the_optimizer_of_each_player_where_they_differ():
    generator = {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True}
    training = {"optimizer": {"name": "adamw", "weight_decay": 0.2, "generator": generator}}
    _, sentence = describe_recipes(make_study("minimax", training=training))
    assert (
        "SGD, learning rate 0.1, Nesterov momentum 0.9 in G, "
        "AdamW, learning rate 0.0002, β 0.5 and 0.999, weight decay 0.2 in D;"
    ) in sentence
