"""What each metric is called, what it means and which direction is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

INCEPTION = "inception-v3-compat"
"""The extractor whose features give a metric its plain name (FID, IS, KID)."""


@dataclass(frozen=True)
class Metric:
    """One metric of generated images against real ones, over features of an extractor."""

    name: str
    title: str
    better: Literal["lower", "higher", "neither"]
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

_DENSITY_METRICS = (
    Metric(
        "JSD",
        "Jensen–Shannon divergence",
        "lower",
        False,
        "½ KL(p_data ‖ m) + ½ KL(p_g ‖ m) with m = (p_data + p_g)/2, in nats, on a grid: p_data "
        "exact in each cell, p_g from many samples. From 0 to log 2; the floor is what as many "
        "real points score.",
        "Lin 1991, Divergence measures based on the Shannon entropy",
    ),
    Metric(
        "modes",
        "Modes covered",
        "higher",
        False,
        "Modes that get at least a tenth of the high-quality points that p_data would give them.",
        "After Lin et al. 2018, PacGAN, Section 4.1",
    ),
    Metric(
        "high_quality",
        "Share of high-quality points",
        "higher",
        False,
        "Share of generated points within three standard deviations of the nearest mode's mean.",
        "Srivastava et al. 2017, VEEGAN, Section 5.1",
    ),
    Metric(
        "value",
        "V(D, G)",
        "neither",
        False,
        "E log D(x) + E log(1 − D(G(z))) of the trained players, by samples. −log 4 where the "
        "discriminator is undecided everywhere.",
        "Goodfellow et al. 2014, Eq. 1",
    ),
    Metric(
        "optimal_value",
        "V(D*, G)",
        "lower",
        False,
        "The same with the optimal discriminator D* = p_data/(p_data + p_g) in D's place. Equals "
        "2·JSD − log 4, least at −log 4 exactly when p_g = p_data.",
        "Goodfellow et al. 2014, Eq. 4 and Theorem 1",
    ),
    Metric(
        "discriminator_distance",
        "Distance of D from D*",
        "lower",
        False,
        "Mean of |D(x) − D*(x)| over x that are real or generated with equal chance.",
        "Goodfellow et al. 2014, Proposition 1",
    ),
    Metric(
        "duality_gap",
        "Duality gap",
        "lower",
        False,
        "max V(D', G) − min V(D, G'), each reached by an adversary with a budget of 200 Adam steps "
        "from the snapshot's own weights. Zero at the equilibrium; large where G' finds a place "
        "that D has never seen and takes for real.",
        "Grnarova et al. 2019, A domain agnostic measure for monitoring and evaluating GANs, Eq. 4",
    ),
)

DEFINITIONS: dict[str, Metric] = {metric.name: metric for metric in (*_METRICS, *_DENSITY_METRICS)}
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


def has_classes(extractor: str) -> bool:
    """Whether an extractor predicts classes, as the inception score needs."""
    return extractor in ("classifier", INCEPTION)


def minimum_samples(extractor: str) -> int:
    """The fewest images for which every metric over this extractor is defined."""
    return 50 if has_classes(extractor) else 10


def primary(dataset_type: str, evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Qualified `metric` and `reference` of the score that answers for a dataset.

    For images that of the study's `evaluation`; for points the Jensen–Shannon divergence.
    """
    if dataset_type == "points":
        return {"metric": "JSD", "reference": "none"}
    name = evaluation["primary_metric"]
    reference = evaluation["primary_reference"] if DEFINITIONS[name].has_reference else "none"
    return {"metric": qualified(name, evaluation["extractor"]), "reference": reference}
