"""The headline of a report: a short answer, how sure it is, and the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ganbench.evidence.comparisons import DECLARED
from ganbench.evidence.contrast_tests import MINIMUM_RUNS
from ganbench.evidence.final_scores import measure_name, primary_measures, select
from ganbench.evidence.sentences import (
    claim,
    claim_briefly,
    describe_numbers,
    describe_size_briefly,
)
from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import count, listing, number, percent

EQUAL = "equal"
"""The outcome of a contrast whose scores are exactly equal; others have their verdict's kind."""

_PHRASES = {
    VerdictKind.BETTER: ("{} was better", "{} were better"),
    VerdictKind.WORSE: ("{} was worse", "{} were worse"),
    VerdictKind.HIGHER: ("{} was higher", "{} were higher"),
    VerdictKind.LOWER: ("{} was lower", "{} were lower"),
    VerdictKind.EQUIVALENT: ("{} was equivalent", "{} were equivalent"),
    EQUAL: ("{} scored exactly the same", "{} scored exactly the same"),
    VerdictKind.SUGGESTIVE: ("suggestive for {}", "suggestive for {}"),
    VerdictKind.INCONCLUSIVE: ("inconclusive for {}", "inconclusive for {}"),
}
"""What is said of one variant, and of several."""

SIZED = (VerdictKind.BETTER, VerdictKind.WORSE, VerdictKind.HIGHER, VerdictKind.LOWER)
"""Verdicts whose claim says by how much."""

RANKED = (VerdictKind.BETTER, VerdictKind.WORSE)

MOST_NAMES = 3
"""The names that a clause of the short answer lists before it counts the rest."""


@dataclass(frozen=True)
class Headline:
    """What a study found: the `answer` in a sentence that one would repeat, and what is behind it.

    `certainty` is how sure it is, in a line; `failures` are sentences on runs that failed or
    collapsed, and `numbers` one for each dataset with one contrast.
    """

    answer: str
    certainty: str
    numbers: list[str]
    failures: list[str]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.answer, self.certainty, *self.numbers, *self.failures]))


def write_headline(
    comparisons: pd.DataFrame,
    summary: pd.DataFrame,
    runs: pd.DataFrame,
    study: Mapping[str, Any],
    rates: pd.DataFrame | None = None,
) -> Headline:
    """The short answer, one line on how sure it is, numbers and failures.

    `study` is the resolved study; `runs` has one row per run with its `status`. With `rates`, the
    rows of `rates.csv`, collapsed runs are counted too.
    """
    declared = select(comparisons, role=DECLARED)
    confidence = study["report"]["confidence"]
    collapses = [] if rates is None else _count_collapses(rates)
    return Headline(
        answer=write_short_answer(comparisons, summary, study),
        certainty=_describe_certainty(declared, confidence) if len(declared) else "",
        numbers=_list_numbers(declared, summary, confidence),
        failures=[*_count_failures(_select_primary(summary, study), runs), *collapses],
    )


def write_short_answer(
    comparisons: pd.DataFrame, summary: pd.DataFrame, study: Mapping[str, Any]
) -> str:
    """What the study found, as one would repeat it: a sentence for each dataset, or for several.

    At most 45 words a dataset for names of one word: it has the declared contrasts alone.
    """
    declared = select(comparisons, role=DECLARED)
    if len(declared) == 0:
        return _answer_without_contrast(_select_primary(summary, study), study)
    datasets: dict[str, list[str]] = {}
    for dataset, rows in declared.groupby("dataset", sort=False):
        answer = claim(rows.iloc[0]) if len(rows) == 1 else _group_contrasts(rows)
        datasets.setdefault(answer, []).append(str(dataset))
    return " ".join(f"On {listing(names)}, {answer}." for answer, names in datasets.items())


