"""Made-up scores and runs, for tests of the evidence alone."""

import pandas as pd

BASELINE = [38.0, 41.0, 36.5, 39.2, 40.1]
VARIANT = [31.0, 35.5, 30.2, 30.9, 33.8]
"""Better than BASELINE, where lower is better."""

ALL_FAILED = [None] * 5
END = 1000
RUN = ["dataset", "variant", "seed"]


def study_of(finals, dataset="digits", metric="FD-classifier", reference="held_out", halfway=99.0):
    """Scores and runs with the given final value per variant and seed; None is a diverged run.

    A list in a value's place holds one value per repeat. Every run also has the score `halfway`,
    which is no final score.
    """
    runs, scores = [], []
    for variant, values in finals.items():
        for seed, value in enumerate(values):
            status, end = ("diverged", 700) if value is None else ("completed", END)
            runs.append((dataset, variant, seed, status, end))
            repeats = value if isinstance(value, list) else [] if value is None else [value]
            scores += [
                (dataset, variant, seed, step, 64 * step, repeat, reference, metric, score)
                for step, snapshot in [(500, [halfway]), (END, repeats)]
                for repeat, score in enumerate(snapshot)
            ]
    score_columns = [*RUN, "step", "images", "repeat", "reference", "metric", "value"]
    return (
        pd.DataFrame(scores, columns=score_columns),
        pd.DataFrame(runs, columns=[*RUN, "status", "step"]),
    )


def together(*studies):
    """Several (scores, runs) as one."""
    return tuple(pd.concat(tables, ignore_index=True) for tables in zip(*studies, strict=True))


def settings(primaries, baseline="minimax", confidence=0.95, variants=(), **declared):
    """What the evidence reads of a resolved study; `primaries` by dataset, (metric, reference)."""
    datasets = {
        name: {"primary": {"metric": metric, "reference": reference}}
        for name, (metric, reference) in primaries.items()
    }
    return {
        "datasets": datasets,
        "baseline": baseline,
        "variants": dict.fromkeys(variants),
        "contrasts": [],
        "margin": "",
        "report": {"confidence": confidence},
    } | declared


def settings_of(scores, runs, **options):
    """`settings` of made-up scores, whose first measure on a dataset is its primary one."""
    first = scores.drop_duplicates("dataset").set_index("dataset")
    default = ("FD-classifier", "held_out")
    primaries = {
        name: (first.loc[name, "metric"], first.loc[name, "reference"])
        if name in first.index
        else default
        for name in dict.fromkeys(runs["dataset"])
    }
    return settings(primaries, variants=dict.fromkeys(runs["variant"]), **options)


def only(table):
    """The single row of a table."""
    assert len(table) == 1
    return table.iloc[0]
