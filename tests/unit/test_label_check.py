"""A classifier that is no better than naming the largest class shows classes without meaning."""

import pytest
import torch
from ganbench.evaluation.label_check import MeaninglessLabelsError, check_accuracy
from ganbench.jobs.errors import ActionableError
from scipy import stats


def check(right, labels):
    check_accuracy(torch.arange(len(labels)) < right, labels, "shards")


def make_labels(*counts):
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


@pytest.mark.parametrize("counts", [(50, 50), (20, 20, 20, 20, 20), (90, 10), (300, 100)])
def test_accuracy_must_exceed_the_largest_class_beyond_chance(counts):
    labels, total = make_labels(*counts), sum(counts)
    chance = max(counts) / total
    # Wilson's lower limit exceeds the chance where the score test rejects it
    least = next(
        right
        for right in range(total + 1)
        if (right / total - chance) / (chance * (1 - chance) / total) ** 0.5 > stats.norm.ppf(0.975)
    )
    check(least, labels)
    with pytest.raises(MeaninglessLabelsError):
        check(least - 1, labels)
    assert stats.binom.sf(least - 1, total, chance) < 0.05  # how often chance alone gets there


def test_message_has_the_numbers_and_the_ways_out():
    with pytest.raises(ActionableError) as error:
        check(22, make_labels(20, 20, 20, 20, 20))
    for words in (
        "the classifier trained on shards names the class of 22.0% of 100 held-out images",
        "naming the largest class for all (20.0%)",
        "sort the images into folders by what they show",
        "`labels: none`",
        "`evaluation: {extractor: ",
        "vgg16",
    ):
        assert words in str(error.value)
