"""A comparison in plain English, with the numbers behind it."""

from ganbench.evidence.final_scores import Row, direction, measure_name
from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import count, decimal_places, fixed, number, p_equals, percent


def describe_comparison(row: Row, variant: Row, baseline: Row, confidence: float = 0.95) -> str:
    """One sentence on a row of `comparisons.csv`.

    `variant` and `baseline` are the rows of `summary.csv` for the same dataset, metric and
    reference.
    """
    numbers = _numbers(row, variant, baseline, confidence)
    return f"On {row['dataset']}, {_claim(row)}{numbers}."


def _claim(row: Row) -> str:
    """What the verdict says about these two variants."""
    variant, baseline, verdict = row["variant"], row["baseline"], row["verdict"]
    name = measure_name((row["metric"], row["reference"]))
    if verdict.kind in (VerdictKind.BETTER, VerdictKind.WORSE):
        goal = "higher" if direction(row["metric"]) > 0 else "lower"
        return f"{variant} was {verdict} than {baseline} in {name} ({goal} is better)"
    if exactly_equal(row):
        return f"{variant} and {baseline} scored exactly the same in {name} on every shared seed"
    if verdict.kind is VerdictKind.NO_DIFFERENCE:
        return (
            f"no difference larger than {verdict.largest_difference} in {name} was shown "
            f"between {variant} and {baseline}"
        )
    if verdict.pairs == 0:
        return f"{variant} and {baseline} cannot be compared in {name}: no seed has a score of both"
    return f"the comparison of {variant} with {baseline} in {name} is inconclusive"


def _numbers(row: Row, variant: Row, baseline: Row, confidence: float) -> str:
    """The evidence for a claim: ": 31.2 against 38.4 (difference −7.2, …, p = 0.004)"."""
    if row["n_pairs"] == 0:
        return ""
    half_width = (row["ci_high"] - row["ci_low"]) / 2
    places = decimal_places(half_width, max(abs(variant["mean"]), abs(baseline["mean"])))
    text = _difference(row, places, confidence)
    if not variant["n"] == baseline["n"] == row["n_pairs"]:
        text = f"means of {variant['n']} and {count(baseline['n'], 'run')}; {text}"
    if (row["p_value"] < 1 - confidence) != (row["welch_p_value"] < 1 - confidence):
        text += f"; without pairing, p {p_equals(row['welch_p_value'])} by Welch's test"
    detectable = row["minimum_detectable_difference"]
    if row["verdict"].kind is VerdictKind.CANNOT_TELL and detectable > abs(row["difference"]):
        text += f"; smallest difference detectable with 80 % power: {number(detectable)}"
    return f": {fixed(variant['mean'], places)} against {fixed(baseline['mean'], places)} ({text})"


def _difference(row: Row, places: int, confidence: float) -> str:
    """The difference with its interval, seeds and p-values, as far as they are defined."""
    seeds = count(row["n_pairs"], "shared seed")
    if exactly_equal(row):
        return seeds
    difference = f"difference {fixed(row['difference'], places)}"
    if row["n_pairs"] == 1:
        return f"{difference}, {seeds}"
    low, high = fixed(row["ci_low"], places), fixed(row["ci_high"], places)
    interval = f"{percent(confidence)} interval {low} to {high}"
    return f"{difference}, {interval}, {seeds}, {_p_values(row)}"


def _p_values(row: Row) -> str:
    """The p-value, followed by Holm's where it reads differently."""
    raw, adjusted = p_equals(row["p_value"]), p_equals(row["p_adjusted"])
    after = f", {adjusted.removeprefix('= ')} after Holm's correction" if adjusted != raw else ""
    return f"p {raw}{after}"
