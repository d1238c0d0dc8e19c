"""How much is computed at once: as before on a CPU, in few equal batches of bounded memory else."""

import math

import pytest
import torch
from ganbench.evaluation.batches import (
    ACTIVATION_BYTES,
    PIXEL_BYTES,
    block_size,
    choose_batch_size,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
SIDES = [8, 28, 32, 64, 128, 224, 299]


def test_blocks_of_a_cpu_fit_its_cache_and_those_of_a_gpu_its_memory():
    assert block_size(CPU) == 1000
    assert 2 * 4 * block_size(GPU) ** 2 <= 1 << 28  # two float32 matrices in 256 MiB


@pytest.mark.parametrize("side", SIDES)
def test_batches_of_a_cpu_stay_as_they_are(side):
    assert choose_batch_size(CPU, 10_000, (side, side), on_cpu=50) == 50


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", [1, 16, 100, 599, 10_000, 50_000])
def test_batches_of_a_gpu_are_equal_and_bounded(side, count):
    size = choose_batch_size(GPU, count, (side, side), on_cpu=50)
    assert size * side**2 * PIXEL_BYTES <= ACTIVATION_BYTES or size <= 50
    batches = math.ceil(count / size)
    assert 0 <= batches * size - count < batches


def test_small_images_are_computed_in_few_batches():
    assert choose_batch_size(GPU, 10_000, (28, 28), on_cpu=50) == 334
    assert choose_batch_size(GPU, 0, (28, 28), on_cpu=50) == 1
