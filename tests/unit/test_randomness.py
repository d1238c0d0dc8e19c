"""Named random streams, and the latents drawn from them."""

import pytest
import torch
from ganbench import randomness
from ganbench.jobs.seeds import stream_seed
from ganbench.samples import sample_latents


def test_streams_differ_by_dataset_seed_and_name():
    keys = [("a", 0, "x"), ("b", 0, "x"), ("a", 1, "x"), ("a", 0, "y"), ("a", 10, "x")]
    assert len({stream_seed(*key) for key in keys}) == len(keys)


def test_seed_of_a_stream_is_the_one_of_published_runs():
    assert stream_seed("digits", 3, "data order") == 6_482_431_344_907_641_093


def test_global_stream_is_repeatable_and_restores_the_global_generator():
    state = torch.get_rng_state()
    with randomness.global_stream("digits", 0, "weights"):
        first = torch.rand(3)
    with randomness.global_stream("digits", 0, "weights"):
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("prior", "low", "std"), [("normal", -6.0, 1.0), ("uniform", -1.0, (1 / 3) ** 0.5)]
)
def test_latents_have_the_moments_of_their_prior(prior, low, std):
    latents = sample_latents({"size": 8, "prior": prior}, 20_000, torch.Generator().manual_seed(0))
    assert latents.shape == (20_000, 8)
    assert latents.min() >= low
    assert (prior == "normal") == bool(latents.max() > 1)
    assert float(latents.mean()) == pytest.approx(0, abs=0.01)
    assert float(latents.std()) == pytest.approx(std, rel=0.01)
