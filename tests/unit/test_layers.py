"""The layers next to images equal torch's own; the layout channels_last in a whole network."""

import pytest
import torch
from ganbench.networks import layers
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.networks.layers import ConvOfImages, ConvTransposeToImages
from ganbench.networks.layout import to_channels_last
from ganbench.networks.patches import Window, to_images, to_patches
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.utils import parametrizations

KERNELS = {4: {"padding": 1}, 5: {"padding": 2}}


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def torch_layer(kind: type[nn.Module], layer: nn.Module, **options: int) -> nn.Module:
    """torch's layer of a kind, with the weights of `layer`."""
    sizes = (layer.in_channels, layer.out_channels, layer.kernel_size)
    reference = kind(*sizes, stride=2, **options, dtype=torch.float64)
    reference.load_state_dict(layer.state_dict())
    return reference


def assert_same_layer(layer: nn.Module, reference: nn.Module, inputs: torch.Tensor) -> None:
    """Equal outputs, and equal gradients of the input and of all weights that are trained."""
    torch.testing.assert_close(differentiate(layer, inputs), differentiate(reference, inputs))


def differentiate(layer: nn.Module, inputs: torch.Tensor) -> list[torch.Tensor]:
    """The layer's output, then the gradients of the input and of all weights that are trained."""
    inputs = inputs.clone().requires_grad_()
    weights = [weight for weight in layer.parameters() if weight.requires_grad]
    outputs = layer(inputs)
    ahead = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    return [outputs, *torch.autograd.grad(outputs, [inputs, *weights], ahead)]


@pytest.fixture(params=["cpu", "as on a gpu"])
def path(request, monkeypatch):
    """The layers' arithmetic on a CPU, and that of a GPU, taken on the CPU."""
    if request.param != "cpu":
        monkeypatch.setattr(layers, "is_on_gpu", lambda _tensor: True)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [4, 5])
def test_last_layer_of_a_generator_is_a_transposed_convolution(kernel, channels, layout):
    options = {**KERNELS[kernel], **({"output_padding": 1} if kernel == 5 else {})}
    layer = ConvTransposeToImages(6, channels, kernel, stride=2, **options, dtype=torch.float64)
    layer.to(memory_format=layout)
    assert_same_layer(layer, torch_layer(nn.ConvTranspose2d, layer, **options), noise(5, 6, 7, 7))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [4, 5])
def test_first_layer_of_a_discriminator_is_a_convolution(kernel, channels, frozen, layout):
    layer = ConvOfImages(channels, 6, kernel, stride=2, **KERNELS[kernel], dtype=torch.float64)
    layer.to(memory_format=layout)
    reference = torch_layer(nn.Conv2d, layer, **KERNELS[kernel])
    layer.requires_grad_(not frozen)
    reference.requires_grad_(not frozen)
    assert_same_layer(layer, reference, noise(5, channels, 14, 14))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("height", [6, 8])
def test_images_need_not_be_square(height):
    last = ConvTransposeToImages(6, 3, 4, stride=2, padding=1, dtype=torch.float64)
    first = ConvOfImages(3, 6, 4, stride=2, padding=1, dtype=torch.float64).requires_grad_(False)
    for layer, kind in ((last, nn.ConvTranspose2d), (first, nn.Conv2d)):
        reference = torch_layer(kind, layer, padding=1)
        reference.requires_grad_(layer.bias.requires_grad)
        assert_same_layer(layer, reference, noise(2, layer.in_channels, height, 10))


@pytest.mark.parametrize("frozen", [False, True])
def test_spectral_norm_iterates_once_a_pass(frozen):
    """As in torch's own layer: every read of a normalised weight is an iteration."""
    vectors = []
    for kind in (ConvOfImages, nn.Conv2d):
        torch.manual_seed(0)
        layer = parametrizations.spectral_norm(kind(3, 6, 4, stride=2, padding=1))
        layer.requires_grad_(not frozen)
        layer(noise(2, 3, 8, 8).float().requires_grad_())
        vectors.append(layer.parametrizations.weight[0]._u)
    assert torch.equal(*vectors)


