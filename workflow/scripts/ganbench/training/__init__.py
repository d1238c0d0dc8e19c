"""Training: Goodfellow et al. 2014, Algorithm 1, for any objective."""

from ganbench.training.checkpoint import Checkpoints
from ganbench.training.loop import train
from ganbench.training.records import Outputs

__all__ = ["Checkpoints", "Outputs", "train"]
