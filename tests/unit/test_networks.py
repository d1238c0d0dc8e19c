"""Networks, latents and random streams."""

import pytest
import torch
from ganbench import randomness
from ganbench.latents import sample_latents
from ganbench.networks import NETWORKS, build_discriminator, build_generator, count_parameters


def parameters(name: str = "dcgan", width: int = 4) -> dict:
    return {"network": {"name": name, "width": width}, "latent": {"size": 6, "prior": "normal"}}


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_generators_make_images_and_discriminators_logits(name, shape):
    latent = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    images = build_generator(parameters(name), shape)(latent)
    assert images.shape == (5, *shape)
    assert images.abs().max() <= 1
    assert build_discriminator(parameters(name), shape)(images).shape == (5,)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_logit_depends_on_its_own_image_alone(name):
    discriminator = build_discriminator(parameters(name), (1, 8, 8))
    images = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(discriminator(images)[:3], discriminator(images[:3]))


def test_odd_resolutions_are_refused_by_name():
    with pytest.raises(ValueError, match="27 cannot be halved"):
        build_generator(parameters(), (1, 27, 27))


def test_parameters_are_counted():
    # 1·w·16 + w, w·2w·16 + 2w, 2w·2·2 + 1 at w = 4
    assert count_parameters(build_discriminator(parameters(), (1, 8, 8))) == 68 + 520 + 33


@pytest.mark.parametrize(
    ("prior", "low", "std"), [("normal", -6.0, 1.0), ("uniform", -1.0, (1 / 3) ** 0.5)]
)
def test_priors_have_their_moments(prior, low, std):
    latents = sample_latents({"size": 8, "prior": prior}, 20_000, torch.Generator().manual_seed(0))
    assert latents.shape == (20_000, 8)
    assert latents.min() >= low
    assert (prior == "normal") == bool(latents.max() > 1)
    assert float(latents.mean()) == pytest.approx(0, abs=0.01)
    assert float(latents.std()) == pytest.approx(std, rel=0.01)


def test_streams_differ_by_dataset_seed_and_name():
    keys = [("a", 0, "x"), ("b", 0, "x"), ("a", 1, "x"), ("a", 0, "y"), ("a", 10, "x")]
    assert len({randomness.stream_seed(*key) for key in keys}) == len(keys)


def test_initialising_leaves_the_global_generator_as_it_was():
    state = torch.get_rng_state()
    with randomness.initialising("digits", 0, "weights"):
        first = torch.rand(3)
    with randomness.initialising("digits", 0, "weights"):
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.get_rng_state(), state)
