"""The layers next to images, held against torch's own; and where maps lie in memory."""

import pytest
import torch
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.networks.layers import ConvOfImages, ConvTransposeToImages
from ganbench.networks.layout import in_channels_last
from torch import nn
from torch.autograd import gradcheck
from torch.nn.utils import parametrizations

KERNELS = {4: {"padding": 1}, 5: {"padding": 2}}


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def as_torch_has_it(layer: nn.Module, own: type[nn.Module], **options: int) -> nn.Module:
    """torch's layer with the same weights."""
    sizes = (layer.in_channels, layer.out_channels, layer.kernel_size)
    other = own(*sizes, stride=2, **options, dtype=torch.float64)
    other.load_state_dict(layer.state_dict())
    return other


def made_and_gradients(layer: nn.Module, given: torch.Tensor) -> list[torch.Tensor]:
    """What it makes, and the gradients of its input and of its weights if they are trained."""
    given = given.clone().requires_grad_()
    wanted = [given, *(each for each in layer.parameters() if each.requires_grad)]
    made = layer(given)
    ahead = torch.linspace(-1, 1, made.numel(), dtype=made.dtype).view_as(made)
    return [made, *torch.autograd.grad(made, wanted, ahead)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [4, 5])
def test_last_layer_of_a_generator_is_a_transposed_convolution(kernel, channels):
    options = {**KERNELS[kernel], **({"output_padding": 1} if kernel == 5 else {})}
    layer = ConvTransposeToImages(6, channels, kernel, stride=2, **options, dtype=torch.float64)
    other = as_torch_has_it(layer, nn.ConvTranspose2d, **options)
    maps = noise(5, 6, 7, 7)
    torch.testing.assert_close(made_and_gradients(layer, maps), made_and_gradients(other, maps))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [4, 5])
def test_first_layer_of_a_discriminator_is_a_convolution(kernel, channels, frozen, layout):
    layer = ConvOfImages(channels, 6, kernel, stride=2, **KERNELS[kernel], dtype=torch.float64)
    layer.to(memory_format=layout)
    other = as_torch_has_it(layer, nn.Conv2d, **KERNELS[kernel])
    for each in (layer, other):
        each.requires_grad_(not frozen)
    images = noise(5, channels, 14, 14)
    torch.testing.assert_close(made_and_gradients(layer, images), made_and_gradients(other, images))


@pytest.mark.parametrize("height", [6, 8])
def test_images_need_not_be_square(height):
    last = ConvTransposeToImages(6, 3, 4, stride=2, padding=1, dtype=torch.float64)
    first = ConvOfImages(3, 6, 4, stride=2, padding=1, dtype=torch.float64).requires_grad_(False)
    for layer, own in ((last, nn.ConvTranspose2d), (first, nn.Conv2d)):
        other = as_torch_has_it(layer, own, padding=1).requires_grad_(layer.bias.requires_grad)
        given = noise(2, layer.in_channels, height, 10)
        torch.testing.assert_close(
            made_and_gradients(layer, given), made_and_gradients(other, given)
        )


@pytest.mark.parametrize("frozen", [False, True])
def test_spectral_norm_iterates_once_a_pass(frozen):
    """As in torch's own layer: each look at a normalised weight is an iteration."""
    vectors = []
    for kind in (ConvOfImages, nn.Conv2d):
        torch.manual_seed(0)
        layer = parametrizations.spectral_norm(kind(3, 6, 4, stride=2, padding=1))
        layer.requires_grad_(not frozen)
        layer(noise(2, 3, 8, 8).float().requires_grad_())
        vectors.append(layer.parametrizations.weight[0]._u)
    assert torch.equal(*vectors)


@pytest.mark.parametrize("trained", [False, True])
def test_gradients_of_gradients_are_right(trained):
    layer = ConvOfImages(1, 2, 4, stride=2, padding=1, dtype=torch.float64)
    layer.requires_grad_(trained)

    def gradient(images: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(layer(images).square().sum(), images, create_graph=True)[0]

    assert gradcheck(gradient, (noise(1, 1, 4, 4).requires_grad_(),))


def test_patches_of_a_bf16_product_are_added_in_float32():
    """Each of a pixel's four terms, of size one, is rounded to 8 bits; their sum is not."""
    layer = ConvTransposeToImages(64, 1, 4, stride=2, padding=1)
    nn.init.zeros_(layer.bias)  # it is float32, and would make float32 of any sum
    maps = noise(2, 64, 7, 7).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(maps)
    assert found.dtype == torch.float32
    assert (found != found.bfloat16()).any()
    torch.testing.assert_close(found, layer(maps), rtol=0, atol=4 * 2**-7)


PARAMETERS = {
    "network": {"width": 8, "kernel": 4, "generator_norm": "batch", "discriminator_norm": "none"},
    "latent": {"size": 6, "prior": "normal"},
}


@pytest.mark.parametrize("name", ["dcgan", "infogan"])
def test_with_channels_last_every_map_and_gradient_of_maps_lies_channel_by_pixel(name):
    parameters = {**PARAMETERS, "network": {"name": name, **PARAMETERS["network"]}}
    generator = in_channels_last(build_generator(parameters, (3, 28, 28)))
    discriminator = in_channels_last(build_discriminator(parameters, (3, 28, 28)))
    lying = []

    def watch(layer: nn.Module, _given: object, maps: torch.Tensor) -> None:
        def note(tensor: torch.Tensor, way: str) -> None:
            right = tensor.is_contiguous(memory_format=torch.channels_last)
            lying.append((type(layer).__name__, way, right))

        if maps.dim() == 4 and maps.shape[1] > 3:
            note(maps, "forth")
            maps.register_hook(lambda gradient: note(gradient, "back"))

    for layer in [*generator.layers, *discriminator.layers]:
        layer.register_forward_hook(watch)
    images = generator(noise(4, 6).float())
    discriminator(images).sum().backward(retain_graph=True)
    discriminator.requires_grad_(False)  # as in the generator's step
    discriminator(images).sum().backward()
    assert len(lying) >= 2 * 12
    assert [each for each in lying if not each[-1]] == []


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_maps_have_the_precision_of_the_product_in_both_players_steps(layout):
    layer = ConvOfImages(1, 8, 4, stride=2, padding=1).to(memory_format=layout)
    images = noise(2, 1, 28, 28).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        of_discriminator = layer(images)
        of_generator = layer.requires_grad_(False)(images)
    assert of_discriminator.dtype == of_generator.dtype == torch.bfloat16
    assert of_discriminator.stride() == of_generator.stride()
    torch.testing.assert_close(of_generator, of_discriminator, rtol=2**-7, atol=2**-7)


def test_channels_last_changes_what_a_network_makes_by_rounding_only():
    parameters = {**PARAMETERS, "network": {"name": "dcgan", **PARAMETERS["network"]}}
    generator = build_generator(parameters, (1, 28, 28))
    latent = noise(4, 6).float()
    plain = generator(latent)
    torch.testing.assert_close(in_channels_last(generator)(latent), plain, rtol=1e-4, atol=1e-5)
