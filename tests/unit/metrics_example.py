"""Features drawn from Gaussians, and their scores."""

import torch
from ganbench.catalogue import metrics
from ganbench.evaluation import feature_metrics
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_metrics import RealImages
from ganbench.evaluation.feature_sets import FeatureSet, summarise_features
from ganbench.evaluation.real_images import measure_real

EXTRACTOR = "vgg16"


def normal(count: int, size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, size, generator=generator, dtype=torch.float64)


def feature_set(features: torch.Tensor) -> FeatureSet:
    return summarise_features(features, scale=1.0)


def real_images(train: torch.Tensor, held_out: torch.Tensor) -> RealImages:
    features = {"train": Features(train, None), "held_out": Features(held_out, None)}
    return measure_real(features, EXTRACTOR)


def compute_scores(generated: torch.Tensor, real: RealImages) -> dict[tuple[str, str], float]:
    """Every score by its base name and its reference."""
    scores = feature_metrics.score_features(Features(generated, None), real, EXTRACTOR)
    return {(metrics.base_name(name), reference): value for reference, name, value in scores}
