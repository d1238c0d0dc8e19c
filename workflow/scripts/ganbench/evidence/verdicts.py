"""What one comparison with the baseline shows: one of four verdicts.

better | worse | no difference larger than X shown | cannot tell with n seeds
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ganbench.evidence.wording import Row, count, listed, measure, numbers, percent, rounded
from ganbench.metrics import DEFINITIONS, base

Finals = Mapping[tuple[str, str], Row]
"""The summary rows of one metric and reference, by (dataset, variant)."""

MINIMUM_PAIRS = 3
"""Fewer shared seeds than this decide nothing."""

WIDEST_INFORMATIVE_SHARE = 0.5
"""An interval that reaches further than this share of the baseline's mean says nothing."""

BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference"
CANNOT_TELL = "cannot tell"

_PHRASES = {
    BETTER: "{} did better",
    WORSE: "{} did worse",
    NO_DIFFERENCE: "no difference was shown for {}",
    CANNOT_TELL: "the seeds cannot tell for {}",
}


def verdict(row: Row, baseline_mean: float, confidence: float = 0.95) -> str:
    """The verdict on one comparison: `row` has the columns of `comparisons.csv`, verdict aside.

    `baseline_mean` is the mean score of the baseline over the shared seeds. In this order:

    1. Every shared seed has the very same score under both: no difference larger than 0 shown.
    2. Under `MINIMUM_PAIRS` shared seeds: cannot tell. One has no interval; the test of two asks
       only how alike their differences are, and two that agree by luck, as shares out of a few
       hundred images often do, would be called a finding.
    3. Significant after Holm's correction: better or worse, in the metric's direction.
    4. The interval reaches at most X = max(|ci_low|, |ci_high|) from zero. Up to
       `WIDEST_INFORMATIVE_SHARE` of the baseline's mean: no difference larger than X shown.
    5. Beyond: cannot tell. Between minimax and non-saturating lie 10 to 31 % on the four datasets
       of Lucic et al. 2018 (best FIDs): an interval that reaches past half of the score excludes no
       answer one would expect, and naming X would claim knowledge that the seeds do not give.
    """
    n_pairs = int(row["n_pairs"])
    reach = max(abs(row["ci_low"]), abs(row["ci_high"]))
    cannot_tell = f"{CANNOT_TELL} with {count(n_pairs, 'seed')}"
    if n_pairs < MINIMUM_PAIRS and reach != 0:
        return cannot_tell
    if row["p_adjusted"] < 1.0 - confidence:
        return BETTER if improves(row["metric"], row["difference"]) else WORSE
    if reach <= WIDEST_INFORMATIVE_SHARE * abs(baseline_mean):
        return f"{NO_DIFFERENCE} larger than {rounded(reach)} shown"
    return cannot_tell


def improves(metric: str, difference: float) -> bool:
    """Whether a difference (variant − baseline) of `metric` is in the variant's favour."""
    return (difference < 0) == (DEFINITIONS[base(metric)].better == "lower")


def kind(text: str) -> str:
    """Which of the four verdicts a verdict's text is, without its number."""
    return next(k for k in (BETTER, WORSE, NO_DIFFERENCE, CANNOT_TELL) if text.startswith(k))


def sentence(
    row: Row, variant: Row, baseline: Row, confidence: float = 0.95, failures: bool = True
) -> str:
    """One comparison in plain English, from its numbers.

    `row` is a row of `comparisons.csv`, `variant` and `baseline` the rows of `summary.csv` for the
    same dataset, metric and reference. With `failures`, runs without a score are counted after it.
    """
    power = kind(row["verdict"]) == CANNOT_TELL
    evidence = numbers(row, variant, baseline, confidence, power)
    text = f"On {row['dataset']}, {_claim(row)}{evidence}."
    for side in (variant, baseline) if failures else ():
        if side["failed"]:
            runs = count(int(side["n"] + side["failed"]), "run")
            text += f" {side['failed']} of {runs} of {side['variant']} failed."
    return text


def _claim(row: Row) -> str:
    """What the verdict says about these two variants and this metric."""
    variant, baseline, metric = row["variant"], row["baseline"], measure(row)
    lower_or_higher = "lower" if row["difference"] < 0 else "higher"
    found = kind(row["verdict"])
    if found == BETTER:
        return f"{variant} reached a {lower_or_higher} {metric} than {baseline}"
    if found == WORSE:
        return f"{variant} reached a {lower_or_higher} (worse) {metric} than {baseline}"
    if found == NO_DIFFERENCE and row["ci_low"] == row["ci_high"] == 0:
        return f"{variant} and {baseline} reached the same {metric} for every shared seed"
    if found == NO_DIFFERENCE:
        larger_than_x = row["verdict"].removesuffix(" shown")
        return f"{larger_than_x} in {metric} was shown between {variant} and {baseline}"
    if row["n_pairs"] == 0:
        return f"{variant} and {baseline} share no completed seed that {metric} could compare"
    seeds = count(int(row["n_pairs"]), "seed")
    return f"{seeds} cannot tell whether {variant} differs from {baseline} in {metric}"


