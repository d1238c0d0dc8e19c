"""The answer of a study: at most two sentences, and one on how sure it is."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ganbench.evidence.final_scores import Measure, primaries, select
from ganbench.evidence.sentences import describe_comparison
from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import Row, count, listing, measure_name, number, percent

SummaryRows = Mapping[tuple[str, str], Row]
"""The summary rows of one metric and reference, by (dataset, variant)."""

EQUAL = "equal"

_PHRASES = {
    VerdictKind.BETTER: "{} did better",
    VerdictKind.WORSE: "{} did worse",
    EQUAL: "{} scored exactly the same",
    VerdictKind.NO_DIFFERENCE: "no difference was shown for {}",
    VerdictKind.CANNOT_TELL: "the seeds cannot tell for {}",
}
_CONTRADICTED = "the datasets contradict each other on {}"
_PARTLY = "shown on some datasets alone: {}"
_UNDECIDED = "nothing better or worse was shown for {}"


def write_headline(
    comparisons: pd.DataFrame,
    summary: pd.DataFrame,
    runs: pd.DataFrame,
    study: Mapping[str, Any],
    rates: pd.DataFrame | None = None,
) -> str:
    """The answer of each primary metric, a sentence each, and how sure it is.

    `study` is the resolved study; `runs` has one row per run with its `status`; with `rates`, the
    rows of `rates.csv`, collapsed runs are counted too. There are two primary metrics at most: that
    of images and that of points.
    """
    confidence = study["report"]["confidence"]
    sentences, compared, answering = [], [], []
    for (metric, reference), datasets in _datasets_by_primary(study).items():
        rows, finals = (
            select(table, metric=metric, reference=reference, dataset=datasets)
            for table in (comparisons, summary)
        )
        answering.append(finals)
        by_place = {(row["dataset"], row["variant"]): row for _, row in finals.iterrows()}
        if len(rows) > 1:
            sentences.append(_overview(rows, by_place))
            compared.append(rows)
        elif len(rows) == 1:
            row = rows.iloc[0]
            sides = [by_place[row["dataset"], row[side]] for side in ("variant", "baseline")]
            sentences.append(describe_comparison(row, *sides, confidence, failures=False))
        else:
            sentences.append(_without_comparison(metric, finals))
    closing = [_certainty(pd.concat(compared), confidence)] if compared else []
    closing += _failures(pd.concat(answering), runs, len(comparisons) > 0)
    closing += [] if rates is None else _collapses(rates)
    return " ".join(sentences) + (f" {'; '.join(closing)}." if closing else "")


def _datasets_by_primary(study: Mapping[str, Any]) -> dict[Measure, list[str]]:
    """The datasets that each primary metric, with its reference, answers for."""
    found: dict[Measure, list[str]] = {}
    for dataset, primary in primaries(study).items():
        found.setdefault(primary, []).append(dataset)
    return found


def _overview(rows: pd.DataFrame, finals: SummaryRows) -> str:
    """Which variants did better, which worse than the baseline, for several comparisons."""
    first, datasets = rows.iloc[0], list(rows["dataset"].unique())
    where = datasets[0] if len(datasets) == 1 else count(len(datasets), "dataset")
    found = rows.assign(found=[_found(row) for _, row in rows.iterrows()])
    on_one = len(datasets) == 1
    clauses = _on_one_dataset(found, finals) if on_one else _on_several(found, len(datasets))
    return (
        f"By {measure_name(first)} on {where}, against {first['baseline']}: {'; '.join(clauses)}."
    )


def _found(row: Row) -> str:
    """A comparison's kind of verdict; exact equality is a kind of its own."""
    return EQUAL if exactly_equal(row) else row["verdict"].kind


def _on_one_dataset(rows: pd.DataFrame, finals: SummaryRows) -> list[str]:
    """A clause for each kind of verdict, with the variants that it holds for."""
    clauses = []
    for found, phrase in _PHRASES.items():
        group = rows[rows["found"] == found]
        if len(group):
            best = _best(group, finals) if found == VerdictKind.BETTER else ""
            clauses.append(phrase.format(listing(list(group["variant"]))) + best)
    return clauses


