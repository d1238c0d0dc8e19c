"""Optimizers: the same weights as torch.optim's, and a state that resumes exactly."""

import pytest
import torch
from ganbench.training import optimizers
from ganbench.training.optimizers import build_optimizer
from torch import nn

CASES = {
    "adam": (
        {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "eps": 1e-8},
        lambda weights: torch.optim.Adam(weights, lr=2e-4, betas=(0.5, 0.999), fused=True),
    ),
    "adam with another epsilon": (
        {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "eps": 1e-3},
        lambda weights: torch.optim.Adam(
            weights, lr=2e-4, betas=(0.5, 0.999), eps=1e-3, fused=True
        ),
    ),
    "adamw": (
        {"name": "adamw", "lr": 2e-3, "betas": [0.5, 0.9], "eps": 1e-8, "weight_decay": 0.1},
        lambda weights: torch.optim.AdamW(
            weights, lr=2e-3, betas=(0.5, 0.9), weight_decay=0.1, fused=True
        ),
    ),
    "rmsprop": (
        {"name": "rmsprop", "lr": 5e-5, "momentum": 0.0, "eps": 1e-8},
        lambda weights: torch.optim.RMSprop(weights, lr=5e-5),
    ),
    "rmsprop with momentum": (
        {"name": "rmsprop", "lr": 5e-5, "momentum": 0.9, "eps": 1e-8},
        lambda weights: torch.optim.RMSprop(weights, lr=5e-5, momentum=0.9),
    ),
    "sgd": (
        {"name": "sgd", "lr": 0.1, "momentum": 0.0, "nesterov": False},
        lambda weights: torch.optim.SGD(weights, lr=0.1, fused=True),
    ),
    "sgd with momentum": (
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": False},
        lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, fused=True),
    ),
    "sgd with Nesterov's momentum": (
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True},
        lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True, fused=True),
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def make_network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(300, 70), nn.Tanh(), nn.Linear(70, 1))


def descend(network: nn.Module, optimizer: object, steps: range) -> list[torch.Tensor]:
    """Takes `steps` on batches of their own; returns the weights."""
    for step in steps:
        batch = torch.randn(16, 300, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        network(batch).square().mean().backward()
        optimizer.step()
    return [weight.detach().clone() for weight in network.parameters()]


@every_case
def test_weights_are_those_of_torch_bit_for_bit(name):
    options, build_peer = CASES[name]
    ours, theirs = make_network(), make_network()
    weights = descend(ours, build_optimizer(options, ours.parameters()), range(50))
    expected = descend(theirs, build_peer(theirs.parameters()), range(50))
    for weight, other in zip(weights, expected, strict=True):
        assert torch.equal(weight, other)


@every_case
def test_a_loaded_state_continues_to_the_same_bits(name):
    options, _ = CASES[name]
    whole, resumed = make_network(), make_network()
    expected = descend(whole, build_optimizer(options, whole.parameters()), range(20))
    first = build_optimizer(options, resumed.parameters())
    descend(resumed, first, range(12))
    second = build_optimizer(options, resumed.parameters())
    second.load_state_dict(first.state_dict())
    for weight, other in zip(descend(resumed, second, range(12, 20)), expected, strict=True):
        assert torch.equal(weight, other)


@every_case
def test_weights_in_pieces_move_as_whole_ones_do(name, monkeypatch):
    """The pieces of a GPU, on the CPU; with weights in channels_last, as GPUs have them."""
    options, _ = CASES[name]

    def descend_convolution() -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layer = nn.Conv2d(3, 40, 5).to(memory_format=torch.channels_last)
        optimizer = build_optimizer(options, layer.parameters())
        for step in range(5):
            batch = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            layer(batch).square().mean().backward()
            optimizer.step()
        return torch.cat([weight.detach().flatten() for weight in layer.parameters()])

    whole = descend_convolution()
    monkeypatch.setattr(optimizers, "is_on_gpu", lambda _tensor: True)
    monkeypatch.setattr(optimizers, "PIECE", 64)
    torch.testing.assert_close(descend_convolution(), whole, rtol=1e-6, atol=1e-9)


def shrink_rate(options: dict, step: int) -> None:
    """Fills the learning rate in place, as a schedule does before each step."""
    options["lr"].fill_(2e-3 / (1 + step))


@every_case
def test_scheduled_learning_rates_move_weights_as_those_of_torch_do(name):
    options, build_peer = CASES[name]
    options = {**options, "lr": torch.tensor(0.0)}
    ours, theirs = make_network(), make_network()
    optimizer, peer = build_optimizer(options, ours.parameters()), build_peer(theirs.parameters())
    is_exact = peer.param_groups[0].get("fused", False)
    for step in range(20):
        shrink_rate(options, step)
        for group in peer.param_groups:
            group["lr"] = options["lr"].clone() if is_exact else options["lr"].item()
        weights = descend(ours, optimizer, range(step, step + 1))
        expected = descend(theirs, peer, range(step, step + 1))
    for weight, other in zip(weights, expected, strict=True):
        if is_exact:
            assert torch.equal(weight, other)
        else:  # torch's RMSprop takes a tensor on GPUs only
            torch.testing.assert_close(weight, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rate", ["fixed", "scheduled"])
@pytest.mark.parametrize(("name", "peer"), [("adam", "Adam"), ("adamw", "AdamW")])
def test_scheduled_second_betas_move_weights_as_those_of_torch_do(name, peer, rate):
    second = torch.tensor(0.0)
    options = {"name": name, "lr": 2e-3, "betas": (0.5, second), "eps": 1e-8, "weight_decay": 0.1}
    if rate == "scheduled":
        options["lr"] = torch.tensor(2e-3)
    decay = 0.1 if name == "adamw" else 0.0
    ours, theirs = make_network(), make_network()
    optimizer = build_optimizer(options, ours.parameters())
    expected_optimizer = getattr(torch.optim, peer)(
        theirs.parameters(), lr=2e-3, betas=(0.5, 0.9), weight_decay=decay
    )
    for step in range(20):
        second.fill_(0.9 + step * 0.004)
        if rate == "scheduled":
            shrink_rate(options, step)
        for group in expected_optimizer.param_groups:
            group["betas"], group["lr"] = (0.5, second.item()), float(options["lr"])
        weights = descend(ours, optimizer, range(step, step + 1))
        expected = descend(theirs, expected_optimizer, range(step, step + 1))
    for weight, other in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-4, atol=1e-6)
