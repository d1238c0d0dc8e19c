"""The page: one HTML file that asks nobody for anything."""

import base64
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from ganbench import objectives
from ganbench.budget import images_per_step
from ganbench.evidence import verdicts
from ganbench.metrics import DEFINITIONS, base
from ganbench.report.drawing import PALETTE, colour
from ganbench.report.numbers import duration, short
from ganbench.report.results import Results, missing

TEMPLATES = Path(__file__).parents[3] / "report"


def render(
    results: Results,
    summary: pd.DataFrame,
    comparisons: pd.DataFrame,
    headline: str,
    drawn: dict[str, Any],
) -> str:
    """The whole page as text. Every string of the study is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": short, "duration": duration, "verdict": verdicts.kind}
    environment.filters["svg"] = Markup  # drawn here, from escaped text
    return environment.get_template("page.html.j2").render(
        results=results,
        study=results.study,
        variants=[
            {"name": name, "index": index, "colour": colour(index)}
            for index, name in enumerate(results.variants)
        ],
        headline=headline,
        missing=missing(results),
        leaderboards=[leaderboard(results, summary, name) for name in results.datasets],
        comparisons=_comparisons(results, comparisons),
        drawn=drawn,
        samples=_samples(results),
        formulas=_formulas(results),
        definitions=_definitions(results),
        resolved=yaml.safe_dump(results.study, sort_keys=False, allow_unicode=True, width=96),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
        palette=PALETTE,
    )


def leaderboard(results: Results, summary: pd.DataFrame, dataset: str) -> dict[str, Any]:
    """The rows of one dataset's leaderboard, best first by its primary metric."""
    primary = results.study["datasets"][dataset]["primary"]
    shown = summary[(summary["dataset"] == dataset) & (summary["reference"] != "train")]
    measures = list(dict.fromkeys(zip(shown["metric"], shown["reference"], strict=True)))
    main = (primary["metric"], primary["reference"])
    measures = [main, *(each for each in measures if each != main)]
    rows = [_row(results, shown, dataset, variant, measures) for variant in results.variants]
    sign = -1 if DEFINITIONS[base(main[0])].better == "higher" else 1
    rows.sort(
        key=lambda row: (row["cells"][0]["mean"] is None, sign * (row["cells"][0]["mean"] or 0))
    )
    floors = [results.floor(dataset, *measure) for measure in measures]
    seeds = [value for row in rows for value in row["seeds"]]
    bounds = [*seeds, *(floors[:1] if floors[0] is not None else [])]
    return {
        "dataset": dataset,
        "primary": primary,
        "measures": [
            {"metric": metric, "reference": reference, **_described(metric)}
            for metric, reference in measures
        ],
        "rows": rows,
        "floors": floors,
        "low": min(bounds, default=0.0),
        "high": max(bounds, default=1.0),
        "samples": _sample_count(results, dataset),
        "unequal": [
            unit
            for unit in ("D updates", "G updates", "images")
            if len({row["budget"][unit]["shown"] for row in rows if row["n"]}) > 1
        ],
    }


def _row(
    results: Results, shown: pd.DataFrame, dataset: str, variant: str, measures: list
) -> dict[str, Any]:
    runs = results.runs.query("dataset == @dataset and variant == @variant")
    found = shown[shown["variant"] == variant].set_index(["metric", "reference"])
    cells = [
        _cell(found.loc[measure]) if measure in found.index else _EMPTY for measure in measures
    ]
    parameters = runs["parameters"].iloc[0]
    return {
        "variant": variant,
        "index": results.variants.index(variant),
        "cells": cells,
        "seeds": _final_values(results, runs, measures[0]),
        "n": int((runs["status"] == "completed").sum()),
        "failed": int((runs["status"] != "completed").sum()),
        "budget": {
            "D updates": _spent(runs, parameters["discriminator_steps"]),
            "G updates": _spent(runs, 1),
            "images": _spent(runs, images_per_step(parameters)),
        },
        "seconds": float(runs["seconds"].median()),
    }


def _spent(runs: pd.DataFrame, each_step: int) -> dict[str, Any]:
    """What completed runs used of a budget, and in words: a range where some stopped early."""
    steps = runs[runs["status"] == "completed"]["step"] * each_step
    if not len(steps):
        return {"most": 0, "shown": "–"}
    low, high = int(steps.min()), int(steps.max())
    return {"most": high, "shown": f"{high:,}" if low == high else f"{low:,} to {high:,}"}


_EMPTY = {"mean": None, "low": None, "high": None}


def _cell(row: pd.Series) -> dict[str, float | None]:
    values = {"mean": row["mean"], "low": row["ci_low"], "high": row["ci_high"]}
    return {name: None if pd.isna(value) else float(value) for name, value in values.items()}


def _final_values(results: Results, runs: pd.DataFrame, measure: tuple[str, str]) -> list[float]:
    final = runs[runs["status"] == "completed"][["dataset", "variant", "seed", "step"]]
    scores = results.scores.merge(final, on=["dataset", "variant", "seed", "step"])
    found = scores[(scores["metric"] == measure[0]) & (scores["reference"] == measure[1])]
    return found["value"].tolist()


def _described(metric: str) -> dict[str, str]:
    definition = DEFINITIONS[base(metric)]
    return {"title": definition.title, "better": definition.better}


def _sample_count(results: Results, dataset: str) -> int:
    floors = results.floors[results.floors["dataset"] == dataset]
    return int(floors["n"].iloc[0]) if len(floors) else 0


def _comparisons(results: Results, comparisons: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the comparison table: each dataset's primary metric first, then the others."""
    shown = comparisons[comparisons["reference"] != "train"]
    rows = shown.astype(object).where(shown.notna(), None).to_dict("records")
    for row in rows:
        primary = results.study["datasets"][row["dataset"]]["primary"]
        row["primary"] = (row["metric"], row["reference"]) == tuple(primary.values())
        row["index"] = results.variants.index(row["variant"])
    return sorted(rows, key=lambda row: not row["primary"])


def _samples(results: Results) -> dict[str, list[dict[str, Any]]]:
    """By dataset and seed: each variant's picture, as a data address."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for dataset in results.datasets:
        seeds = []
        for seed in results.study["seeds"]:
            pictures = [
                {"variant": variant, "address": _address(results.samples[dataset, variant, seed])}
                for variant in results.variants
                if (dataset, variant, seed) in results.samples
            ]
            seeds.append({"seed": seed, "pictures": pictures})
        shown[dataset] = seeds
    return shown


def _address(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()


def _formulas(results: Results) -> list[dict[str, Any]]:
    """Each objective with its formulas printed and what theory derived of it."""
    shown = []
    for name, definition in results.study["objectives"].items():
        objective = objectives.read(name, definition)
        shown.append(
            {
                **definition,
                "name": name,
                "discriminator_mathml": Markup(objective.discriminator.mathml()),
                "generator_mathml": Markup(objective.generator.mathml()),
                "theory": results.theory.get(name, {}),
            }
        )
    return shown


def _definitions(results: Results) -> list[Any]:
    used = {base(metric) for metric in results.scores["metric"].unique()}
    return [definition for name, definition in DEFINITIONS.items() if name in used]
