"""BEGAN: the auto-encoder, the number k that balances it, and what a study may ask of it."""

from dataclasses import replace

import pytest
import torch
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.formula.language import FormulaError
from ganbench.networks.began import BEGANDiscriminator, BEGANGenerator
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from ganbench.theory.derivation import derive
from ganbench.training.run import start_run
from ganbench.training.step import adversarial_step
from torch import nn
from training_example import PIXELS, resolve_run

BEGAN = {"objective": "began", "network": {"name": "began", "width": 4}}


def make_study(variants: dict, **changes) -> dict:
    return resolve({"study": "s", "datasets": {"digits": {}}, "variants": variants, **changes}, "s")


@pytest.mark.parametrize(("side", "smallest"), [(8, 4), (16, 8), (28, 7), (32, 8), (64, 8)])
def test_networks_halve_until_eight_pixels_and_widen_by_n_at_each(side, smallest):
    generator = BEGANGenerator(5, (3, side, side), width=4, norm="none")
    discriminator = BEGANDiscriminator((3, side, side), width=4, norm="none")
    assert generator(torch.randn(2, 5)).shape == (2, 3, side, side)
    levels = (side // smallest).bit_length()
    halving = [layer for layer in discriminator.modules() if getattr(layer, "stride", 0) == (2, 2)]
    assert [layer.out_channels for layer in halving] == [
        4 * level for level in range(2, levels + 1)
    ]
    decoders = (generator.layers, discriminator.decoder)
    for decoder in decoders:
        convolutions = [layer for layer in decoder if isinstance(layer, nn.Conv2d)]
        assert [layer.out_channels for layer in convolutions] == [4] * (2 * levels) + [3]
        assert decoder[0].out_features == 4 * smallest**2


def test_discriminator_gives_the_mean_absolute_error_of_each_image():
    torch.manual_seed(0)
    discriminator = BEGANDiscriminator((1, 8, 8), width=4, norm="none")
    images = torch.rand(3, 1, 8, 8) * 2 - 1
    rebuilt = discriminator.decoder(discriminator.encoder(images))
    expected = [(image - other).abs().mean() for image, other in zip(images, rebuilt, strict=True)]
    torch.testing.assert_close(discriminator(images), torch.stack(expected))


@pytest.mark.parametrize("updates", ["alternating", "extragradient"])
def test_k_moves_after_every_step_as_the_paper_says(updates):
    parameters = resolve_run(**BEGAN, updates=updates, optimizer={"lr": 1e-3})
    parameters["objective"]["constants"] = {"gamma": 0.7, "gain": 0.5}
    run, k = start_run(parameters, "digits", 0, PIXELS), 0.0
    values = []
    for _ in range(8):
        losses = run.take_step()
        real, fake = losses.real.mean().item(), losses.fake.mean().item()
        assert losses.discriminator.item() == pytest.approx(real - k * fake, abs=1e-6)
        assert losses.generator.item() == pytest.approx(losses.generator_fake.mean().item())
        k = min(1.0, max(0.0, k + 0.5 * (0.7 * real - losses.generator_fake.mean().item())))
        assert run.game.balance.state["k"].item() == pytest.approx(k, abs=1e-6)
        values.append(k)
    assert max(values) > 0.01
    assert len(set(values)) > 2


def test_k_stays_between_zero_and_one():
    parameters = resolve_run(**BEGAN)
    run = start_run(parameters, "digits", 0, PIXELS)
    balance, one = run.game.balance, torch.ones(4)
    for real, fake, expected in ((1e6, 0, 1.0), (0, 1e6, 0.0)):
        balance.update(real * one, fake * one)
        assert balance.state["k"].item() == expected


def test_losses_read_the_k_of_the_moment_where_it_lies():
    run = start_run(resolve_run(**BEGAN), "digits", 0, PIXELS)
    loss, ones = run.game.discriminator.loss, torch.ones(4)
    place = run.game.balance.state["k"].data_ptr()
    assert loss(2 * ones, ones).item() == 2
    run.game.balance.state["k"].fill_(0.25)
    assert loss(2 * ones, ones).item() == 1.75
    adversarial_step(replace(run.game, average=None), 1)
    assert run.game.balance.state["k"].data_ptr() == place


def test_objective_of_a_study_may_have_numbers_of_its_own_that_move():
    objective = {
        "discriminator": "r - strength * f + 0 * other",
        "generator": "f",
        "constants": {"gain": 0.1},
        "balance": {"strength": "gain", "other": "strength - other"},
    }
    variants = {"mine": {"training": {"network": {"name": "began", "width": 4}}}}
    run = make_study(variants, objectives={"mine": objective})["runs"]["digits"]["mine"]
    assert run["objective"]["balance"] == objective["balance"]
    game = start_run({**run, "device": "cpu"}, "digits", 0, PIXELS).game
    for _ in range(2):
        game.balance.update(torch.ones(2), torch.ones(2))
    state = {name: value.item() for name, value in game.balance.state.items()}
    assert state == pytest.approx({"strength": 0.2, "other": 0.1})  # moved at the same time


def test_gamma_of_the_shipped_objective_can_be_set():
    study = make_study({"began": {}}, objectives={"began": {"constants": {"gamma": 0.7}}})
    assert study["runs"]["digits"]["began"]["objective"]["constants"]["gamma"] == 0.7


def test_objectives_without_such_numbers_have_the_parameters_that_they_had():
    run = make_study({"minimax": {}})["runs"]["digits"]["minimax"]
    assert set(run["objective"]) == {"name", "discriminator", "generator", "constants"}


def test_equal_recipe_leaves_began_the_network_that_it_needs():
    run = make_study({"began": {}, "hinge": {}}, recipe="equal")["runs"]["digits"]
    assert run["began"]["network"]["name"] == "began"
    assert run["began"]["optimizer"] == run["hinge"]["optimizer"]
    assert run["hinge"]["network"]["name"] == "dcgan"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"variants": {"began": {"training": {"network": {"name": "dcgan"}}}}},
            r"network\.name \(began on digits\): found 'dcgan', expected began with .* whose k bal",
        ),
        (
            {"datasets": {"ring": {"kind": "gaussian_ring"}}, "variants": {"began": {}}},
            r"objective \(began on ring\): began balances .* images by k, and .* points; remove",
        ),
        (
            {"variants": {"began": {"regularizers": {"top_k": {}}}}},
            r"regularizers\.top_k \(began on digits\): .* the f of began are errors, .*; remove it",
        ),
        (
            {"variants": {"began": {"training": {"augment": {"name": "ada"}}}}},
            r"found 'ada', expected 'none'",
        ),
    ],
)
def test_what_began_cannot_be_trained_with_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        make_study(**{"variants": {}} | changes)


@pytest.mark.parametrize(
    ("balance", "message"),
    [
        ({"r": "f"}, r"balance: .*'r' cannot be the name of a number that moves"),
        ({"mean": "f"}, r"balance: .*'mean' cannot be the name"),
        ({"gain": "f"}, r"balance: .*'gain' cannot be the name"),
        ({"2k": "f"}, r"balance: .*'2k' cannot be the name"),
        ({"k": "q * f"}, r"balance of k: 'q \* f', column 1: unknown name 'q'"),
    ],
)
def test_rule_of_a_number_that_moves_is_checked_with_its_place(balance, message):
    definition = {"discriminator": "r - f", "generator": "f", "constants": {"gain": 1}}
    with pytest.raises(FormulaError, match=rf"^objective 'mine', {message}"):
        read_objective("mine", {**definition, "balance": balance})


def test_theory_says_why_began_has_no_pointwise_optimum():
    theory = derive("began", OBJECTIVES["began"])
    assert not theory["solvable"]
    assert theory["why_not"] == (
        "the formula has k, which moves while training, so there is no one game whose optimum "
        "could be derived"
    )
