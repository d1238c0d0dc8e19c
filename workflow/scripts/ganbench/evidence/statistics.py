"""Tables over runs: each variant's final scores, and each variant against the baseline.

Rows follow the order in which datasets and variants first appear in `runs` (the study's order when
the runs were listed by `ganbench.study.runs`), then metrics in the order of `DEFINITIONS`. The
order of the rows of `scores` never matters. Failures and seeds are those of `runs`: one row per
run, with at least `dataset, variant, seed, status, step`.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ganbench.evidence import estimators, verdicts
from ganbench.metrics import DEFINITIONS, base

RUN = ["dataset", "variant", "seed"]
MEASURE = ["metric", "reference"]
REFERENCES = ("held_out", "train", "none")

SUMMARY_COLUMNS = [
    *("dataset", "variant", "metric", "reference", "n", "failed"),
    *("mean", "std", "ci_low", "ci_high", "median", "min", "max"),
]
COMPARISON_COLUMNS = [
    *("dataset", "metric", "reference", "variant", "baseline", "n_pairs"),
    *("difference", "ci_low", "ci_high", "p_value", "p_adjusted", "probability_better"),
    *("hedges_g", "minimum_detectable_difference", "verdict"),
]

Values = dict[tuple[str, str, str, str], dict[int, float]]
"""Final scores by seed, ascending, for each (dataset, variant, metric, reference)."""


def final_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The scores of the last snapshot of every completed run; columns as in `scores`.

    The last snapshot is the one at the run's own end (`step` of `runs`). Values that are not finite
    are left out, so that such a run counts as failed for that metric. Raises ValueError where a
    completed run has no score at its end, or two for one metric: its scores file is broken.
    """
    completed = runs.loc[runs["status"] == "completed", [*RUN, "step"]]
    ends = pd.MultiIndex.from_frame(completed)
    scored = pd.MultiIndex.from_frame(scores[[*RUN, "step"]])
    for dataset, variant, seed, step in ends[~ends.isin(scored)]:
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: run.json says completed at step {step}, but its "
            "scores.csv has no score there. Evaluate the run again."
        )
    final = scores[scored.isin(ends)]
    if (twice := final.duplicated([*RUN, *MEASURE])).any():
        dataset, variant, seed, metric = final.loc[twice, [*RUN, "metric"]].iloc[0]
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: scores.csv has two final values of {metric}; "
            "expected one. Evaluate the run again."
        )
    final = final[np.isfinite(final["value"].astype(float))]
    return _sorted(final, runs)


