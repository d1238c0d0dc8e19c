"""The real images that generated ones are compared with: measured once, loaded by every scoring."""

from pathlib import Path

import numpy as np
import torch

from ganbench.catalogue import metrics
from ganbench.evaluation.distances import mean_distance, nearest_distances, tie, variance
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_metrics import RealImages, kernel_scale
from ganbench.evaluation.feature_sets import from_arrays, summarise_features
from ganbench.evaluation.gaussian_kernel import choose_bandwidth, mean_gaussian_within

SPLITS = ("train", "held_out")


def measure_real(features: dict[str, Features], extractor: str) -> RealImages:
    """Computes once what metrics need of real images, from the features of `train` and `held_out`.

    Metrics depend on the number of images. So both references have as many as the smaller split:
    the first ones, since splits are shuffled. Raises ValueError where all features are zero, or
    where every held-out image has the features of a training image.
    """
    train = features["train"].features
    if not train.any():
        raise ValueError("the extractor's features of all training images are zero")
    scale = kernel_scale(train, extractor)
    count = min(len(images.features) for images in features.values())
    references = {
        split: summarise_features(features[split].features[:count], scale) for split in SPLITS
    }
    nearest = nearest_distances(references["held_out"].features, train)
    distance = mean_distance(nearest)
    if distance <= 1e-6 * float(variance(train).sqrt()):  # zero up to rounding
        raise ValueError(
            "every held-out image has the features of a training image: are the splits disjoint?"
        )
    copy_distance = nearest.sort().values[metrics.copy_rank(count) - 1] + tie(train)
    bandwidth = choose_bandwidth(train)
    return RealImages(
        references,
        train,
        scale,
        distance,
        float(copy_distance),
        bandwidth,
        kernels={
            split: mean_gaussian_within(images.features, bandwidth)
            for split, images in references.items()
        },
    )


def load_real(features_file: Path, device: torch.device | str = "cpu") -> RealImages:
    """Loads the real images that `make_reference` measured, on `device`."""
    with np.load(features_file) as arrays:
        references = {}
        for split in SPLITS:
            count = len(arrays[f"{split}_radii"])
            features = torch.from_numpy(arrays[split][:count]).to(device)
            references[split] = from_arrays(split, features, arrays)
        return RealImages(
            references,
            train=torch.from_numpy(arrays["train"]).to(device),
            scale=float(arrays["scale"]),
            held_out_distance=float(arrays["held_out_distance"]),
            copy_distance=float(arrays["copy_distance"]),
            bandwidth=float(arrays["bandwidth"]),
            kernels={split: float(arrays[f"{split}_gaussian"]) for split in SPLITS},
        )