def _best(better: pd.DataFrame, finals: SummaryRows) -> str:
    """The furthest from the baseline among the better variants, with both means."""
    best = better.loc[better["difference"].abs().idxmax()]
    variant, baseline = (finals[best["dataset"], best[side]] for side in ("variant", "baseline"))
    name = f"best: {best['variant']}, " if len(better) > 1 else ""
    return f" ({name}{number(variant['mean'])} against {number(baseline['mean'])})"


def _on_several(rows: pd.DataFrame, datasets: int) -> list[str]:
    """Where the datasets contradict each other, then where they agree, then the rest."""
    everywhere = "on both" if datasets == 2 else f"on all {datasets}"
    phrases = [_CONTRADICTED, *(f"{each} {everywhere}" for each in _PHRASES.values())]
    said: dict[str, list[str]] = {phrase: [] for phrase in [*phrases, _PARTLY, _UNDECIDED]}
    for variant, group in rows.groupby("variant", sort=False):
        on = group.groupby("found", sort=False)["dataset"].apply(list)
        if len(on) == 1:
            said[f"{_PHRASES[on.index[0]]} {everywhere}"].append(variant)
        elif VerdictKind.BETTER in on and VerdictKind.WORSE in on:
            better, worse = listing(on[VerdictKind.BETTER]), listing(on[VerdictKind.WORSE])
            sides = f"better on {better}, worse on {worse}"
            said[_CONTRADICTED].append(f"{variant} ({sides})")
        elif VerdictKind.BETTER in on or VerdictKind.WORSE in on:
            decided = VerdictKind.BETTER if VerdictKind.BETTER in on else VerdictKind.WORSE
            said[_PARTLY].append(f"{variant} ({decided} on {listing(on[decided])})")
        else:
            said[_UNDECIDED].append(variant)
    return [phrase.format(listing(names)) for phrase, names in said.items() if names]


def _certainty(rows: pd.DataFrame, confidence: float) -> str:
    """How far several verdicts can be trusted."""
    fewest, most = int(rows["n_pairs"].min()), int(rows["n_pairs"].max())
    seeds = count(most, "shared seed") if fewest == most else f"{fewest} to {most} shared seeds"
    level = f"{percent(confidence)} confidence after Holm's correction"
    each = " in each dataset" if rows["dataset"].nunique() > 1 else ""
    return f"Each verdict rests on {seeds}, at {level}{each}"


def _failures(finals: pd.DataFrame, runs: pd.DataFrame, compared: bool) -> list[str]:
    """How many runs failed, and that what is compared is the others."""
    diverged = int((runs["status"] == "diverged").sum())
    kinds = [f"{diverged} of {count(len(runs), 'run')} diverged"] if diverged else []
    if (unscored := int(finals["failed"].sum()) - diverged) > 0:
        kinds.append(f"{count(unscored, 'completed run')} without a finite score")
    others = ", and only the others are compared" if compared else ""
    return [" and ".join(kinds) + others] if kinds else []


def _collapses(rates: pd.DataFrame) -> list[str]:
    """How many of the completed runs collapsed."""
    collapsed = rates.loc[rates["outcome"] == "collapsed", ["count", "n"]].sum()
    judged = count(int(collapsed["n"]), "completed run")
    return [f"{int(collapsed['count'])} of {judged} collapsed"] if collapsed["count"] else []


def _without_comparison(metric: str, finals: pd.DataFrame) -> str:
    """The answer of a study in which nothing was compared."""
    scored = finals[finals["n"] > 0]
    if len(scored) == 0:
        return f"No run has a final {metric}: there is nothing to compare."
    places = [
        f"{number(row['mean'])} on {row['dataset']} ({count(row['n'], 'seed')})"
        for _, row in scored.iterrows()
    ]
    return f"{scored.iloc[0]['variant']} was trained alone: {metric} {listing(places)}."
