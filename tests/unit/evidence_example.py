"""Made-up scores and runs, for tests of the evidence alone."""

import numpy as np
import pandas as pd

BASELINE = [38.0, 41.0, 36.5, 39.2, 40.1]
VARIANT = [31.0, 35.5, 30.2, 30.9, 33.8]
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
    score = [*RUN, "step", "images", "repeat", "reference", "metric", "value"]
    return (
        pd.DataFrame(scores, columns=score),
        pd.DataFrame(runs, columns=[*RUN, "status", "step"]),
    )


def together(*studies):
    """Several (scores, runs) as one."""
    return tuple(pd.concat(tables, ignore_index=True) for tables in zip(*studies, strict=True))


def settings(primaries, baseline="minimax", confidence=0.95):
    """What the evidence reads of a resolved study; `primaries` by dataset, (metric, reference)."""
    datasets = {
        name: {"primary": {"metric": metric, "reference": reference}}
        for name, (metric, reference) in primaries.items()
    }
    return {"datasets": datasets, "baseline": baseline, "report": {"confidence": confidence}}


def many_studies(values, metric="FD-classifier"):
    """Scores and runs of many studies at once, each of them a dataset of one table.

    `values` is `(studies, variants, seeds)`; study i is called `i` and variant j `vj`.
    """
    study, variant, seed = np.indices(values.shape).reshape(3, -1)
    variants = np.char.add("v", variant.astype(str))
    runs = pd.DataFrame({"dataset": study.astype(str), "variant": variants, "seed": seed})
    runs = runs.assign(step=END)
    scores = runs.assign(repeat=0, reference="held_out", metric=metric, value=values.ravel())
    return scores, runs.assign(status="completed")


def only(table):
    assert len(table) == 1
    return table.iloc[0]
