"""Rows of the report's tables in plain English, each from its own numbers."""

import math

from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import (
    Row,
    count,
    decimal_places,
    fixed,
    measure_name,
    number,
    p_equals,
    percent,
)


def describe_comparison(
    row: Row, variant: Row, baseline: Row, confidence: float = 0.95, failures: bool = True
) -> str:
    """One comparison in plain English, from its numbers.

    `row` is a row of `comparisons.csv`, `variant` and `baseline` the rows of `summary.csv` for the
    same dataset, metric and reference. With `failures`, a second sentence counts the runs without a
    score, and says that the comparison is of the survivors.
    """
    evidence = _numbers(row, variant, baseline, confidence)
    text = f"On {row['dataset']}, {_claim(row)}{evidence}."
    return text + (_survivors(row, variant, baseline) if failures else "")


def _claim(row: Row) -> str:
    """What the verdict says about these two variants and this metric."""
    variant, baseline, metric = row["variant"], row["baseline"], measure_name(row)
    lower_or_higher = "lower" if row["difference"] < 0 else "higher"
    verdict = row["verdict"]
    if verdict.kind is VerdictKind.BETTER:
        return f"{variant} reached a {lower_or_higher} {metric} than {baseline}"
    if verdict.kind is VerdictKind.WORSE:
        return f"{variant} reached a {lower_or_higher} (worse) {metric} than {baseline}"
    if exactly_equal(row):
        return f"{variant} and {baseline} reached exactly the same {metric} for every shared seed"
    if verdict.kind is VerdictKind.NO_DIFFERENCE:
        return (
            f"no difference larger than {verdict.largest_difference} in {metric} was shown "
            f"between {variant} and {baseline}"
        )
    if verdict.pairs == 0:
        return f"{variant} and {baseline} share no completed seed that {metric} could compare"
    seeds = count(verdict.pairs, "seed")
    return f"{seeds} cannot tell whether {variant} differs from {baseline} in {metric}"


def _numbers(row: Row, variant: Row, baseline: Row, confidence: float) -> str:
    """What stands behind a claim: ": 31.2 against 38.4 (difference −7.2, …, p = 0.004)"."""
    if row["n_pairs"] == 0:
        return ""
    half_width = (row["ci_high"] - row["ci_low"]) / 2
    places = decimal_places(half_width, max(abs(variant["mean"]), abs(baseline["mean"])))
    text = _difference(row, places, confidence)
    if not variant["n"] == baseline["n"] == row["n_pairs"]:
        text = f"means of {variant['n']} and {count(baseline['n'], 'run')}; {text}"
    if (row["p_value"] < 1 - confidence) != (row["welch_p_value"] < 1 - confidence):
        text += f"; without pairing, p {p_equals(row['welch_p_value'])} by Welch's test"
    power = row["minimum_detectable_difference"]
    if row["verdict"].kind is VerdictKind.CANNOT_TELL and power > abs(row["difference"]):
        detectable = number(power)
        text += f"; only a difference of {detectable} or more would be found with 80 % power"
    return f": {fixed(variant['mean'], places)} against {fixed(baseline['mean'], places)} ({text})"


def _difference(row: Row, places: int, confidence: float) -> str:
    """The difference with its interval, seeds and p-values, as far as there are any."""
    seeds = count(row["n_pairs"], "shared seed")
    if exactly_equal(row):
        return seeds
    said = {name: fixed(row[name], places) for name in ("difference", "ci_low", "ci_high")}
    if row["n_pairs"] == 1:
        return f"difference {said['difference']}, {seeds}"
    interval = f"{percent(confidence)} interval {said['ci_low']} to {said['ci_high']}"
    return f"difference {said['difference']}, {interval}, {seeds}, {_p_values(row)}"


def _p_values(row: Row) -> str:
    """The p-value, and Holm's where it reads differently."""
    raw, adjusted = p_equals(row["p_value"]), p_equals(row["p_adjusted"])
    after = f", {adjusted.removeprefix('= ')} after Holm's correction" if adjusted != raw else ""
    return f"p {raw}{after}"


def _survivors(row: Row, variant: Row, baseline: Row) -> str:
    """Which runs failed, and that the others are no fair sample of all."""
    failed = [
        f"{side['failed']} of {count(int(side['n'] + side['failed']), 'run')} of {side['variant']}"
        for side in (variant, baseline)
        if side["failed"]
    ]
    if not failed:
        return ""
    text = f" {' and '.join(failed)} failed"
    return text + (": only the survivors are compared." if row["n_pairs"] else ".")


def describe_rank(row: Row, baseline: str, confidence: float = 0.95) -> str:
    """A row of `ranks.csv` in plain English."""
    level = f"{percent(confidence)} interval"
    text = (
        f"Over {count(int(row['datasets']), 'dataset')}, a run of {row['variant']} has the mean "
        f"rank {row['mean_rank']:.1f} ({level} {row['rank_ci_low']:.1f} to "
        f"{row['rank_ci_high']:.1f})"
    )
    if math.isnan(row["probability_of_improvement"]):
        return f"{text}."
    low, high = (percent(round(row[side], 2)) for side in ("poi_ci_low", "poi_ci_high"))
    chance = percent(round(row["probability_of_improvement"], 2))
    return f"{text} and beats one of {baseline} with a chance of {chance} ({low} to {high})."


def describe_noise(row: Row) -> str:
    """A row of `noise.csv` in plain English."""
    where = f"{measure_name(row)} of {row['variant']} on {row['dataset']}"
    sampling = f"{number(row['std_sampling'])} between samplings of one generator"
    design = f"{count(int(row['seeds']), 'seed')} × {count(int(row['repeats']), 'repeat')}"
    if math.isnan(row["std_seeds"]):
        return f"{where}: standard deviation {sampling} ({design})."
    if row["std_seeds"] == 0:
        return (
            f"{where}: standard deviation {sampling}; seeds spread no more than that "
            f"(the estimate is not above zero, and set to 0; {design})."
        )
    seeds = f"{number(row['std_seeds'])} between training seeds"
    return f"{where}: standard deviation {seeds}, {sampling} ({design})."
