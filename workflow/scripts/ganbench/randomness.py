"""Named random streams: the only place that makes seeds and generators.

A stream is keyed by dataset, seed and name, never by variant (matched seeds): two variants with
one seed start from the same weights, see the same batches and the same latents.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def stream_seed(dataset: str, seed: int, name: str) -> int:
    """The 63-bit seed of one named stream, from SHA-256 of its key."""
    digest = hashlib.sha256(f"{dataset}/{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(
    dataset: str, seed: int, name: str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator of its own for one named stream, on `device`."""
    return torch.Generator(device).manual_seed(stream_seed(dataset, seed, name))


def numpy_generator(dataset: str, seed: int, name: str) -> np.random.Generator:
    """The same for NumPy, on the CPU."""
    return np.random.default_rng(stream_seed(dataset, seed, name))


@contextmanager
def initialising(dataset: str, seed: int, name: str) -> Iterator[None]:
    """Within it torch's global generator is the named stream, and afterwards what it was before.

    For initial weights, which torch's modules draw from the global generator. They are drawn on
    the CPU, so that they are the same on every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(dataset, seed, name))
        yield


def use_deterministic_kernels(threads: int) -> None:
    """Make equal inputs give equal bits: deterministic kernels and a fixed number of CPU threads.

    Call it before the first CUDA call: cuBLAS reads its workspace setting only then.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # the same as use_deterministic_algorithms(True), without importing torch's compiler
    torch.set_deterministic_debug_mode("error")
    # nothing here reads memory that it has not written; filling it first takes a tenth of a step
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32, as it is in matrix products
