"""Loads a GPU's libraries while a job reads its files."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch.nn import functional


@contextmanager
def warming_up(device: torch.device) -> Iterator[None]:
    """Lets `device` load its libraries in a thread while the block runs, and waits for it.

    Raises what the device raises. Does nothing on a CPU.
    """
    if device.type == "cpu":
        yield
        return
    with ThreadPoolExecutor(max_workers=1) as thread:
        libraries = thread.submit(use_libraries, device)
        yield
        libraries.result()


@torch.no_grad()
def use_libraries(device: torch.device) -> None:
    """Computes a convolution, its transpose and products of matrices, in both precisions."""
    images, weights = torch.ones(8, 4, 8, 8, device=device), torch.ones(4, 4, 4, 4, device=device)
    functional.conv2d(images, weights, stride=2, padding=1)
    functional.conv_transpose2d(images, weights, stride=2, padding=1)
    for precision in (torch.float32, torch.float64):
        matrix = torch.ones(64, 64, dtype=precision, device=device)
        torch.mm(matrix, matrix).sum().item()  # waits
