"""Sets of features, and their scores."""

import torch
from ganbench.catalogue import metrics
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_sets import FeatureSet, describe
from ganbench.evaluation.reference import measure_real


def normal(count: int, size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, size, generator=generator, dtype=torch.float64)


def described(features: torch.Tensor, scale: float = 1.0) -> FeatureSet:
    return describe(features, scale)


def real_images(train: torch.Tensor, held_out: torch.Tensor) -> fm.RealImages:
    return measure_real({"train": Features(train, None), "held_out": Features(held_out, None)})


def scores(generated: torch.Tensor, real: fm.RealImages) -> dict[tuple[str, str], float]:
    found = fm.score(Features(generated, None), real, "vgg16")
    return {(metrics.base_name(name), reference): value for reference, name, value in found}
