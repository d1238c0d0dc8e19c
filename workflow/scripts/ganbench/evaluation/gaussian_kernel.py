"""The maximum mean discrepancy with a Gaussian kernel, which only equal distributions make zero.

The kernel is k(x, y) = exp(−|x − y|²/2σ²). The estimate (Gretton et al. 2012, A kernel two-sample
test, Lemma 6) is unbiased for every number of images. CMMD (Jayasumana et al. 2024) is the same
over the embeddings of CLIP, with another σ.
"""

import torch
from torch import Tensor

from ganbench.evaluation.batches import block_size
from ganbench.evaluation.distances import squared_distances, variance

IMAGES = 2_000
"""The images of each set that are compared, the first ones: all pairs of more would take long."""


def choose_bandwidth(train: Tensor) -> float:
    """σ² of the kernel: the variance of the training features `(count, size)`, over all entries.

    Two training images are then √2σ apart, in root mean square.
    """
    return float(variance(train))


def mean_gaussian_between(first: Tensor, second: Tensor, bandwidth: float) -> float:
    """The mean kernel over all pairs of an image of `first` and one of `second`."""
    first, second = first[:IMAGES], second[:IMAGES]
    total = torch.zeros((), dtype=torch.float64, device=first.device)
    for columns in second.split(block_size(second.device)):
        for rows in first.split(block_size(first.device)):
            distances = squared_distances(rows, columns)
            total += distances.mul_(-0.5 / bandwidth).exp_().sum()
    return float(total) / (len(first) * len(second))


def mean_gaussian_within(features: Tensor, bandwidth: float) -> float:
    """The mean kernel over all pairs of two different images."""
    count = min(len(features), IMAGES)
    between = mean_gaussian_between(features, features, bandwidth)
    return (count * between - 1) / (count - 1)
