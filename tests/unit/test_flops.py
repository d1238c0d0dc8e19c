"""Floating-point operations equal counts by hand, and counting draws no random number."""

import os
import subprocess
import sys

import pytest
import torch
from ganbench.training.flops import count_flops
from project import ROOT
from training_example import resolve_run


def count_step(**options) -> float:
    return count_flops(resolve_run(objective="minimax", **options), (1, 8, 8))["step"]


def test_flops_of_an_mlp_equal_a_count_by_hand():
    network = {"name": "mlp", "width": 5}
    parameters = resolve_run("mixture_1d", network=network, latent={"size": 3}, batch_size=7)
    flops = count_flops(parameters, (1,))
    forward_g = 2 * (3 * 5 + 5 * 5 + 5 * 5 + 5 * 1)
    forward_d = 2 * (1 * 5 + 5 * 5 + 5 * 5 + 5 * 1)
    assert (flops["generator"], flops["discriminator"]) == (forward_g, forward_d)
    # D's update: G forward on one batch; D forward on two batches, and back to its weights and to
    # the inputs of all layers but the first
    backward_d = 2 * forward_d - 2 * (1 * 5)
    discriminator = 7 * (forward_g + 2 * (forward_d + backward_d))
    # G's update: both forward, back through D to its input, and through G to its weights
    backward_g = 2 * forward_g - 2 * (3 * 5)
    generator = 7 * (forward_g + forward_d + forward_d + backward_g)
    assert flops["step"] == discriminator + generator


def test_flops_of_convolutions_equal_a_count_by_hand():
    flops = count_flops(resolve_run(network={"width": 4}, latent={"size": 8}), (1, 8, 8))
    generator = 2 * (8 * 8 * 4) + 2 * (2 * 2) * (8 * 4 * 16) + 2 * (4 * 4) * (4 * 1 * 16)
    discriminator = 2 * (4 * 4) * (1 * 4 * 16) + 2 * (2 * 2) * (4 * 8 * 16) + 2 * (8 * 2 * 2)
    assert (flops["generator"], flops["discriminator"]) == (generator, discriminator)


def test_second_discriminator_update_costs_less_than_a_second_step():
    plain, two_updates = (count_step(discriminator_steps=count) for count in (1, 2))
    assert plain < two_updates < 2 * plain


def test_extragradient_counts_both_halves_and_their_penalties():
    options = {"discriminator_steps": 3, "regularizers": {"r1": {"every": 2}}}
    once, again = (count_step(updates=kind, **options) for kind in ("alternating", "extragradient"))
    first = count_step(**options | {"discriminator_steps": 1})
    assert again - once == first


def test_gradients_of_consensus_equal_a_count_by_hand():
    """An MLP of 1-5-5-5-1 and one of 3-5-5-5-1; a product is 2 operations for each weight."""
    batch, network = 7, {"name": "mlp", "width": 5}
    options = {"network": network, "latent": {"size": 3}, "batch_size": batch}
    parameters = resolve_run("mixture_1d", updates="consensus", **options)
    ends, middle = 1 * 5, 2 * 5 * 5
    entry = 3 * 5  # of the generator; its exit is as large as both ends of the discriminator
    d_weights, g_weights = ends + middle + ends, entry + middle + ends
    # D's loss: G forward; D forward on two batches, back to its weights and to all inputs but the
    # first. G's loss: both forward, back through D to its input and through G to its weights
    judging = [g_weights, 2 * d_weights, 2 * d_weights, 2 * (d_weights - ends)]
    deceiving = [g_weights, d_weights, d_weights, g_weights, g_weights - entry]
    first = sum(judging) + sum(deceiving)
    # back through each of these products are two more, one for each factor; but three products
    # have latents as a factor, which need no gradient
    again = 2 * first - 3 * entry
    assert count_flops(parameters, (1,))["step"] == 2 * batch * (first + again)


def test_flops_of_a_penalty_equal_a_count_by_hand():
    batch = 7
    network = {"name": "mlp", "width": 5}
    plain, penalised = (
        count_flops(
            resolve_run("mixture_1d", regularizers=regularizers, network=network, batch_size=batch),
            (1,),
        )["step"]
        for regularizers in ({}, {"r1": {}})
    )
    first, middle, last = 1 * 5, 2 * 5 * 5, 5 * 1
    forward = backward = first + middle + last
    # back through the backward pass: to each weight, and to each incoming gradient but the first,
    # which is the constant 1
    through_backward = 2 * (first + middle) + last
    # and nothing back through the forward pass, because leaky ReLU's second derivative is 0
    total = forward + backward + through_backward
    assert penalised - plain == 2 * batch * total


def test_lazy_penalties_cost_their_shares():
    plain = count_step()
    r1, r2 = (count_step(regularizers={name: {}}) - plain for name in ("r1", "r2"))
    lazy = count_step(regularizers={"r1": {"every": 4}, "r2": {"every": 1000}})
    assert r1 > 0
    assert lazy - plain == pytest.approx(r1 / 4 + r2 / 1000)


def test_spectral_norm_costs_its_power_iterations():
    # each of two passes multiplies each weight matrix three times by a vector: twice in the
    # iteration, once for σ
    weights = 1 * 4 * 16 + 4 * 8 * 16 + 8 * 2 * 2
    assert count_step(regularizers={"spectral_norm": {}}) - count_step() == 2 * 3 * 2 * weights


@pytest.mark.parametrize("name", ["spectral_norm", "weight_clip", "dragan", "gradient_penalty"])
def test_every_regularizer_is_counted_without_drawing_a_number(name):
    state = torch.get_rng_state()
    assert count_step(regularizers={name: {}}) > 0
    assert torch.equal(torch.get_rng_state(), state)


def test_counts_are_the_same_with_torch_compiler():
    """What the compiler's absence changes is the time: nothing is compiled either way."""
    program = """
import json, sys
import torch
if sys.argv[1] == "with":
    import torch._dynamo
from ganbench.training.flops import count_flops
from training_example import resolve_setting
counts = {}
for name in ("batch norm", "gradient penalty"):
    parameters, samples = resolve_setting(name)
    counts[name] = count_flops(parameters, tuple(samples.shape[1:]))
assert ("torch._dynamo" in sys.modules) == (sys.argv[1] == "with")
print(json.dumps(counts))
"""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("workflow/scripts", "tests"))
    counts = [
        subprocess.run(
            [sys.executable, "-c", program, case],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            check=True,
        ).stdout
        for case in ("with", "without")
    ]
    assert counts[0] == counts[1] != b""
