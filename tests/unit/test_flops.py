"""Operations are counted as by hand, and counting costs a run nothing."""

import pytest
import torch
from ganbench.study import resolve as study
from ganbench.training.flops import count_flops
from project import tiny_study


def of(dataset="digits", **training):
    variants = training.pop("variants", {"minimax": {}})
    config = tiny_study(datasets={dataset: {}}, variants=variants, baseline=next(iter(variants)))
    config["training"] = {**config["training"], **training}
    config["evaluation"] = {}
    (parameters,) = study.resolve(config, "s")["runs"][dataset].values()
    return parameters


def test_mlp_by_hand():
    parameters = of(
        "mixture_1d", network={"name": "mlp", "width": 5}, latent={"size": 3}, batch_size=7
    )
    found = count_flops(parameters, (1,))
    forward = 2 * (3 * 5 + 5 * 5 + 5 * 5 + 5 * 1)
    judged = 2 * (1 * 5 + 5 * 5 + 5 * 5 + 5 * 1)
    assert (found["generator"], found["discriminator"]) == (forward, judged)
    # D: G forward on one batch; D forward on two, and back to its weights, and to all inputs but
    # the first layer's. G: both forward, back through D to its input and through G to its weights.
    back_d = 2 * judged - 2 * (1 * 5)
    discriminator = 7 * (forward + 2 * (judged + back_d))
    back_g = 2 * forward - 2 * (3 * 5)
    generator = 7 * (forward + judged + judged + back_g)
    assert found["step"] == discriminator + generator


def test_convolutions_by_hand():
    found = count_flops(of(network={"name": "dcgan", "width": 4}, latent={"size": 8}), (1, 8, 8))
    generator = 2 * (8 * 8 * 4) + 2 * (2 * 2) * (8 * 4 * 16) + 2 * (4 * 4) * (4 * 1 * 16)
    discriminator = 2 * (4 * 4) * (1 * 4 * 16) + 2 * (2 * 2) * (4 * 8 * 16) + 2 * (8 * 2 * 2)
    assert (found["generator"], found["discriminator"]) == (generator, discriminator)


def test_more_discriminator_updates_and_penalties_cost_more():
    plain = count_flops(of(), (1, 8, 8))["step"]
    twice = count_flops(of(discriminator_steps=2), (1, 8, 8))["step"]
    penalised = count_flops(of(variants={"minimax": {"regularizers": {"r1": {}}}}), (1, 8, 8))
    assert plain < twice < 2 * plain
    assert penalised["step"] > 1.2 * plain


def step_with(**regularizers) -> float:
    return count_flops(of(variants={"minimax": {"regularizers": regularizers}}), (1, 8, 8))["step"]


def test_penalty_by_hand():
    network, batch = {"name": "mlp", "width": 5}, 7
    plain, penalised = (
        count_flops(
            of("mixture_1d", variants={"minimax": given}, network=network, batch_size=batch), (1,)
        )["step"]
        for given in ({}, {"regularizers": {"r1": {}}})
    )
    first, middle, last = 1 * 5, 2 * 5 * 5, 5 * 1
    forth = back = first + middle + last
    # through the way back: to each weight, and to what came in from above but for the constant 1
    second_back = 2 * (first + middle) + last
    # through the way forth, by leaky ReLU's second derivative, which torch does not know to be 0
    second_forth = 2 * (first + middle)
    assert penalised - plain == 2 * batch * (forth + back + second_back + second_forth)


def test_lazy_penalties_cost_their_shares():
    plain = step_with()
    of_r1, of_r2 = (step_with(**{name: {}}) - plain for name in ("r1", "r2"))
    lazy = step_with(r1={"every": 4}, r2={"every": 1000})
    assert of_r1 > 0
    assert lazy - plain == pytest.approx(of_r1 / 4 + of_r2 / 1000)


def test_spectral_norm_costs_its_power_iterations():
    # three products of a weight matrix and a vector for each layer in each of two passes: two are
    # the iteration, one is σ
    passes = 2
    weights = 1 * 4 * 16 + 4 * 8 * 16 + 8 * 2 * 2
    found = step_with(spectral_norm={}) - step_with()
    assert found == passes * 3 * 2 * weights


@pytest.mark.parametrize(
    "regularizers",
    [{"spectral_norm": {}}, {"weight_clip": {}}, {"dragan": {}}, {"gradient_penalty": {}}],
)
def test_every_regularizer_can_be_counted_without_drawing_a_number(regularizers):
    state = torch.get_rng_state()
    parameters = of(variants={"minimax": {"regularizers": regularizers}})
    assert count_flops(parameters, (1, 8, 8))["step"] > 0
    assert torch.equal(torch.get_rng_state(), state)
