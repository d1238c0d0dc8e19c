"""Networks: shapes, options, and the architectures of their papers, weight by weight."""

from itertools import pairwise

import pytest
import torch
from ganbench import randomness
from ganbench.catalogue import architectures
from ganbench.networks.build import (
    NETWORKS,
    build_discriminator,
    build_generator,
    count_parameters,
    mixes_samples,
)
from ganbench.networks.sngan_resnet import DownBlock, UpBlock

FITTING = [
    (name, resolution)
    for name, architecture in architectures.ARCHITECTURES.items()
    for resolution in (8, 16, 28, 32, 64)
    if architecture.fits(resolution) and not architecture.reconstructs
]
NORMS = ("none", "batch", "layer")
KERNELS = [
    (name, kernel)
    for name, architecture in architectures.ARCHITECTURES.items()
    for kernel in ((4, 5) if "kernel" in architecture.options else (4,))
    if not architecture.reconstructs
]


def parameters(name: str = "dcgan", width: int = 4, latent: int = 6, **network) -> dict:
    defaults = {"kernel": 4, "generator_norm": "own", "discriminator_norm": "own"}
    return {
        "network": {"name": name, "width": width, **defaults, **network},
        "latent": {"size": latent, "prior": "normal"},
        "regularizers": {},
    }


def count_weights(name: str, shape: tuple[int, ...], **options) -> tuple[int, int]:
    """The number of weights of G and of D, without allocating them."""
    with torch.device("meta"):
        generator = build_generator(parameters(name, **options), shape)
        discriminator = build_discriminator(parameters(name, **options), shape)
    return count_parameters(generator), count_parameters(discriminator)


def conv(before: int, after: int, kernel: int, bias: bool = True) -> int:
    """Weights of a convolution, transposed or not."""
    return before * after * kernel**2 + bias * after


def full(before: int, after: int, bias: bool = True) -> int:
    """Weights of a fully connected layer."""
    return before * after + bias * after


def norm(channels: int) -> int:
    """Scale and shift of a normalisation."""
    return 2 * channels


@pytest.mark.parametrize(("name", "resolution"), FITTING)
@pytest.mark.parametrize("channels", [1, 3])
def test_generators_return_images_and_discriminators_logits(name, resolution, channels):
    shape = (channels, resolution, resolution)
    latent = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    images = build_generator(parameters(name), shape)(latent)
    assert images.shape == (5, *shape)
    assert images.abs().max() <= 1
    assert images.std() > 0
    assert build_discriminator(parameters(name), shape)(images).shape == (5,)


@pytest.mark.parametrize(("name", "resolution"), FITTING)
@pytest.mark.parametrize("normalisation", NORMS)
def test_logit_depends_on_other_images_only_with_batch_normalisation(
    name, resolution, normalisation
):
    shape = (1, resolution, resolution)
    with randomness.global_stream("any", 0, "test"):
        discriminator = build_discriminator(
            parameters(name, discriminator_norm=normalisation), shape
        )
    images = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    together, alone = discriminator(images)[:3], discriminator(images[:3])
    assert mixes_samples(discriminator) == (normalisation == "batch")
    assert torch.allclose(together, alone, rtol=1e-4, atol=1e-5) == (normalisation != "batch")


@pytest.mark.parametrize("normalisation", NORMS)
@pytest.mark.parametrize(("name", "kernel"), KERNELS)
def test_kernel_and_norm_change_the_layers_and_not_the_shapes(name, kernel, normalisation):
    shape = (3, 32, 32)
    options = {"kernel": kernel, "generator_norm": normalisation}
    latent = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    generator = build_generator(parameters(name, **options), shape)
    assert generator(latent).shape == (5, *shape)
    assert mixes_samples(generator) == (normalisation == "batch")
    discriminator = build_discriminator(parameters(name, **options), shape)
    assert discriminator(generator(latent)).shape == (5,)
    kernels = {layer.kernel_size for layer in generator.modules() if hasattr(layer, "kernel_size")}
    if "kernel" in architectures.ARCHITECTURES[name].options:
        assert kernels == {(kernel, kernel)}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_own_norms_are_those_of_the_catalogue(name):
    architecture = architectures.ARCHITECTURES[name]
    shape = (3, 32, 32)
    generator = build_generator(parameters(name), shape)
    discriminator = build_discriminator(parameters(name), shape)
    assert mixes_samples(generator) == (architecture.generator_norm == "batch")
    assert mixes_samples(discriminator) == (architecture.discriminator_norm == "batch")


@pytest.mark.parametrize(
    ("name", "resolution"),
    [("dcgan", 27), ("dcgan", 30), ("infogan", 30), ("sngan_resnet", 28), ("sngan_resnet", 128)],
)
def test_resolution_that_does_not_fit_is_refused(name, resolution):
    for build in (build_generator, build_discriminator):
        with pytest.raises(ValueError, match=f"{name} fits resolutions .* have {resolution}"):
            build(parameters(name), (1, resolution, resolution))


