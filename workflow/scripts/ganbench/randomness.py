"""Named random streams: the generators of everything random in a run and its scores.

A stream is keyed by dataset, seed and name, never by variant, so that seeds are matched: two
variants with one seed start from the same weights and see the same batches and latents.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import numpy as np
import torch

from ganbench.jobs.seeds import stream_seed


class Stream(StrEnum):
    """Every random stream. A name is part of the seed: renaming one changes results."""

    INITIAL_GENERATOR = "initial generator"
    INITIAL_DISCRIMINATOR = "initial discriminator"
    SPECTRAL_NORM = "spectral norm"
    DATA_ORDER = "data order"
    DISCRIMINATOR_NOISE = "discriminator noise"
    GENERATOR_NOISE = "generator noise"
    PENALTY_NOISE = "penalty noise"
    AUGMENTED_REAL = "augmented real"
    AUGMENTED_FAKE = "augmented fake"
    GENERATOR_AUGMENTED_REAL = "generator augmented real"
    GENERATOR_AUGMENTED_FAKE = "generator augmented fake"
    STOPPING_NOISE = "stopping noise"
    SAMPLE_LATENTS = "sample latents"
    INITIAL_EXTRACTOR = "initial extractor"
    EXTRACTOR_DATA_ORDER = "extractor data order"
    EVALUATION_NOISE = "evaluation noise"
    EVALUATION_DATA = "evaluation data"
    STANDING_MOMENTS = "standing moments"
    DUALITY_GAP_NOISE = "duality gap noise"
    FLOOR = "floor"

    def repeat(self, number: int) -> str:
        """The name of this stream's repeat `number`, counted from 0."""
        return f"{self.value} {number}" if number else self.value


def generator(
    dataset: str, seed: int, name: str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """The torch generator of one named stream, on `device`."""
    return torch.Generator(device).manual_seed(stream_seed(dataset, seed, name))


def numpy_generator(dataset: str, seed: int, name: str) -> np.random.Generator:
    """The NumPy generator of one named stream."""
    return np.random.default_rng(stream_seed(dataset, seed, name))


@contextmanager
def global_stream(dataset: str, seed: int, name: str) -> Iterator[None]:
    """A context in which torch's global generator is the named stream; restores it afterwards.

    torch's modules draw their initial weights from the global generator. Build them on the CPU, so
    that they are the same for every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(dataset, seed, name))
        yield


def use_deterministic_kernels(threads: int) -> None:
    """Makes equal inputs give equal bits: deterministic kernels and a fixed number of CPU threads.

    Call it before the first CUDA call: cuBLAS reads its workspace setting only then.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # the same as use_deterministic_algorithms(True), without importing torch's compiler
    torch.set_deterministic_debug_mode("error")
    # this program reads no memory that it has not written; filling it costs a tenth of a step
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    # another run of this process may have allowed it
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
