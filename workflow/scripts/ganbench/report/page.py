"""The page: one HTML file that asks nobody for anything."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from ganbench import wording
from ganbench.catalogue import objectives
from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.formula.mathml import to_mathml
from ganbench.report import bibliography as references
from ganbench.report import leaderboard, matrix
from ganbench.report import reproduction as again
from ganbench.report import sample_pictures as pictures
from ganbench.report.figures.budgets import BUDGETS
from ganbench.report.figures.drawing import Drawing, border, colour
from ganbench.report.missing_runs import failed, incidents, missing
from ganbench.report.results import Results

TEMPLATES = Path(__file__).parents[3] / "report"

ATTACHED = ("summary", "comparisons", "pairs", "rates", "ranks", "noise")
"""The tables that the page holds whole; the longer ones lie beside it."""


def render(
    results: Results,
    tables: dict[str, pd.DataFrame],
    *,
    latex: dict[str, str],
    published: list[dict[str, Any]],
    headline: str,
    drawn: dict[str, Any],
) -> str:
    """The whole page as text. Every string of the study is escaped by the templates."""
    boards = leaderboard.leaderboards(results, tables["summary"], published)
    matrices = matrix.matrices(results, tables["pairs"])
    found = pictures.pictures(results)
    context = {
        "results": results,
        "study": results.study,
        "variants": [
            {"name": name, "index": index, "colour": colour(index), "border": border(index)}
            for index, name in enumerate(results.variants)
        ],
        "headline": headline,
        "missing": missing(results),
        "failed": failed(results),
        "diverged": int((results.runs["status"] == "diverged").sum()),
        "incidents": {name: incidents(results, name) for name in results.datasets},
        "boards": boards,
        "measures": _measures([*boards, *matrices]),
        "refused": leaderboard.refused(published),
        "matrices": matrices,
        "comparisons": matrix.comparison_rows(results, tables["comparisons"]),
        "tables": {name: _records(table) for name, table in tables.items() if name in ATTACHED},
        "budgets": BUDGETS,
        "drawn": drawn,
        "figure_style": Markup(_rules(drawings(drawn))),
        "samples": pictures.samples(results, found),
        "pictures": found,
        "formulas": _formulas(results),
        "definitions": _definitions(results),
        "configuration": again.configuration(results),
        "machine": again.distinct(results.runs, "machine"),
        "versions": again.distinct(results.runs, "versions"),
        "cells": again.cells(results),
        "stages": again.stages(results),
        "bibtex": references.bibtex(results, bool(published)),
        "csv": {name: tables[name].to_csv(index=False) for name in ATTACHED},
        "latex": latex,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "script": Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
    }
    return _environment().get_template("page.html.j2").render(context)


def drawings(drawn: dict[str, Any]) -> list[Drawing]:
    """Every drawing of a page, from the lists and dicts that hold them."""
    found: list[Drawing] = []
    waiting: list[Any] = list(drawn.values())
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, Drawing):
            found.append(each)
        elif hasattr(each, "by_budget"):
            waiting += each.by_budget.values()
        else:
            waiting += each.values() if isinstance(each, dict) else each
    return found


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (
        wording.number,
        wording.p_value,
        wording.duration,
        wording.whole_percent,
        wording.operations,
    ):
        environment.filters[each.__name__] = each
    environment.filters["channels"] = lambda values: " / ".join(
        wording.number(each, 4) for each in np.atleast_1d(values)
    )
    environment.filters["breakable"] = _breakable
    environment.filters["address"] = _address
    environment.filters["drawn"] = Markup  # made by this library, from escaped text
    return environment


def _address(text: str, kind: str) -> str:
    """`text` as an address that holds it, of which a browser can make a file."""
    return f"data:{kind};charset=utf-8,{quote(text, safe=',;:()/=+-.')}"


def _breakable(name: str) -> Markup:
    """A name that a narrow column may break after its underscores and hyphens."""
    shown = Markup.escape(name)
    return shown.replace("_", Markup("_<wbr>")).replace("-", Markup("-<wbr>"))


def _rules(all_drawings: Iterable[Drawing]) -> str:
    """The style rules that the figures share."""
    rules: dict[str, str] = {}
    for drawing in all_drawings:
        for name, style in drawing.inline.styles.items():
            if rules.setdefault(name, style) != style:
                raise ValueError(f"two styles have the short name {name}: {rules[name]}, {style}")
    return "\n".join(f".{name}{{{style}}}" for name, style in rules.items())


def _measures(shown: list[dict[str, Any]]) -> dict[str, str]:
    """Every measure that a table shows, with a short name for the page's switches."""
    return {
        measure: f"m{number}"
        for number, measure in enumerate(dict.fromkeys(each["measure"] for each in shown))
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _formulas(results: Results) -> list[dict[str, Any]]:
    """Each objective with its formulas printed and what theory derived of it."""
    shown = []
    for name, definition in results.study["objectives"].items():
        objective = objectives.read_objective(name, definition)
        shown.append(
            {
                **definition,
                "name": name,
                "discriminator_mathml": Markup(to_mathml(objective.discriminator.expression)),
                "generator_mathml": Markup(to_mathml(objective.generator.expression)),
                "theory": results.theory.get(name, {}),
            }
        )
    return shown


def _definitions(results: Results) -> list[Any]:
    used = {base_name(metric) for metric in results.scores["metric"].unique()}
    return [definition for name, definition in METRICS.items() if name in used]