def summarise(scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """One row per dataset, variant, metric and reference: the columns of `summary.csv`.

    `n` runs have a final score and `failed` have none; together they are all runs. `std` is the
    sample deviation between seeds (n − 1), the interval a Student t interval of the mean.
    """
    values = _values(scores, runs)
    rows = []
    for dataset, variants in _variants(runs):
        for variant, n_runs in variants.items():
            for measure in _measures(scores, dataset):
                final = np.array(list(values[dataset, variant, *measure].values()))
                failed = n_runs - len(final)
                row = (dataset, variant, *measure, len(final), failed, *_moments(final, confidence))
                rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def compare(
    scores: pd.DataFrame, runs: pd.DataFrame, baseline: str, confidence: float = 0.95
) -> pd.DataFrame:
    """Every other variant against the baseline: the columns of `comparisons.csv`.

    Pairs are the seeds that both variants completed; all estimates are over these pairs alone.
    `difference` is the mean of variant − baseline, with its t interval and the p-value of the
    paired t-test; `p_adjusted` is Holm's, over the variants of one dataset, metric and reference.
    The interval is not adjusted. `probability_better` is above ½ where the variant is better,
    whichever direction the metric has; `hedges_g` has the sign of `difference`. Metrics without a
    better direction are left out. Raises ValueError where a dataset has no run of the baseline.
    """
    values = _values(scores, runs)
    rows: list[dict] = []
    for dataset, variants in _variants(runs):
        if baseline not in variants:
            raise ValueError(
                f"baseline: found {baseline!r}, but {dataset} has runs of {', '.join(variants)} "
                "only; expected one of these."
            )
        others = [variant for variant in variants if variant != baseline]
        for measure in _measures(scores, dataset):
            if DEFINITIONS[base(measure[0])].better == "neither":
                continue
            rows += _family(values, (dataset, *measure), others, baseline, confidence)
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _family(
    values: Values,
    place: tuple[str, str, str],
    variants: list[str],
    baseline: str,
    confidence: float,
) -> list[dict]:
    """The comparisons of one (dataset, metric, reference), over which p-values are adjusted."""
    dataset, metric, reference = place
    of_baseline = values[dataset, baseline, metric, reference]
    pairs = [_shared(values[dataset, name, metric, reference], of_baseline) for name in variants]
    rows = [_paired(*pair, metric, confidence) for pair in pairs]
    adjusted = estimators.holm([row["p_value"] for row in rows])
    for variant, pair, row, p_adjusted in zip(variants, pairs, rows, adjusted, strict=True):
        row |= {"dataset": dataset, "metric": metric, "reference": reference}
        row |= {"variant": variant, "baseline": baseline, "p_adjusted": p_adjusted}
        baseline_mean = float(np.mean(pair[1])) if len(pair[1]) else np.nan
        row["verdict"] = verdicts.verdict(row, baseline_mean, confidence)
    return rows


def _paired(variant: np.ndarray, baseline: np.ndarray, metric: str, confidence: float) -> dict:
    """What paired values, one per shared seed, say about variant − baseline."""
    mean, low, high, p_value = estimators.t_estimate(variant - baseline, confidence)
    lower_is_better = DEFINITIONS[base(metric)].better == "lower"
    good, bad = (baseline, variant) if lower_is_better else (variant, baseline)
    alpha = 1.0 - confidence
    return {
        "n_pairs": len(variant),
        "difference": mean,
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
        "probability_better": estimators.probability_greater(good, bad),
        "hedges_g": estimators.hedges_g(variant, baseline),
        "minimum_detectable_difference": estimators.detectable_difference(
            variant - baseline, alpha
        ),
    }


def _shared(variant: dict[int, float], baseline: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """The values of the seeds that both have, each as an array in the order of seeds."""
    seeds = sorted(variant.keys() & baseline.keys())
    return np.array([variant[s] for s in seeds]), np.array([baseline[s] for s in seeds])


def _moments(values: np.ndarray, confidence: float) -> tuple[float, ...]:
    """mean, std, ci_low, ci_high, median, min, max of one value per seed."""
    if len(values) == 0:
        return (np.nan,) * 7
    mean, low, high, _ = estimators.t_estimate(values, confidence)
    deviation = estimators.standard_deviation(values)
    return mean, deviation, low, high, np.median(values), np.min(values), np.max(values)


def _values(scores: pd.DataFrame, runs: pd.DataFrame) -> Values:
    """Every final score by its place; a place without any gives an empty dict."""
    values: Values = defaultdict(dict)
    final = final_scores(scores, runs)
    for *place, seed, value in final[["dataset", "variant", *MEASURE, "seed", "value"]].to_numpy():
        values[tuple(place)][seed] = float(value)
    return values


def _variants(runs: pd.DataFrame) -> Iterator[tuple[str, dict[str, int]]]:
    """Each dataset with the number of runs of each of its variants, by first appearance."""
    for dataset, in_dataset in runs.groupby("dataset", sort=False):
        yield dataset, in_dataset["variant"].value_counts(sort=False).to_dict()


def _measures(scores: pd.DataFrame, dataset: str) -> list[tuple[str, str]]:
    """The (metric, reference) pairs of a dataset; those of all where it has no score at all."""
    in_dataset = scores[scores["dataset"] == dataset]
    found = (in_dataset if len(in_dataset) else scores)[MEASURE].drop_duplicates()
    return sorted(found.itertuples(index=False, name=None), key=_place)


def _place(measure: tuple[str, str]) -> tuple[int, str, int]:
    """Where a (metric, reference) stands in a table."""
    metric, reference = measure
    return list(DEFINITIONS).index(base(metric)), metric, REFERENCES.index(reference)


def _sorted(final: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """`final` in the order of tables, whatever order its rows came in."""
    pairs = dict.fromkeys(zip(runs["dataset"], runs["variant"], strict=True))
    variants = {pair: place for place, pair in enumerate(pairs)}
    keys = [
        (variants[row.dataset, row.variant], _place((row.metric, row.reference)), row.seed)
        for row in final.itertuples()
    ]
    order = sorted(range(len(final)), key=keys.__getitem__)
    return final.iloc[order].reset_index(drop=True)
