"""What a dataset's scores say beside the leaderboard: whether metrics agree, and what is copied."""

from itertools import combinations

import pandas as pd
from scipy.stats import betabinom, kendalltau

from ganbench.catalogue.metrics import base_name, copy_rank
from ganbench.evidence.final_scores import final_repeats, select
from ganbench.report.measures import final_means
from ganbench.report.results import Results
from ganbench.wording import listing, number

DISTANCES = ("FD", "FD_infinity", "MMD2")
"""The metrics whose orders of the variants are compared."""

SAME_ORDER = 0.999
"""A Kendall's τ from which on two orders are the same, but for rounding."""

COPIES_NAMED = 5
"""The runs with copies that are named, those with the largest share first."""


def note_scores(results: Results, summary: pd.DataFrame) -> dict[str, list[str]]:
    """The notes on each dataset."""
    return {
        dataset: [
            note
            for note in (
                describe_agreement(summary, dataset),
                describe_copying(results, dataset),
            )
            if note
        ]
        for dataset in results.datasets
    }


def describe_agreement(summary: pd.DataFrame, dataset: str) -> str:
    """Whether the distances rank a dataset's variants alike; nothing if fewer than two do."""
    means = {
        metric: final_means(summary, dataset, metric, "held_out")
        for metric in summary.loc[summary["dataset"] == dataset, "metric"].unique()
        if base_name(metric) in DISTANCES
    }
    variants = [
        name for name in summary["variant"].unique() if all(name in m for m in means.values())
    ]
    if len(means) < 2 or len(variants) < 2:
        return ""
    agreements = {
        f"{first} and {second}": kendalltau(
            [means[first][name] for name in variants], [means[second][name] for name in variants]
        ).statistic
        for first, second in combinations(means, 2)
    }
    if min(agreements.values()) > SAME_ORDER:
        return f"{listing(list(means))} rank the {len(variants)} variants in the same order."
    taus = listing([f"{number(tau)} between {pair}" for pair, tau in agreements.items()])
    return (
        f"The order of the {len(variants)} variants depends on the metric: Kendall’s τ is {taus} "
        "(1 is the same order, −1 the opposite one)."
    )


def describe_copying(results: Results, dataset: str) -> str:
    """The runs that copy more training images than real images would, with the limit of chance.

    A real image is one of the copies with probability rank / (held-out images + 1), and how many of
    n are has a beta-binomial distribution. The limit is Bonferroni's, for all runs together.
    """
    scores = select(final_repeats(results.scores, results.runs), dataset=dataset, repeat=0)
    scores = scores[scores["metric"].map(base_name) == "copies"]
    if scores.empty:
        return ""
    held_out = results.extractors[dataset]["reference_images"]["held_out"]
    count = int(select(results.floors, dataset=dataset)["n"].iloc[0])
    rank, confidence = copy_rank(held_out), results.study["report"]["confidence"]
    chance = betabinom(count, rank, held_out + 1 - rank)
    limit = float(chance.ppf(1 - (1 - confidence) / len(scores))) / count
    copying = scores[scores["value"] > limit].sort_values("value", ascending=False, kind="stable")
    real = (
        f"Of the {count:,} samples of a run, {_percent(rank / (held_out + 1))} would count as "
        "copies of training images if they were new real images"
    )
    if copying.empty:
        return f"{real}. No run has more than the {_percent(limit)} that chance can explain."
    runs = [
        f"{run.variant} seed {run.seed} ({_percent(run.value)})" for run in copying.itertuples()
    ]
    return (
        f"{real}. These runs have more than the {_percent(limit)} that chance can explain: "
        f"{listing(runs, COPIES_NAMED)}. Their nearest.csv names the images."
    )


def _percent(share: float) -> str:
    return f"{number(100 * share)} %"