@pytest.mark.parametrize("frozen", [False, True])
def test_gradients_of_gradients_are_right(frozen):
    layer = ConvOfImages(1, 2, 4, stride=2, padding=1, dtype=torch.float64)
    layer.requires_grad_(not frozen)

    def gradient(images: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(layer(images).square().sum(), images, create_graph=True)[0]

    assert gradcheck(gradient, (noise(1, 1, 4, 4).requires_grad_(),))


def test_patches_of_a_bf16_product_are_added_in_float32():
    """A pixel is a sum of four terms of size one: the terms are rounded to 8 bits, the sum not."""
    layer = ConvTransposeToImages(64, 1, 4, stride=2, padding=1)
    nn.init.zeros_(layer.bias)  # a float32 bias would make any sum float32
    maps = noise(2, 64, 7, 7).float()
    with torch.autocast("cpu", torch.bfloat16):
        images = layer(maps)
    assert images.dtype == torch.float32
    assert (images != images.bfloat16()).any()
    torch.testing.assert_close(images, layer(maps), rtol=0, atol=4 * 2**-7)


PARAMETERS = {
    "network": {"width": 8, "kernel": 4, "generator_norm": "batch", "discriminator_norm": "none"},
    "latent": {"size": 6, "prior": "normal"},
    "regularizers": {},
}


@pytest.mark.parametrize("name", ["dcgan", "infogan"])
def test_channels_last_holds_for_every_map_and_every_gradient_of_maps(name):
    parameters = {**PARAMETERS, "network": {"name": name, **PARAMETERS["network"]}}
    generator = to_channels_last(build_generator(parameters, (3, 28, 28)))
    discriminator = to_channels_last(build_discriminator(parameters, (3, 28, 28)))
    layouts = []

    def watch(layer: nn.Module, _inputs: object, maps: torch.Tensor) -> None:
        def note(tensor: torch.Tensor, direction: str) -> None:
            is_channels_last = tensor.is_contiguous(memory_format=torch.channels_last)
            layouts.append((type(layer).__name__, direction, is_channels_last))

        if maps.dim() == 4 and maps.shape[1] > 3:
            note(maps, "forward")
            maps.register_hook(lambda gradient: note(gradient, "backward"))

    for layer in [*generator.layers, *discriminator.layers]:
        layer.register_forward_hook(watch)
    images = generator(noise(4, 6).float())
    discriminator(images).sum().backward(retain_graph=True)
    discriminator.requires_grad_(False)  # as in the generator's update
    discriminator(images).sum().backward()
    assert len(layouts) >= 2 * 12
    assert [layout for layout in layouts if not layout[-1]] == []


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_maps_have_one_precision_and_layout_in_both_players_updates(layout):
    layer = ConvOfImages(1, 8, 4, stride=2, padding=1).to(memory_format=layout)
    images = noise(2, 1, 28, 28).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        discriminator_maps = layer(images)
        generator_maps = layer.requires_grad_(False)(images)
    assert discriminator_maps.dtype == generator_maps.dtype == torch.bfloat16
    assert discriminator_maps.stride() == generator_maps.stride()
    torch.testing.assert_close(generator_maps, discriminator_maps, rtol=2**-7, atol=2**-7)


def test_channels_last_changes_a_networks_output_by_rounding_only():
    parameters = {**PARAMETERS, "network": {"name": "dcgan", **PARAMETERS["network"]}}
    generator = build_generator(parameters, (1, 28, 28))
    latent = noise(4, 6).float()
    plain = generator(latent)
    torch.testing.assert_close(to_channels_last(generator)(latent), plain, rtol=1e-4, atol=1e-5)


def test_patches_and_images_are_each_others_gradients_twice():
    """gradgradcheck: gradient penalties differentiate the layers' gradients again."""
    images, window = noise(2, 3, 6, 4).requires_grad_(), Window(4, 2, 1)
    patches = to_patches(images.detach(), window).requires_grad_()
    assert gradcheck(lambda x: to_patches(x, window).square(), images)
    assert gradgradcheck(lambda x: to_patches(x, window).square(), images)
    assert gradcheck(lambda x: to_images(x, window, (6, 4)).square(), patches)
    assert gradgradcheck(lambda x: to_images(x, window, (6, 4)).square(), patches)


@pytest.mark.parametrize("kernel", [4, 5])
def test_patches_are_those_of_torchs_unfold(kernel):
    images, padding = noise(2, 3, 8, 6), KERNELS[kernel]["padding"]
    expected = torch.nn.functional.unfold(images, kernel, padding=padding, stride=2).mT
    assert torch.equal(to_patches(images, Window(kernel, 2, padding)), expected)