def headline(
    comparisons: pd.DataFrame, summary: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> str:
    """The answer of each dataset's primary metric and how sure it is, a sentence a metric.

    `study` is the resolved study; `runs` has one row per run with its `status`.
    """
    confidence = study["report"]["confidence"]
    sentences, compared = [], []
    for (metric, reference), datasets in _primaries(study).items():
        rows, finals = (
            table[_is(table, metric, reference) & table["dataset"].isin(datasets)]
            for table in (comparisons, summary)
        )
        by_place: Finals = {(row["dataset"], row["variant"]): row for _, row in finals.iterrows()}
        if len(rows) > 1:
            sentences.append(_overview(rows, by_place))
            compared.append(rows)
        elif len(rows) == 1:
            row = rows.iloc[0]
            sides = [by_place[row["dataset"], row[side]] for side in ("variant", "baseline")]
            sentences.append(sentence(row, *sides, confidence, failures=False))
        else:
            sentences.append(_without_comparison(metric, finals))
    closing = [_certainty(pd.concat(compared), confidence)] if compared else []
    if diverged := int((runs["status"] == "diverged").sum()):
        closing += [f"{diverged} of {count(len(runs), 'run')} diverged"]
    return " ".join(sentences) + (f" {'; '.join(closing)}." if closing else "")


def _primaries(study: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """The datasets that each primary metric, with its reference, answers for."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, dataset in study["datasets"].items():
        primary = dataset["primary"]
        found.setdefault((primary["metric"], primary["reference"]), []).append(name)
    return found


def _is(table: pd.DataFrame, metric: str, reference: str) -> pd.Series:
    return (table["metric"] == metric) & (table["reference"] == reference)


def _overview(rows: pd.DataFrame, finals: Finals) -> str:
    """Which variants did better, which worse than the baseline, for several comparisons."""
    first, datasets = rows.iloc[0], rows["dataset"].unique()
    clauses = []
    for found, phrase in _PHRASES.items():
        group = rows[rows["verdict"].map(kind) == found]
        if len(group):
            clauses.append(phrase.format(_names(group, len(datasets))))
        if len(group) and found == BETTER and len(datasets) == 1:
            clauses[-1] += _best(group, finals)
    where = f" on {datasets[0]}" if len(datasets) == 1 else ""
    return f"By {measure(first)}{where}, against {first['baseline']}: {'; '.join(clauses)}."


def _names(group: pd.DataFrame, n_datasets: int) -> str:
    """The variants of a group, each with its datasets where the study has several."""
    if n_datasets == 1:
        return listed(list(group["variant"]))
    datasets = group.groupby("variant", sort=False)["dataset"]
    return listed([f"{variant} (on {listed(list(on))})" for variant, on in datasets])


def _best(better: pd.DataFrame, finals: Finals) -> str:
    """The furthest from the baseline among the better variants, with both means."""
    best = better.loc[better["difference"].abs().idxmax()]
    variant, baseline = (finals[best["dataset"], best[side]] for side in ("variant", "baseline"))
    name = f"best: {best['variant']}, " if len(better) > 1 else ""
    return f" ({name}{rounded(variant['mean'])} against {rounded(baseline['mean'])})"


def _certainty(rows: pd.DataFrame, confidence: float) -> str:
    """How far several verdicts can be trusted."""
    fewest, most = int(rows["n_pairs"].min()), int(rows["n_pairs"].max())
    seeds = count(most, "shared seed") if fewest == most else f"{fewest} to {most} shared seeds"
    level = f"{percent(confidence)} confidence after Holm's correction"
    return f"Each verdict rests on {seeds}, at {level}"


def _without_comparison(metric: str, finals: pd.DataFrame) -> str:
    """The answer of a study in which nothing was compared."""
    scored = finals[finals["n"] > 0]
    if len(scored) == 0:
        return f"No run has a final {metric}: there is nothing to compare."
    places = [
        f"{rounded(row['mean'])} on {row['dataset']} ({count(row['n'], 'seed')})"
        for _, row in scored.iterrows()
    ]
    return f"{scored.iloc[0]['variant']} was trained alone: {metric} {listed(places)}."
