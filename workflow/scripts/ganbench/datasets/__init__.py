"""Datasets: where images come from, how they are split, and the card that says so."""

from ganbench.datasets.prepare import Outputs, prepare

__all__ = ["Outputs", "prepare"]
