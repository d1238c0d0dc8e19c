"""What each metric is called, what it means and which direction is better."""

from dataclasses import dataclass
from typing import Literal

INCEPTION = "inception-v3-compat"
"""The extractor whose features give a metric its plain name (FID, IS, KID)."""


@dataclass(frozen=True)
class Metric:
    """One metric of generated images against real ones, over features of an extractor."""

    name: str
    title: str
    better: Literal["lower", "higher"]
    has_reference: bool
    definition: str
    citation: str


_METRICS = (
    Metric(
        "FD",
        "Fréchet distance",
        "lower",
        True,
        "‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) between Gaussians fitted to the features of "
        "generated and of real images. Biased upwards at small sample counts: compare with the "
        "floor, which has the same count.",
        "Heusel et al. 2017, GANs trained by a two time-scale update rule, Theorem 1 and Eq. 6",
    ),
    Metric(
        "IS",
        "Inception score",
        "higher",
        False,
        "exp E KL(p(y|x) ‖ p(y)) over the classes that the extractor predicts for generated "
        "images, averaged over 10 splits. It looks at no real image.",
        "Salimans et al. 2016, Improved techniques for training GANs, Section 4",
    ),
    Metric(
        "KID",
        "Kernel distance",
        "lower",
        True,
        "Unbiased squared maximum mean discrepancy with the kernel (xᵀy/d + 1)³, averaged over "
        "subsets. Features are first divided by the mean norm of the train features and "
        "multiplied by √d.",
        "Bińkowski et al. 2018, Demystifying MMD GANs, Section 4",
    ),
    Metric(
        "precision",
        "Precision",
        "higher",
        True,
        "Share of generated images that lie within the k-nearest-neighbour balls (k = 3) of the "
        "real images.",
        "Kynkäänniemi et al. 2019, Improved precision and recall metric, Eq. 1–3",
    ),
    Metric(
        "recall",
        "Recall",
        "higher",
        True,
        "Share of real images that lie within the k-nearest-neighbour balls (k = 3) of the "
        "generated images.",
        "Kynkäänniemi et al. 2019, Improved precision and recall metric, Eq. 1–3",
    ),
)

DEFINITIONS: dict[str, Metric] = {metric.name: metric for metric in _METRICS}
"""Every metric by its base name, in the order of tables."""


def qualified(base_name: str, extractor: str) -> str:
    """The name a score carries: `FD-classifier`; plain `FID`, `IS` only for Inception-v3."""
    if extractor == INCEPTION:
        return "FID" if base_name == "FD" else base_name
    return f"{base_name}-{extractor}"


def base(qualified_name: str) -> str:
    """The base name behind a qualified one: `FD-classifier` and `FID` are both `FD`."""
    if qualified_name == "FID":
        return "FD"
    return qualified_name.split("-", 1)[0]
