"""Evaluation: what generated images are worth, measured in the features of an extractor."""

from ganbench.evaluation.reference import Reference, make_reference
from ganbench.evaluation.score import score_run
from ganbench.evaluation.score_density import make_density_floor, score_density_run

__all__ = [
    "Reference",
    "make_density_floor",
    "make_reference",
    "score_density_run",
    "score_run",
]