def _select_primary(summary: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    rows = [
        select(summary, dataset=dataset, metric=metric, reference=reference)
        for dataset, (metric, reference) in primary_measures(study).items()
    ]
    return pd.concat(rows)


def _answer_without_contrast(summary: pd.DataFrame, study: Mapping[str, Any]) -> str:
    """The answer of a study in which nothing was compared."""
    scored = summary[summary["n"] > 0]
    if len(scored) == 0:
        names = dict.fromkeys(map(measure_name, primary_measures(study).values()))
        return f"No run has a final score in {listing(list(names))}, so nothing can be compared."
    means = [
        f"{measure_name((row['metric'], row['reference']))} {number(row['centre'])} on "
        f"{row['dataset']} ({count(row['n'], 'seed')})"
        for _, row in scored.iterrows()
    ]
    return f"Only {scored.iloc[0]['variant']} was trained: {listing(means)}."


def _group_contrasts(rows: pd.DataFrame) -> str:
    """The variants of several contrasts by outcome; with one baseline it is named once."""
    if rows["baseline"].nunique() > 1:
        return _list_contrasts(rows)
    name = measure_name((rows.iloc[0]["metric"], rows.iloc[0]["reference"]))
    outcomes: dict[str, list[tuple[str, str]]] = {}
    for _, row in rows.iterrows():
        outcome = EQUAL if exactly_equal(row) else row["verdict"].kind
        note = row["verdict"].leaning if outcome == VerdictKind.SUGGESTIVE else ""
        if outcome in RANKED and "failures" not in row["decided_by"]:
            note = describe_size_briefly(row)
        outcomes.setdefault(outcome, []).append((row["variant"], note and f" ({note})"))
    clauses = [
        _say_outcome(phrases, outcomes[outcome])
        for outcome, phrases in _PHRASES.items()
        if outcome in outcomes
    ]
    return f"against {rows.iloc[0]['baseline']} by {name}: {'; '.join(clauses)}"


def _say_outcome(phrases: tuple[str, str], variants: list[tuple[str, str]]) -> str:
    """The variants of one outcome, each with its note where they are few."""
    if len(variants) == 1:
        ((name, note),) = variants
        return phrases[0].format(name) + note
    if len(variants) > MOST_NAMES:
        return phrases[1].format(listing([name for name, _ in variants], MOST_NAMES))
    return phrases[1].format(listing([name + note for name, note in variants]))


def _list_contrasts(rows: pd.DataFrame) -> str:
    """The claims of contrasts with several baselines, then those that are suggestive and open."""
    claims, leaning, open_pairs, sized = [], [], [], False
    for _, row in rows.iterrows():
        kind = row["verdict"].kind
        if kind is VerdictKind.SUGGESTIVE:
            leaning.append(f"{row['variant']} {row['verdict'].leaning} than {row['baseline']}")
            continue
        if kind is VerdictKind.INCONCLUSIVE and not exactly_equal(row):
            open_pairs.append((row["variant"], row["baseline"]))
            continue
        is_sized = kind in SIZED and "failures" not in row["decided_by"]
        claims.append(claim_briefly(row) if sized and is_sized else claim(row, with_interval=True))
        sized = sized or is_sized
    if len(claims) > MOST_NAMES:
        claims = [
            *claims[:MOST_NAMES],
            f"and {len(claims) - MOST_NAMES} more contrasts are decided",
        ]
    clauses = [", ".join(claims)] if claims else [_say_that_none_is_decided(rows)]
    if len(claims) + len(leaning) > MOST_NAMES:
        clauses += [f"{len(leaning) + len(open_pairs)} more are undecided"] if leaning else []
        open_pairs = [] if leaning else open_pairs
    elif leaning:
        clauses.append(f"suggestive: {listing(leaning)}")
    return "; ".join([*clauses, *(_list_open_pairs(open_pairs) if claims else ())])


def _list_open_pairs(pairs: list[tuple[str, str]]) -> list[str]:
    """What is said of inconclusive contrasts: those with one baseline together, others counted."""
    clauses, rest = [], []
    for baseline in dict.fromkeys(baseline for _, baseline in pairs):
        variants = [variant for variant, other in pairs if other == baseline]
        if len(variants) > 1:
            clauses.append(f"none of {len(variants)} others is shown to differ from {baseline}")
        else:
            rest.append(f"{variants[0]} against {baseline}")
    if len(rest) == 1:
        clauses.append(f"{rest[0]} is inconclusive")
    elif rest:
        clauses.append(f"{len(rest)} more contrasts are inconclusive")
    return clauses


def _say_that_none_is_decided(rows: pd.DataFrame) -> str:
    name = measure_name((rows.iloc[0]["metric"], rows.iloc[0]["reference"]))
    return f"none of the {len(rows)} contrasts is decided by {name}"


def _describe_certainty(declared: pd.DataFrame, confidence: float) -> str:
    """What the verdicts rest on, and their level of confidence."""
    sizes = [
        size
        for side in ("variant", "baseline")
        for size in declared[f"n_{side}"] + declared[f"failed_{side}"]
    ]
    fewest, most = int(min(sizes)), int(max(sizes))
    seeds = count(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    contrasts = int(declared.groupby("dataset").size().max())
    together = "" if contrasts == 1 else f" for the {contrasts} contrasts of a dataset together"
    tests = dict.fromkeys(name for text in declared["test"] for name in text.split(" and ") if text)
    method = f" (tests: {', '.join(tests)})" if tests else ""
    level = f"at {percent(confidence)} confidence{together}"
    too_few = f" Fewer than {MINIMUM_RUNS} seeds decide nothing." if fewest < MINIMUM_RUNS else ""
    return f"This rests on {seeds} of each variant, {level}{method}.{too_few}"


def _list_numbers(declared: pd.DataFrame, summary: pd.DataFrame, confidence: float) -> list[str]:
    """The numbers of each dataset with one contrast; tables have those of several."""
    sentences = []
    for dataset, rows in declared.groupby("dataset", sort=False):
        row = rows.iloc[0]
        measure = {"metric": row["metric"], "reference": row["reference"]}
        sides = [
            select(summary, dataset=dataset, variant=row[side], **measure).iloc[0]
            for side in ("variant", "baseline")
        ]
        numbers = describe_numbers(row, *sides, confidence) if len(rows) == 1 else ""
        if numbers:
            name = measure_name((row["metric"], row["reference"]))
            sentences.append(f"{name[0].upper()}{name[1:]} on {dataset}: {numbers}.")
    return sentences


def _count_failures(summary: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """How many runs diverged or have no score."""
    diverged = int((runs["status"] == "diverged").sum())
    unscored = int(summary["failed"].sum()) - diverged
    clauses = [f"{diverged} of {count(len(runs), 'run')} diverged"] if diverged else []
    if unscored > 0:
        verb = "has" if unscored == 1 else "have"
        clauses.append(f"{count(unscored, 'completed run')} {verb} no finite score")
    return [f"{listing(clauses)}; they count as worse than all others."] if clauses else []


def _count_collapses(rates: pd.DataFrame) -> list[str]:
    """How many of the completed runs collapsed."""
    collapsed = rates.loc[rates["outcome"] == "collapsed", ["count", "n"]].sum()
    completed = count(int(collapsed["n"]), "completed run")
    return [f"{int(collapsed['count'])} of {completed} collapsed."] if collapsed["count"] else []
