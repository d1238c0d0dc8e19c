"""Whether the classes of a dataset say anything about its images."""

from torch import Tensor

from ganbench.catalogue.extractors import PRETRAINED
from ganbench.evidence.proportions import wilson
from ganbench.jobs.errors import ActionableError

CONFIDENCE = 0.95
"""Of the two-sided interval whose lower limit must lie above the largest class's share: classes
without meaning pass in 2.5 % of all datasets."""


class MeaninglessLabelsError(ActionableError):
    """A classifier cannot tell the classes apart; the message says what to do."""


def largest_share(labels: Tensor) -> float:
    """The share of the most frequent class: the accuracy of naming it for every image."""
    return float(labels.bincount().max()) / len(labels)


def check_accuracy(correct: Tensor, labels: Tensor, dataset: str) -> None:
    """Raises MeaninglessLabelsError unless more images are classified right than by chance.

    `correct` says which held-out images were, `labels` are their classes. Chance is the share of
    the largest class; accuracy must exceed it by Wilson's interval.
    """
    chance, count = largest_share(labels), int(correct.sum())
    accuracy = wilson(count, len(correct), CONFIDENCE)
    if accuracy.low > chance:
        return
    raise MeaninglessLabelsError(
        f"evaluation.extractor: the classifier trained on {dataset} names the class of "
        f"{accuracy.estimate:.1%} of {len(correct):,} held-out images (95 % interval "
        f"{accuracy.low:.1%} to {accuracy.high:.1%}), no better than naming the largest class for "
        f"all ({chance:.1%}). Its classes say nothing about the images, as with numbered folders "
        "or dates, and its features would mean nothing. Either sort the images into folders by "
        "what they show, or do without classes: `labels: none` for an image_folder, together with "
        f"`evaluation: {{extractor: {PRETRAINED[0]}}}` or another of {', '.join(PRETRAINED)}"
    )
