"""Everything that a report is made from: the result files of a study, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.final_scores import select
from ganbench.jobs import files
from ganbench.jobs.provenance import sha256_file
from ganbench.report.dynamics import score_dynamics
from ganbench.report.figures.budgets import add_budgets
from ganbench.report.spent_budgets import summarise_spending
from ganbench.study.declaration import read_declarations
from ganbench.study.references import is_of_reference

Run = tuple[str, str, int]
"""(dataset, variant, seed)"""


@dataclass(frozen=True)
class Results:
    """A study's results. Tables list runs in the study's order.

    `runs` has a row for each `run.json`; `scores` and `history` are the runs' tables, one below the
    other; `setting_scores` and `setting_runs` belong to the settings of a sweep. `curves` has the
    score of each snapshot (the mean over repeats) with the budget used until then. `floors` has the
    scores of real samples, and `stages` the running time of each job, if it was measured.
    `samples`, `nearest` and `maps` are keyed by run, `examples` by dataset. `lock_sha256` is the
    digest of the lock file. `declarations` are what the study declared when runs started to train.
    `runs`, `scores`, `curves` and `history` have the runs of references, too, behind the study's
    own; `unpaired` says of which references seeds are no pairs of the study's own, and why.
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
    declarations: list[dict[str, Any]]
    unpaired: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def variants(self) -> list[str]:
        """The study's own variants, then those of its references."""
        others = (name for name in dict.fromkeys(self.runs["variant"]) if is_of_reference(name))
        return [*self.own_variants, *others]

    @cached_property
    def own_variants(self) -> list[str]:
        """The study's own variants in its order; those without a run come last."""
        names = dict.fromkeys([*self.runs["variant"], *self.study["variants"]])
        return [name for name in names if not is_of_reference(name)]

    def variants_on(self, dataset: str) -> list[str]:
        """The variants that a dataset can have runs of: a reference may lack it."""
        with_runs = self.parameters.get(dataset, {})
        return [name for name in self.variants if not is_of_reference(name) or name in with_runs]

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """The parameters of runs by dataset and variant, those of references included."""
        parameters = {name: dict(variants) for name, variants in self.study["runs"].items()}
        for run in self.runs.itertuples():
            if is_of_reference(run.variant):
                parameters[run.dataset][run.variant] = run.parameters
        return parameters

    @cached_property
    def own_runs(self) -> pd.DataFrame:
        """The rows of `runs` of the study's own variants."""
        return self.runs[~self.runs["variant"].map(is_of_reference).astype(bool)]

    @cached_property
    def datasets(self) -> list[str]:
        """Datasets in the study's order; those without a run come last."""
        return list(dict.fromkeys([*self.runs["dataset"], *self.study["datasets"]]))

    @cached_property
    def status(self) -> dict[Run, Any]:
        """The row of `runs` of every run that left files."""
        return {(run.dataset, run.variant, run.seed): run for run in self.runs.itertuples()}

    @cached_property
    def missing_runs(self) -> list[Run]:
        """The runs that the study names and that left no files."""
        return [
            (dataset, variant, seed)
            for dataset in self.datasets
            for variant in self.own_variants
            for seed in self.study["seeds"]
            if (dataset, variant, seed) not in self.samples
        ]

    @cached_property
    def spent(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What the runs of each (dataset, variant) used, which is the same by every metric."""
        return summarise_spending(self.runs, self.parameters)

    def floor(self, dataset: str, metric: str, reference: str) -> float | None:
        """The score of the same number of real samples, if it was measured."""
        rows = select(self.floors, dataset=dataset, metric=metric, reference=reference)
        return None if rows["value"].isna().all() else float(rows["value"].iloc[0])


def read_results(study: dict[str, Any], inputs: Mapping[str, Sequence[Path]]) -> Results:
    """Reads the files of `inputs`, which are named as in the rule `report`.

    `runs`, `histories`, `scores` and `samples` are parallel, one file a run; `nearest` has only the
    runs on images, `maps` only the runs on points. `cards` and `examples` are parallel.
    """
    records = [files.read_json(file) for file in inputs["runs"]]
    keys: list[Run] = [(record["dataset"], record["variant"], record["seed"]) for record in records]
    keys_of_type = {
        kind: [key for key in keys if study["datasets"][key[0]]["type"] == kind]
        for kind in ("images", "points")
    }
    histories = [
        pd.read_csv(file).assign(dataset=dataset, variant=variant, seed=seed)
        for (dataset, variant, seed), file in zip(keys, inputs["histories"], strict=True)
    ]
    runs, history = tabulate_records(records), _stack(histories)
    run_scores = [read_scores(file) for file in inputs["scores"]]
    dynamics = map(score_dynamics, run_scores, histories)
    scores = _stack(run_scores)
    setting_scores = [read_scores(file) for file in inputs.get("setting_scores", ())]
    setting_runs = [files.read_json(file) for file in inputs.get("setting_runs", ())]
    cards = _read_by("name", inputs["cards"])
    return Results(
        study=study,
        runs=runs,
        scores=_stack([scores, *dynamics]),
        setting_scores=_stack([scores[:0], *setting_scores]),
        setting_runs=tabulate_records(setting_runs, runs.columns),
        curves=add_budgets(average_repeats(scores), history, runs),
        history=history,
        floors=_stack([read_scores(file) for file in inputs["floors"]]),
        stages=_read_benchmarks(inputs.get("benchmarks", ())),
        cards=cards,
        extractors=_read_by("dataset", inputs.get("extractor_cards", ())),
        theory=_read_by("objective", inputs["theory"]),
        examples=dict(zip(cards, inputs["examples"], strict=True)),
        samples=dict(zip(keys, inputs["samples"], strict=True)),
        nearest=dict(zip(keys_of_type["images"], inputs.get("nearest", ()), strict=True)),
        maps={
            key: _read_arrays(file)
            for key, file in zip(keys_of_type["points"], inputs.get("maps", ()), strict=True)
        },
        lock_sha256=sha256_file(inputs["lock"][0]),
        declarations=read_declarations(*inputs.get("declared", ())),
    )


def read_scores(file: Path) -> pd.DataFrame:
    """A table of scores whose names stay text: pandas reads `1` as a number, `null` as nothing."""
    return pd.read_csv(
        file,
        dtype={"dataset": str, "variant": str},
        keep_default_na=False,
        na_values={"value": ["", "nan"]},
    )


def tabulate_records(
    records: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """A row for each record. Where one has no text and others have, it is None.

    pandas would make it NaN, which is true and prints as `nan`.
    """
    table = pd.DataFrame(records, columns=columns)
    for name in table.columns[table.isna().any()]:
        if not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def average_repeats(scores: pd.DataFrame) -> pd.DataFrame:
    """The score of each snapshot; NaN if one of its repeats has none, as in the tables."""
    columns = [name for name in scores if name not in ("repeat", "value")]
    return scores.groupby(columns, sort=False, as_index=False)["value"].mean(skipna=False)


def _read_benchmarks(paths: Sequence[Path]) -> pd.DataFrame:
    """Each job's stage and Snakemake's measurements of it: wall-clock seconds, memory in MiB."""
    tables = [
        pd.read_csv(file, sep="\t", na_values="-")[["s", "max_rss"]].assign(stage=file.parent.name)
        for file in paths
        if file.exists()  # results may have been copied here without them
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"stage": []})


def _stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One below the other. A table without rows must not decide the columns' types."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1], ignore_index=True)


def _read_by(key: str, paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """JSON files by the value that each has for `key`."""
    contents = [files.read_json(file) for file in paths]
    return {content[key]: content for content in contents}


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as arrays:
        return dict(arrays)
