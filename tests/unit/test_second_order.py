"""Penalties differentiate cheap passes of D: the same gradients as torch's own, with less work."""

from contextlib import nullcontext

import pytest
import torch
from ganbench.networks import layers, second_order
from ganbench.networks.build import build_discriminator
from ganbench.networks.second_order import differentiable_inputs
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_example import resolve_run

SHAPE = (3, 32, 32)
NETWORKS = {
    "dcgan": {"name": "dcgan", "discriminator_norm": "none"},
    "kernel 5": {"name": "dcgan", "kernel": 5, "discriminator_norm": "none"},
    "batch norm": {"name": "dcgan"},
    "layer norm": {"name": "dcgan", "discriminator_norm": "layer"},
    "infogan": {"name": "infogan"},
    "sngan_resnet": {"name": "sngan_resnet"},
    "mlp": {"name": "mlp"},
}


@pytest.fixture(params=["cpu", "as on a gpu"])
def path(request, monkeypatch):
    """The arithmetic of a CPU, and that of a GPU, taken on the CPU."""
    if request.param != "cpu":
        for module in (layers, second_order):
            monkeypatch.setattr(module, "is_on_gpu", lambda _tensor: True)


def make_discriminator(network: dict, *, frozen: str = "") -> nn.Module:
    torch.manual_seed(0)
    parameters = resolve_run("cifar10", network={"width": 3, **network})
    built = build_discriminator(parameters, SHAPE).double().to(memory_format=torch.channels_last)
    for name, weight in built.named_parameters():
        weight.requires_grad_(name != frozen)
    return built


def penalise(network: nn.Module, *, cheap: bool) -> list[torch.Tensor]:
    """The input gradient of a batch, and the gradient of its squares for each trained weight."""
    noise = torch.Generator().manual_seed(1)
    images = torch.randn(3, *SHAPE, generator=noise, dtype=torch.float64).requires_grad_()
    with differentiable_inputs(network) if cheap else nullcontext():
        (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    # torch's gradient of a bias is zero where ours is none
    found = torch.autograd.grad(gradient.square().sum(), weights, allow_unused=True)
    zeros = map(torch.zeros_like, weights)
    return [
        gradient,
        *(zero if one is None else one for one, zero in zip(found, zeros, strict=True)),
    ]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_torch(name):
    network = make_discriminator(NETWORKS[name])
    torch.testing.assert_close(penalise(network, cheap=True), penalise(network, cheap=False))


@pytest.mark.usefixtures("path")
def test_a_frozen_weight_needs_no_gradient():
    network = make_discriminator(NETWORKS["dcgan"], frozen="layers.2.weight")
    torch.testing.assert_close(penalise(network, cheap=True), penalise(network, cheap=False))


def test_layers_are_as_before_after_the_pass():
    network = make_discriminator({"name": "dcgan"})
    with pytest.raises(RuntimeError), differentiable_inputs(network):
        network(torch.zeros(1, 7, 3, 3))  # not the shape of an image
    assert not any("forward" in vars(layer) for layer in network.modules())


class Convolutions(TorchDispatchMode):
    """Lists the kernel sizes of the convolutions that run inside, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[int] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._overloadpacket.__name__
        if name in ("convolution", "convolution_backward"):
            self.kernels.append(args[2 if name.endswith("backward") else 1].shape[2])
        return function(*args, **(kwargs or {}))


def test_no_convolution_has_a_kernel_as_large_as_the_maps(monkeypatch):
    for module in (layers, second_order):
        monkeypatch.setattr(module, "is_on_gpu", lambda _tensor: True)
    network, kernels = make_discriminator({"name": "dcgan"}), []
    for cheap in (False, True):
        with Convolutions() as convolutions:
            penalise(network, cheap=cheap)
        kernels.append(convolutions.kernels)
    assert max(kernels[0]) > 4  # torch's own way
    assert set(kernels[1]) == {4}
    assert len(kernels[1]) < len(kernels[0])