@pytest.mark.parametrize("name", ["dcgan", "infogan", "sngan_resnet"])
def test_points_are_refused_by_networks_of_images(name):
    for build in (build_generator, build_discriminator):
        with pytest.raises(ValueError, match=f"{name} generates images; for points, use mlp"):
            build(parameters(name), (2,))


@pytest.mark.parametrize(("name", "kernel"), [("dcgan", 3), ("infogan", 5), ("mlp", 5)])
def test_kernel_that_does_not_fit_the_architecture_is_refused(name, kernel):
    with pytest.raises(ValueError, match=f"{name} cannot have kernel {kernel}"):
        build_generator(parameters(name, kernel=kernel), (1, 8, 8))


@pytest.mark.parametrize("key", ["generator_norm", "discriminator_norm"])
def test_unknown_normalisation_is_refused(key):
    with pytest.raises(ValueError, match=f"{key} is 'instance', expected one of own, none"):
        build_generator(parameters(**{key: "instance"}), (1, 8, 8))


def test_parameters_are_counted():
    # 1·w·16 + w, w·2w·16 without biases, scale and shift of 2w, 2w·2·2 + 1 at w = 4
    assert count_parameters(build_discriminator(parameters(), (1, 8, 8))) == 68 + 512 + 16 + 33
    # without a norm after it, the second convolution has 2w biases
    former = build_discriminator(parameters("dcgan_torch_init"), (1, 8, 8))
    assert count_parameters(former) == 68 + 520 + 33


def test_dcgan_has_the_weights_of_its_paper():
    # Radford et al. 2016, Figure 1: 100 → 4×4×1024 → 512 → 256 → 128 → 64×64×3, kernels 5×5
    maps = [1024, 512, 256, 128]
    generator = full(100, 4 * 4 * 1024, bias=False) + sum(map(norm, maps))
    generator += sum(conv(*pair, 5, bias=False) for pair in pairwise(maps)) + conv(128, 3, 5)
    # Section 3: strided convolutions, batch normalisation in all but the first layer of D
    # and no biases before it
    discriminator = conv(3, 128, 5) + sum(
        conv(*pair, 5, bias=False) for pair in pairwise(maps[::-1])
    )
    discriminator += norm(256) + norm(512) + norm(1024) + full(4 * 4 * 1024, 1)
    counts = count_weights("dcgan", (3, 64, 64), width=128, kernel=5, latent=100)
    assert counts == (generator, discriminator)


@pytest.mark.parametrize(("resolution", "channels"), [(28, 1), (32, 3), (64, 3)])
def test_infogan_has_the_weights_of_lucic_et_al(resolution, channels):
    # fully connected 1024, then 128 maps of a quarter of the resolution, then 64, kernels 4×4
    quarter = 128 * (resolution // 4) ** 2
    generator = full(64, 1024) + norm(1024) + full(1024, quarter) + norm(quarter)
    generator += conv(128, 64, 4) + norm(64) + conv(64, channels, 4)
    discriminator = conv(channels, 64, 4) + conv(64, 128, 4) + norm(128)
    discriminator += full(quarter, 1024) + norm(1024) + full(1024, 1)
    shape = (channels, resolution, resolution)
    assert count_weights("infogan", shape, width=64, latent=64) == (generator, discriminator)


def up(before: int, after: int) -> int:
    """A residual block of SNGAN's generator: two 3×3 convolutions, two norms, a 1×1 shortcut."""
    both = conv(before, after, 3) + conv(after, after, 3)
    return norm(before) + norm(after) + both + conv(before, after, 1)


def down(before: int, after: int, shortcut: bool = True) -> int:
    """A block of SNGAN's discriminator, as in the authors' code.

    The first block changes its width in the first convolution, the others in the second.
    """
    within = after if before == 3 else before
    both = conv(before, within, 3) + conv(within, after, 3)
    return both + (conv(before, after, 1) if shortcut else 0)


def test_sngan_at_32_pixels_has_the_weights_of_its_table_4():
    generator = full(128, 4 * 4 * 256) + 3 * up(256, 256) + norm(256) + conv(256, 3, 3)
    discriminator = down(3, 128) + down(128, 128) + 2 * down(128, 128, shortcut=False)
    discriminator += full(128, 1)
    counts = count_weights("sngan_resnet", (3, 32, 32), width=64, latent=128)
    assert counts == (generator, discriminator)


def test_sngan_at_64_pixels_has_the_weights_of_the_authors_code():
    widths = [1024, 512, 256, 128, 64]
    generator = full(128, 4 * 4 * 1024) + sum(up(*pair) for pair in pairwise(widths))
    generator += norm(64) + conv(64, 3, 3)
    discriminator = sum(down(*pair) for pair in pairwise([3, *reversed(widths)])) + full(1024, 1)
    counts = count_weights("sngan_resnet", (3, 64, 64), width=64, latent=128)
    assert counts == (generator, discriminator)


def test_sngan_shortcuts_equal_those_of_the_authors_code_in_a_cheaper_order():
    maps = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    up, down = UpBlock(3, 5, "none"), DownBlock(3, 5, "none", halves=True)
    repeated = maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(up.shortcut(maps), up.shortcut[0](repeated))
    pooled_last = torch.nn.functional.avg_pool2d(down.shortcut[1](maps), 2)
    torch.testing.assert_close(down.shortcut(maps), pooled_last)
    unchanged = DownBlock(3, 3, "none", halves=False)
    assert torch.equal(unchanged.shortcut(maps), maps)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 64, 64)])
