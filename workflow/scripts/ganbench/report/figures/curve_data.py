"""The one block of data from which the page's script draws all learning curves and the game's."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.scales import Scale
from ganbench.report.figures.budgets import BUDGETS, RUN_COLUMNS, describe_budget
from ganbench.report.figures.drawing import choose_border, choose_colour
from ganbench.report.figures.equilibrium_levels import list_unread_critics
from ganbench.report.figures.game_curves import (
    GAME_CURVES,
    describe_game_plot,
    hide_critics,
    thin_out,
)
from ganbench.report.figures.learning_curves import (
    MetricCurves,
    list_metric_curves,
    name_column,
)
from ganbench.report.figures.packing import pack_levels, pack_numbers
from ganbench.report.figures.plots import Plot
from ganbench.report.figures.update_sizes import list_update_plots, measured_updates
from ganbench.report.results import Results
from ganbench.study.budget import images_per_step


def collect_curves(results: Results) -> dict[str, Any]:
    """Colours of the variants and names of the budgets; by dataset, its plots and two tables.

    `scores` has the score of every snapshot of every run, exact to four digits; `history` the rows
    of training that are drawn, as levels of each variant's range.
    """
    places = range(len(results.variants))
    return {
        "variants": results.variants,
        "lines": [[choose_colour(place), choose_border(place)] for place in places],
        "budgets": {budget.column: budget.title for budget in BUDGETS},
        "datasets": {name: _collect_dataset(results, name) for name in results.datasets},
    }


def _collect_dataset(results: Results, dataset: str) -> dict[str, Any]:
    metrics = list_metric_curves(results, dataset)
    history = results.history[results.history["dataset"] == dataset]
    game = [describe_game_plot(results.study, dataset, curve) for curve in GAME_CURVES]
    game += list_update_plots(dataset) if measured_updates(history) else []
    tables = [table for curves in metrics for table in (curves.scores, curves.other) if len(table)]
    rows = hide_critics(thin_out(history), list_unread_critics(results, dataset))
    columns = dict.fromkeys(plot.column for plot in game)
    return {
        "labels": {
            budget.column: describe_budget(budget, results.study, dataset) for budget in BUDGETS
        },
        "costs": _list_costs(results, dataset),
        "plots": {
            plot.name: _describe(plot, table)
            for table, plots in (("scores", [curves.plot for curves in metrics]), ("history", game))
            for plot in plots
        },
        "scores": _tabulate_scores(results, tables, _list_logarithmic(metrics)),
        "history": _tabulate_history(results, rows[rows["generator_steps"].notna()], columns),
    }


def _list_logarithmic(metrics: Iterable[MetricCurves]) -> set[str]:
    """The columns of scores that have logarithmic axes."""
    plots = [curves.plot for curves in metrics if curves.plot.logarithmic]
    return {name for plot in plots for name in (plot.column, plot.other)}


def _list_costs(results: Results, dataset: str) -> dict[str, list[int]]:
    """By a variant's place, the real samples and the updates of D that a step takes."""
    return {
        str(place): [images_per_step(parameters), parameters["discriminator_steps"]]
        for place, variant in enumerate(results.variants)
        if (parameters := results.study["runs"][dataset].get(variant))
    }


def _describe(plot: Plot, table: str) -> dict[str, Any]:
    described = {
        "table": table,
        "title": plot.title,
        "label": plot.subtitle,
        "column": plot.column,
        "other": plot.other,
        "against": plot.against,
        "againstLabel": plot.against_label,
        "log": plot.logarithmic,
        "scale": _describe_scale(plot.scale),
        "levels": _list_levels(plot),
        "large": plot.large,
    }
    return {key: value for key, value in described.items() if value}


def _describe_scale(scale: Scale) -> list[Any]:
    """The name of the scale on which means are taken, and its ends where it has two."""
    if scale.name == "identity":
        return []
    return [scale.name, scale.lowest, scale.highest] if scale.name == "angular" else [scale.name]


def _list_levels(plot: Plot) -> list[list[Any]]:
    """Height and name of the guide lines."""
    return [
        [math.log10(level.value) if plot.logarithmic else float(level.value), level.label]
        for level in plot.levels
    ]


def _tabulate_scores(
    results: Results, tables: Sequence[pd.DataFrame], logarithmic: Collection[str]
) -> dict[str, Any]:
    """Every score of every snapshot, of some columns its logarithm; NaN where a run has none."""
    if not tables:
        return {"runs": [], "steps": [], "columns": {}}
    scores = pd.concat(tables)
    index = [*RUN_COLUMNS, "step"]
    snapshots = scores.drop_duplicates(index)[[*index, "seconds"]]
    snapshots = results.runs[RUN_COLUMNS].merge(snapshots.sort_values("step", kind="stable"))
    runs = _list_runs(results, snapshots, "step")
    named = scores.assign(column=[*map(name_column, scores["metric"], scores["reference"])])
    in_logs = named["column"].isin(logarithmic)
    named["value"] = np.where(in_logs, _take_logarithm(named["value"]), named["value"])
    columns = {
        name: pack_numbers(snapshots.merge(rows, "left", index)["value"].to_numpy())
        for name, rows in named[[*index, "column", "value"]].groupby("column", sort=False)
    }
    return runs | {"seconds": pack_numbers(snapshots["seconds"].to_numpy()), "columns": columns}


def _tabulate_history(
    results: Results, rows: pd.DataFrame, columns: Iterable[str]
) -> dict[str, Any]:
    """Of each column, the levels of a variant's runs."""
    logarithmic = {name for name in columns if name.endswith(("norm", "size"))}
    by_variant = [table for _, table in rows.groupby("variant", sort=False)]
    ordered = pd.concat(by_variant) if by_variant else rows
    return _list_runs(results, ordered, "generator_steps") | {
        "columns": {
            name: [
                pack_levels(_take_logarithm(table[name]) if name in logarithmic else table[name])
                for table in by_variant
            ]
            for name in columns
        },
        "logs": sorted(logarithmic),
    }


def _list_runs(results: Results, rows: pd.DataFrame, column: str) -> dict[str, Any]:
    """The runs that the rows are of, one after another, and the different lists of their steps.

    Of each run the place of its variant, its seed, whether it completed, and the place of its list.
    """
    lists: dict[tuple[int, ...], int] = {}
    runs = []
    for key, table in rows.groupby(RUN_COLUMNS, sort=False):
        steps = tuple(table[column].astype(int).tolist())
        place, completed = results.variants.index(key[1]), results.status[key].status == "completed"
        runs.append([place, int(key[2]), int(completed), lists.setdefault(steps, len(lists))])
    return {"runs": runs, "steps": list(lists)}


def _take_logarithm(values: pd.Series) -> np.ndarray:
    """To base 10; NaN where a logarithmic axis has no place for a value."""
    return np.log10(values.where(values > 0).to_numpy(dtype=float))
