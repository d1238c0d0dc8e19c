"""A contrast in plain English: the claim, and the numbers behind it."""

from ganbench.evidence.final_scores import Row, direction, measure_name
from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import count, decimal_places, fixed, is_missing, number, p_equals, percent

LARGE_RATIO = 1.5
"""From this ratio on scores are "2.1 times lower", below it "19 % lower"."""


MORE_PLACES = 3
"""So many decimal places are added at most for a difference that readers can check."""


def claim(row: Row, *, with_interval: bool = False) -> str:
    """What a row of `comparisons.csv` shows, in a clause without its dataset."""
    variant, baseline, verdict = row["variant"], row["baseline"], row["verdict"]
    name = measure_name((row["metric"], row["reference"]))
    if exactly_equal(row):
        return f"{variant} and {baseline} scored exactly the same in {name} on every seed"
    if "failures" in row["decided_by"]:
        return _claim_failures(row)
    match verdict.kind:
        case VerdictKind.BETTER | VerdictKind.WORSE | VerdictKind.HIGHER | VerdictKind.LOWER:
            return f"{variant} {_describe_size(row, name, with_interval)}"
        case VerdictKind.EQUIVALENT:
            return f"{variant} and {baseline} were equivalent in {name} within {verdict.margin}"
        case VerdictKind.SUGGESTIVE:
            return (
                f"{variant} may be {verdict.leaning} than {baseline} in {name}: significant "
                "alone, but not among all contrasts"
            )
    if row["decided_by"] == "contradictory":
        return (
            f"{variant} and {baseline} are not ranked: one scored better in {name}, the other "
            "failed less often"
        )
    rank = "better" if direction(row["metric"]) else "higher"
    return f"it is open whether {variant} or {baseline} is {rank} in {name} (inconclusive)"


def _claim_failures(row: Row) -> str:
    """The side that failed more often first; "in none" where the other never did."""
    sides = [
        (row[side], row[f"failed_{side}"], row[f"n_{side}"]) for side in ("variant", "baseline")
    ]
    worse, better = sorted(sides, key=lambda side: -side[1] / (side[1] + side[2]))
    others = f"{better[1]} of {better[1] + better[2]}" if better[1] else "none"
    runs = count(worse[1] + worse[2], "run")
    return f"{worse[0]} failed in {worse[1]} of {runs}, {better[0]} in {others}"


def _describe_size(row: Row, name: str, with_interval: bool) -> str:
    """Which side is better and by how much; by a metric without a direction, which is higher."""
    limits = _describe_limits(row) if with_interval else ""
    if not direction(row["metric"]):
        size = f"scored {_describe_ratio(row)} {_compare(row)} {name} than {row['baseline']}"
        return f"{size} ({limits})" if limits else size
    size = ", ".join(filter(None, [f"{name} {_describe_ratio(row)} {_compare(row)}", limits]))
    return f"was {row['verdict'].kind} than {row['baseline']} ({size})"


def _compare(row: Row) -> str:
    return "lower" if row["difference"] < 0 else "higher"


def _describe_ratio(row: Row) -> str:
    """A difference without its sign: "6.0 times", "19 %", or in the metric's unit."""
    if is_missing(row["ratio"]):
        return number(abs(row["difference"]))
    ratio = max(row["ratio"], 1 / row["ratio"])
    if ratio >= LARGE_RATIO:
        return f"{number(ratio, 2)} times"
    return f"{number(100 * abs(row['ratio'] - 1), 2)} %"


def _describe_limits(row: Row) -> str:
    """The simultaneous interval of a decided difference, as `_describe_ratio` has the difference.

    It is empty where the difference has none.
    """
    if is_missing(row["simultaneous_low"]):
        return ""
    if is_missing(row["ratio"]):
        limits, unit = [row["simultaneous_low"], row["simultaneous_high"]], ""
    elif max(row["ratio"], 1 / row["ratio"]) >= LARGE_RATIO:
        limits, unit = [row["ratio_low"], row["ratio_high"]], ""
        limits = [1 / limit for limit in limits] if row["ratio"] < 1 else limits
    else:
        limits, unit = [100 * (row[name] - 1) for name in ("ratio_low", "ratio_high")], " %"
    low, high = sorted(map(abs, limits))
    return f"{number(low)} to {number(high)}{unit}"


