"""Evaluation: what generated images are worth, measured in the features of an extractor."""

from ganbench.evaluation.reference import Reference, make_reference
from ganbench.evaluation.score import score_run

__all__ = ["Reference", "make_reference", "score_run"]