def test_dcgan_starts_with_the_weights_of_its_paper_whatever_torch_has(shape):
    with randomness.global_stream("any", 0, "test"):
        networks = [
            build(parameters(width=16, latent=100), shape)
            for build in (build_generator, build_discriminator)
        ]
    for layer in (layer for network in networks for layer in network.modules()):
        weight = getattr(layer, "weight", None)
        if weight is None:
            continue
        mean = 1 if isinstance(layer, torch.nn.BatchNorm2d) else 0
        values = weight.detach().double()
        tolerance = 5 * 0.02 / values.numel() ** 0.5  # five standard errors
        assert float(values.mean()) == pytest.approx(mean, abs=tolerance)
        assert float(values.std()) == pytest.approx(0.02, abs=tolerance)
        assert layer.bias is None or (layer.bias == 0).all()


def test_dcgan_torch_init_keeps_the_weights_that_torch_draws():
    with randomness.global_stream("any", 0, "test"):
        expected = [torch.nn.Conv2d(1, 4, 4), torch.nn.Conv2d(4, 8, 4), torch.nn.Linear(32, 1)]
    with randomness.global_stream("any", 0, "test"):
        discriminator = build_discriminator(parameters("dcgan_torch_init"), (1, 8, 8))
    layers = [layer for layer in discriminator.layers if hasattr(layer, "weight")]
    for layer, drawn in zip(layers, expected, strict=True):
        assert torch.equal(layer.weight, drawn.weight)
        assert torch.equal(layer.bias, drawn.bias)


def test_first_layer_of_dcgan_is_a_transposed_convolution_of_one_pixel():
    generator = build_generator(parameters(latent=6), (1, 28, 28))
    first, unflatten = generator.layers[:2]
    transposed = torch.nn.ConvTranspose2d(6, 8, 7, bias=False)
    transposed.weight = torch.nn.Parameter(first.weight.t().reshape(6, 8, 7, 7))
    latent = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(unflatten(first(latent)), transposed(latent[:, :, None, None]))


PENALISED = {"r1": {"weight": 1.0, "every": 1}}


@pytest.mark.parametrize(
    ("name", "regularizers", "norm"),
    [
        ("dcgan", {}, "batch"),
        ("dcgan", {"weight_clip": {"limit": 0.01}}, "batch"),
        ("dcgan", PENALISED, "none"),
        ("dcgan", {"spectral_norm": {}}, "none"),
        ("infogan", {}, "batch"),
        ("infogan", PENALISED, "none"),
        ("dcgan_torch_init", {}, "none"),
        ("sngan_resnet", {}, "none"),
    ],
)
def test_own_norm_of_a_discriminator_depends_on_the_regularizers(name, regularizers, norm):
    run = parameters(name) | {"regularizers": regularizers}
    assert architectures.resolve_norms(run)["discriminator_norm"] == norm
    discriminator = build_discriminator(run, (3, 32, 32))
    assert mixes_samples(discriminator) == (norm == "batch")


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_norm_that_a_study_names_stays_whatever_the_regularizers(norm):
    run = parameters("dcgan", discriminator_norm=norm) | {"regularizers": PENALISED}
    assert architectures.resolve_norms(run)["discriminator_norm"] == norm


def test_initial_weights_are_those_of_each_paper():
    with randomness.global_stream("any", 0, "test"):
        infogan = build_generator(parameters("infogan", width=64), (1, 28, 28))
        sngan = build_generator(parameters("sngan_resnet", width=16), (3, 32, 32))
    assert float(infogan.layers[0].weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    convolution = sngan.blocks[0].residual[3].weight.detach()
    # Glorot's uniform with gain √2: variance 2·2/(fan_in + fan_out)
    expected = (4 / (2 * convolution[0].numel())) ** 0.5
    assert float(convolution.std()) == pytest.approx(expected, rel=0.05)
    for network in (infogan, sngan):
        biases = [value for name, value in network.named_parameters() if name.endswith("bias")]
        assert all((value == 0).all() for value in biases)