def claim_briefly(row: Row) -> str:
    """The claim on a decided difference, after another one by the same metric."""
    size = describe_size_briefly(row)
    if not direction(row["metric"]):
        return f"{row['variant']} {size} than {row['baseline']}"
    return f"{row['variant']} {row['verdict'].kind} than {row['baseline']} ({size})"


def describe_size_briefly(row: Row) -> str:
    """A decided difference with its interval: "17 % lower, 13.2 to 20.8 %"."""
    size = f"{_describe_ratio(row)} {_compare(row)}"
    return ", ".join(filter(None, [size, _describe_limits(row)]))


def describe_numbers(row: Row, variant: Row, baseline: Row, confidence: float = 0.95) -> str:
    """The evidence of a contrast: "31.2 against 38.4 (0.81 times, 95 % interval 0.7 to 0.9, …)"."""
    if not row["n_variant"] or not row["n_baseline"]:
        return ""
    low, high = row["ci_low"], row["ci_high"]
    centres = variant["centre"], baseline["centre"]
    least = decimal_places((high - low) / 2, max(map(abs, centres)))
    places, difference = _round_difference(*centres, row["difference"], least)
    means = " against ".join(fixed(centre, places) for centre in centres)
    parts = [*_describe_interval(row, difference, places, confidence), _describe_runs(row)]
    if row["test"]:
        parts.append(f"{row['test']}, p {p_equals(row['p_value'])}")
        adjusted = p_equals(row["p_adjusted"])
        if adjusted != p_equals(row["p_value"]):
            parts.append(f"{adjusted.removeprefix('= ')} among all contrasts")
    detectable = row["minimum_detectable_difference"]
    if row["verdict"].kind is VerdictKind.INCONCLUSIVE and detectable > abs(row["difference"]):
        parts.append(f"smallest difference detectable with 80 % power: {number(detectable)}")
    return f"{means} ({', '.join(parts)})"


def _round_difference(
    value: float, other: float, difference: float, places: int
) -> tuple[int, float]:
    """From `places` on, the decimal places with which two rounded scores differ by `difference`.

    With them comes the difference to print. Where more places do not help, it is that of the
    rounded scores, unless it is of others, such as trimmed means.
    """
    unit = 10.0**-places
    if is_missing(difference) or abs(value - other - difference) > unit:
        return places, difference
    for more in range(MORE_PLACES + 1):
        rounded = round(value, places + more) - round(other, places + more)
        if fixed(rounded, places + more) == fixed(difference, places + more):
            break
    return places + more, rounded


def _describe_interval(row: Row, difference: float, places: int, confidence: float) -> list[str]:
    """The ratio or the difference, with its simultaneous interval as far as there is one."""
    if exactly_equal(row) or is_missing(row["difference"]):
        return []
    low, high = row["simultaneous_low"], row["simultaneous_high"]
    if is_missing(row["ratio"]):
        text = f"difference {fixed(difference, places)}"
        limits = "" if is_missing(low) else f"{fixed(low, places)} to {fixed(high, places)}"
    else:
        text = f"{number(row['ratio'], 2)} times"
        limits = (
            "" if is_missing(low) else f"{number(row['ratio_low'])} to {number(row['ratio_high'])}"
        )
    if row["test"].startswith("trimmed"):
        text += " between means without the worst runs of both"
    return [text, f"{percent(confidence)} interval {limits}"] if limits else [text]


def _describe_runs(row: Row) -> str:
    """How many runs each side has, and lost."""
    counts = {row[f"n_{side}"] + row[f"failed_{side}"] for side in ("variant", "baseline")}
    failed = row["failed_variant"] + row["failed_baseline"]
    if len(counts) == 1:
        text = count(counts.pop(), "seed")
    else:
        text = f"{row['n_variant']} and {count(row['n_baseline'], 'run')}"
    return (
        f"{text}, failed {row['failed_variant']} and {row['failed_baseline']}" if failed else text
    )
