"""The page: one HTML file that asks nobody for anything."""

import base64
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from ganbench import objectives
from ganbench.evidence import verdicts
from ganbench.metrics import DEFINITIONS, base
from ganbench.report import numbers
from ganbench.report.again import configuration, distinct
from ganbench.report.drawing import border, colour
from ganbench.report.figures import READ_CURVES, READ_GAME
from ganbench.report.leaderboard import leaderboard
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
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            results=results,
            study=results.study,
            variants=[
                {"name": name, "index": index, "colour": colour(index), "border": border(index)}
                for index, name in enumerate(results.variants)
            ],
            headline=headline,
            missing=missing(results),
            leaderboards=[leaderboard(results, summary, name) for name in results.datasets],
            comparisons=_comparisons(results, comparisons),
            drawn=drawn,
            read_curves=READ_CURVES,
            read_game=READ_GAME,
            samples=_samples(results),
            formulas=_formulas(results),
            definitions=_definitions(results),
            configuration=configuration(results),
            machine=distinct(results.runs, "machine"),
            versions=distinct(results.runs, "versions"),
            style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
            script=Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (numbers.short, numbers.chance, numbers.duration):
        environment.filters[each.__name__] = each
    environment.filters["verdict"] = verdicts.kind
    environment.filters["drawn"] = Markup  # made by this library, from escaped text
    return environment


def _comparisons(results: Results, comparisons: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the comparison table: each dataset's primary metric first, then the others."""
    shown = comparisons[comparisons["reference"] != "train"]
    rows = shown.astype(object).where(shown.notna(), None).to_dict("records")
    for row in rows:
        primary = results.study["datasets"][row["dataset"]]["primary"]
        row["primary"] = (row["metric"], row["reference"]) == (
            primary["metric"],
            primary["reference"],
        )
        row["index"] = results.variants.index(row["variant"])
        row["shown"], row["interval"] = numbers.interval(
            row["difference"], row["ci_low"], row["ci_high"]
        )
    return sorted(rows, key=lambda row: not row["primary"])


def _samples(results: Results) -> dict[str, list[dict[str, Any]]]:
    """By dataset and seed: each variant's picture as a data address, and its rows' steps."""
    scored = results.scores.groupby(["dataset", "variant", "seed"])["step"].unique()
    shown: dict[str, list[dict[str, Any]]] = {}
    for dataset in results.datasets:
        shown[dataset] = []
        for seed in results.study["seeds"]:
            runs = [(dataset, variant, seed) for variant in results.variants]
            pictures = [
                {
                    "variant": run[1],
                    "index": results.variants.index(run[1]),
                    "address": _address(results.samples[run]),
                    "steps": sorted(scored.get(run, ())),
                }
                for run in runs
                if run in results.samples
            ]
            shown[dataset].append({"seed": seed, "pictures": pictures})
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
