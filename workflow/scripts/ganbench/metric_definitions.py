"""The catalogue of metrics: what each one means and which direction is better."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric of generated images against real ones, over features of an extractor."""

    name: str
    title: str
    better: Literal["lower", "higher", "neither"]
    has_reference: bool
    definition: str
    citation: str


FEATURE_METRICS = (
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
        "Unbiased squared maximum mean discrepancy with the kernel (xᵀy/d + 1)³, over all pairs "
        "of images; no subset is drawn. Features are first divided by the mean norm of the train "
        "features and multiplied by √d.",
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
    Metric(
        "density",
        "Density",
        "higher",
        True,
        "Mean number of real images' k-nearest-neighbour balls (k = 5) that a generated image lies "
        "in, divided by k. About 1 for fresh real images; can exceed 1 where generated images "
        "crowd where real ones do.",
        "Naeem et al. 2020, Reliable fidelity and diversity metrics for generative models, "
        "Section 3",
    ),
    Metric(
        "coverage",
        "Coverage",
        "higher",
        True,
        "Share of real images whose k-nearest-neighbour ball (k = 5) holds a generated image. "
        "About 1 − 2⁻⁵ = 0.97 for as many fresh real images.",
        "Naeem et al. 2020, Reliable fidelity and diversity metrics for generative models, "
        "Section 3",
    ),
    Metric(
        "memorisation",
        "Relative distance to the training images",
        "neither",
        True,
        "Mean distance, in features, of generated images to the nearest of all training images, "
        "divided by the same for held-out images. About 1 for fresh real images; below 1, closer "
        "to the training images than those are, and near 0 for copies; above 1, further away.",
        "After Meehan et al. 2020, A non-parametric test to detect data-copying in generative "
        "models, Section 3",
    ),
)

DENSITY_METRICS = (
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
