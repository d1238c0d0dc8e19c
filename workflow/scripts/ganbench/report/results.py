"""What a report is made of: every result file of a study, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.final_scores import select
from ganbench.jobs import files
from ganbench.jobs.provenance import sha256_file
from ganbench.report.figures.budgets import with_budgets

Run = tuple[str, str, int]
"""(dataset, variant, seed)"""


@dataclass(frozen=True)
class Results:
    """A study's results. Tables list runs in the study's order.

    `runs` has a row for each `run.json`; `scores` and `history` are the runs' tables, one below the
    other; `setting_scores` and `setting_runs` are those of a sweep's settings; `curves` are the
    scores of each snapshot, over repeats their mean, with what they had cost; `floors` says what
    real samples score; `stages` how long each job took, where that is known. `samples`, `nearest`
    and `maps` are by run, `examples` by dataset. `lock_sha256` is that of the lock file.
    """

    study: dict[str, Any]
    runs: pd.DataFrame
    scores: pd.DataFrame
    setting_scores: pd.DataFrame
    setting_runs: pd.DataFrame
    curves: pd.DataFrame
    history: pd.DataFrame
    floors: pd.DataFrame
    stages: pd.DataFrame
    cards: dict[str, dict[str, Any]]
    extractors: dict[str, dict[str, Any]]
    theory: dict[str, dict[str, Any]]
    examples: dict[str, Path]
    samples: dict[Run, Path]
    nearest: dict[Run, Path]
    maps: dict[Run, dict[str, np.ndarray]]
    lock_sha256: str

    @cached_property
    def variants(self) -> list[str]:
        """Variants in the study's order; those without a run come last."""
        return list(dict.fromkeys([*self.runs["variant"], *self.study["variants"]]))

    @cached_property
    def datasets(self) -> list[str]:
        """Datasets in the study's order; those without a run come last."""
        return list(dict.fromkeys([*self.runs["dataset"], *self.study["datasets"]]))

    @cached_property
    def status(self) -> dict[Run, Any]:
        """The row of `runs` of every run that there is."""
        return {(run.dataset, run.variant, run.seed): run for run in self.runs.itertuples()}

    def floor(self, dataset: str, metric: str, reference: str) -> float | None:
        """What real samples score there, if that is known."""
        rows = select(self.floors, dataset=dataset, metric=metric, reference=reference)
        return float(rows["value"].iloc[0]) if len(rows) else None


def gather(study: dict[str, Any], inputs: Mapping[str, Sequence[Path]]) -> Results:
    """Reads the files of `inputs`, which are named as in the rule `report`.

    `runs`, `histories`, `scores` and `samples` are parallel, one file a run; `nearest` has those of
    the runs on images, `maps` those of the runs on points. `cards` and `examples` are parallel.
    """
    runs = [files.read_json(file) for file in inputs["runs"]]
    keys: list[Run] = [(run["dataset"], run["variant"], run["seed"]) for run in runs]
    of_type = {
        wanted: [key for key in keys if study["datasets"][key[0]]["type"] == wanted]
        for wanted in ("images", "points")
    }
    histories = [
        pd.read_csv(file).assign(dataset=dataset, variant=variant, seed=seed)
        for (dataset, variant, seed), file in zip(keys, inputs["histories"], strict=True)
    ]
    table, history = pd.DataFrame(runs), _stacked(histories)
    scores = _stacked([pd.read_csv(file) for file in inputs["scores"]])
    cards = _by("name", inputs["cards"])
    return Results(
        study=study,
        runs=table,
        scores=scores,
        setting_scores=_stacked([scores[:0], *map(pd.read_csv, inputs.get("setting_scores", ()))]),
        setting_runs=pd.DataFrame(
            [files.read_json(file) for file in inputs.get("setting_runs", ())],
            columns=table.columns,
        ),
        curves=with_budgets(_over_repeats(scores), history, table),
        history=history,
        floors=_stacked([pd.read_csv(file) for file in inputs["floors"]]),
        stages=_stages(inputs.get("benchmarks", ())),
        cards=cards,
        extractors=_by("dataset", inputs.get("extractor_cards", ())),
        theory=_by("objective", inputs["theory"]),
        examples=dict(zip(cards, inputs["examples"], strict=True)),
        samples=dict(zip(keys, inputs["samples"], strict=True)),
        nearest=dict(zip(of_type["images"], inputs.get("nearest", ()), strict=True)),
        maps={
            key: _arrays(file)
            for key, file in zip(of_type["points"], inputs.get("maps", ()), strict=True)
        },
        lock_sha256=sha256_file(inputs["lock"][0]),
    )


def _over_repeats(scores: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in scores if name not in ("repeat", "value")]
    return scores.groupby(keys, sort=False, as_index=False)["value"].mean()


def _stages(benchmarks: Sequence[Path]) -> pd.DataFrame:
    """Each job's stage and what Snakemake measured of it: wall-clock seconds, memory in MiB."""
    tables = [
        pd.read_csv(file, sep="\t")[["s", "max_rss"]].assign(stage=file.parent.name)
        for file in benchmarks
        if file.exists()  # results may have been carried here without them
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"stage": []})


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
