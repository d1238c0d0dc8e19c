"""What a report is made of: every result file of a study, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench import files
from ganbench.budget import snapshot_steps

Run = tuple[str, str, int]
"""(dataset, variant, seed)"""


@dataclass(frozen=True)
class Results:
    """A study's results. Tables list runs in the study's order.

    `runs` has a row for each `run.json`; `scores` and `history` are the runs' tables, one below the
    other; `floors` says what real samples score. `samples` and `maps` are files by run.
    """

    study: dict[str, Any]
    runs: pd.DataFrame
    scores: pd.DataFrame
    history: pd.DataFrame
    floors: pd.DataFrame
    cards: dict[str, dict[str, Any]]
    extractors: dict[str, dict[str, Any]]
    theory: dict[str, dict[str, Any]]
    samples: dict[Run, Path]
    maps: dict[Run, dict[str, np.ndarray]]

    @property
    def variants(self) -> list[str]:
        """Variants in the study's order; those without a run come last."""
        return list(dict.fromkeys([*self.runs["variant"], *self.study["variants"]]))

    @property
    def datasets(self) -> list[str]:
        """Datasets in the study's order; those without a run come last."""
        return list(dict.fromkeys([*self.runs["dataset"], *self.study["datasets"]]))

    def floor(self, dataset: str, metric: str, reference: str) -> float | None:
        """What real samples score there, if that is known."""
        table = self.floors
        found = table[
            (table["dataset"] == dataset)
            & (table["metric"] == metric)
            & (table["reference"] == reference)
        ]
        return float(found["value"].iloc[0]) if len(found) else None


def gather(study: dict[str, Any], inputs: Mapping[str, Sequence[Path]]) -> Results:
    """Reads the files of `inputs`, which are named as in the rule `report`.

    `runs`, `histories`, `scores` and `samples` are parallel, one file a run.
    """
    runs = [files.read_json(file) for file in inputs["runs"]]
    keys: list[Run] = [(run["dataset"], run["variant"], run["seed"]) for run in runs]
    histories = [
        pd.read_csv(file).assign(dataset=dataset, variant=variant, seed=seed)
        for (dataset, variant, seed), file in zip(keys, inputs["histories"], strict=True)
    ]
    points = [key for key in keys if study["datasets"][key[0]]["type"] == "points"]
    return Results(
        study=study,
        runs=pd.DataFrame(runs),
        scores=_stacked([pd.read_csv(file) for file in inputs["scores"]]),
        history=_stacked(histories),
        floors=_stacked([pd.read_csv(file) for file in inputs["floors"]]),
        cards=_by("name", inputs["cards"]),
        extractors=_by("dataset", inputs["extractor_cards"]),
        theory=_by("objective", inputs["theory"]),
        samples=dict(zip(keys, inputs["samples"], strict=True)),
        maps={key: _arrays(file) for key, file in zip(points, inputs.get("maps", ()), strict=True)},
    )


def missing(results: Results) -> list[str]:
    """What a finished study would have and this one has not, in words; empty when complete."""
    scored = results.scores.dropna(subset="value")
    found: list[str] = []
    for run in results.runs.itertuples():
        name = f"{run.variant} seed {run.seed} on {run.dataset}"
        if run.status == "diverged":
            found.append(f"{name} diverged at step {run.step} ({run.reason})")
        else:
            of_dataset = scored[scored["dataset"] == run.dataset]
            mine = (of_dataset["variant"] == run.variant) & (of_dataset["seed"] == run.seed)
            found += [f"{name} has {each}" for each in _unscored(run, of_dataset, of_dataset[mine])]
    there = set(results.samples)
    for dataset in results.datasets:
        for variant in results.variants:
            for seed in results.study["seeds"]:
                if (dataset, variant, seed) not in there:
                    found.append(f"{variant} seed {seed} on {dataset} is missing")
    return found


def _unscored(run: Any, of_dataset: pd.DataFrame, mine: pd.DataFrame) -> list[str]:
    """The snapshots without any score, then those without one that others of the dataset have."""
    steps = [step for step in snapshot_steps(run.parameters) if step <= run.step]
    absent = [step for step in steps if step not in set(mine["step"])]
    found = [f"no scores at step {', '.join(map(str, absent))}"] if absent else []
    for metric, table in of_dataset.groupby("metric", sort=False):
        for reference in table["reference"].unique():
            has = mine[(mine["metric"] == metric) & (mine["reference"] == reference)]["step"]
            lacks = [step for step in steps if step not in {*absent, *has}]
            if lacks:
                against = "" if reference == "none" else f" against {reference}"
                found.append(f"no {metric}{against} at step {', '.join(map(str, lacks))}")
    return found


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One below the other; a table without rows must not decide the columns' types."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1], ignore_index=True)


def _by(key: str, paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    read = [files.read_json(file) for file in paths]
    return {each[key]: each for each in read}


def _arrays(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as found:
        return dict(found)
