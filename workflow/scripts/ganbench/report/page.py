"""The page: one HTML file that loads nothing else."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from ganbench import wording
from ganbench.catalogue import objectives
from ganbench.catalogue.metrics import METRICS, Metric, base_name
from ganbench.evidence.headline import Headline
from ganbench.formula.mathml import to_mathml
from ganbench.jobs.resources import find_resources
from ganbench.report import bibliography, leaderboard, matrix, reproduction, sample_pictures
from ganbench.report.attachments import choose_attached, make_address
from ganbench.report.best_steps_shown import describe_best_steps
from ganbench.report.declarations import describe_declaration
from ganbench.report.factors_shown import describe_factors
from ganbench.report.figures.budgets import BUDGETS
from ganbench.report.figures.curve_data import collect_curves
from ganbench.report.figures.curves import MANY_RUNS
from ganbench.report.figures.drawing import Drawing, choose_border, choose_colour
from ganbench.report.figures.film import collect_film
from ganbench.report.figures.film_gif import choose_filmed
from ganbench.report.figures.film_maps import collect_map_film
from ganbench.report.figures.gallery import list_drawings
from ganbench.report.measures import describe_measure
from ganbench.report.methods_paragraph import describe_origin, write_methods
from ganbench.report.missing_runs import describe_diverged, describe_failures, describe_missing
from ganbench.report.paper_tables import build_paper_tables, format_paper_markdown
from ganbench.report.recipes import describe_moments, describe_recipes
from ganbench.report.reference_runs import describe_references
from ganbench.report.results import Results
from ganbench.report.samples_shown import arrange_samples
from ganbench.report.schedule_notes import describe_schedules
from ganbench.report.score_notes import note_scores
from ganbench.report.updates_of_players import describe_updates
from ganbench.report.winners import group_winners

TEMPLATES = find_resources("report")

SCRIPTS = (
    "script",
    "samples",
    "film",
    "curve_numbers",
    "curve_axes",
    "curves",
    "curve_views",
    "links",
)
"""The page's scripts."""

ATTACHED = ("summary", "comparisons", "pairs", "rates", "ranks", "noise")
"""The tables that the page offers for download; all are files next to it."""


def render_page(
    results: Results,
    tables: Mapping[str, pd.DataFrame],
    *,
    latex: Mapping[str, str],
    published: list[dict[str, Any]],
    headline: Headline,
    figures: Mapping[str, Any],
    pictures: sample_pictures.Pictures,
) -> str:
    """The whole page as text. The templates escape every string of the study."""
    boards = leaderboard.build_leaderboards(
        results,
        tables["summary"],
        published,
        collapses=leaderboard.count_collapses(tables["rates"]),
    )
    matrices = matrix.build_matrices(results, tables["pairs"])
    paper_tables = build_paper_tables(results, tables)
    context = {
        "results": results,
        "study": results.study,
        "variants": [
            {
                "name": name,
                "index": index,
                "colour": choose_colour(index),
                "border": choose_border(index),
                "is_own": name in results.own_variants,
            }
            for index, name in enumerate(results.variants)
        ],
        "headline": headline,
        "missing": describe_missing(results),
        "diverged": describe_diverged(results),
        "diverged_runs": int((results.runs["status"] == "diverged").sum()),
        "failures": {name: describe_failures(results, name) for name in results.datasets},
        "boards": boards,
        "which_runs": leaderboard.name_lost_runs(boards),
        "references": describe_references(results),
        "score_notes": note_scores(results, tables["summary"]),
        "measures": _shorten_measures([*boards, *matrices]),
        "incomparable": leaderboard.group_incomparable(published),
        "matrices": matrices,
        "comparisons": matrix.build_comparison_rows(results, tables["comparisons"]),
        "tables": {name: _to_records(tables[name]) for name in ATTACHED},
        "budgets": BUDGETS,
        "factors": describe_factors(results, tables["factors"]) if "factors" in tables else [],
        "figures": figures,
        "curve_data": collect_curves(results),
        "many_runs": len(results.runs) > MANY_RUNS,
        "best_steps": describe_best_steps(results, tables["best_steps"]),
        "winners": group_winners(tables.get("winners")),
        "films": {
            dataset: collect_film(results, dataset) or collect_map_film(results, dataset)
            for dataset in results.datasets
        },
        "filmed": next((run[0] for run in choose_filmed(results)), None),
        "figure_style": Markup(_merge_styles(list_drawings(figures))),
        "samples": arrange_samples(results, pictures),
        "pictures": pictures,
        "objectives": _describe_objectives(results),
        "metrics": _list_metrics(results),
        "schedules": describe_schedules(results.study),
        "updates": describe_updates(results.study),
        "recipes": [*describe_recipes(results.study), *describe_moments(results.study)],
        "configuration": reproduction.format_study(results),
        "machine": reproduction.collect_values(results.own_runs, "machine"),
        "fingerprints": reproduction.collect_values(results.own_runs, "fingerprint").get(
            "digest", []
        ),
        "software": [
            reproduction.describe_software(software)
            for software in reproduction.list_software(results.own_runs)
        ],
        "declaration": describe_declaration(results),
        "versions": reproduction.collect_values(results.own_runs, "versions"),
        "runs": reproduction.list_run_commands(results),
        "stages": reproduction.summarise_stages(results),
        "bibtex": bibliography.select_references(results, published=bool(published)),
        "attached": choose_attached(
            {name: tables[name].to_csv(index=False) for name in ATTACHED}, latex
        ),
        "latex": latex,
        "paper_tables": paper_tables,
        "markdown": format_paper_markdown(paper_tables),
        "paragraph": write_methods(results),
        "citation": bibliography.cite_software(results),
        "origin": describe_origin(results),
        "repositories": reproduction.list_repositories(results.runs),
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "script": Markup("\n".join(_read_scripts())),
    }
    return _make_environment().get_template("page.html.j2").render(context)


def _read_scripts() -> list[str]:
    """The page's scripts, in the order in which they run."""
    return [(TEMPLATES / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]


def _make_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _format_number,
        "grouped": _group_thousands,
        "p_value": wording.p_value,
        "duration": wording.duration,
        "whole_percent": wording.whole_percent,
        "operations": wording.operations,
        "place_on_axis": leaderboard.place_on_axis,
        "channels": _format_channels,
        "split_name": _name_split,
        "breakable": _make_breakable,
        "sort_key": _write_sort_key,
        "address": make_address,
        "drawn": Markup,  # made by this library, from escaped text
    }
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.globals["describe_measure"] = describe_measure
    return environment


def _format_number(value: float | None, digits: int = 3) -> str:
    """A number with this many significant digits and separated thousands: 0.0123, 2,269."""
    return _group_thousands(wording.number(value, digits))


def _group_thousands(text: str) -> str:
    """Numbers in a text with their thousands separated: "1200 to 2500.5" is "1,200 to 2,500.5"."""
    return re.sub(r"(?<![\w.,])\d{4,}", lambda match: f"{int(match[0]):,}", text)


def _format_channels(values: float | list[float]) -> str:
    """A number for each channel of an image."""
    return " / ".join(wording.number(value, 4) for value in np.atleast_1d(values))


def _name_split(name: str) -> str:
    """A split of a dataset in words."""
    return {"train": "training", "held_out": "held-out"}.get(name, name)


def _make_breakable(name: str) -> Markup:
    """A text that a narrow column may break after underscores, hyphens and slashes in names."""
    return Markup(re.sub("[_/-]", r"\g<0><wbr>", str(Markup.escape(name))))


def _write_sort_key(value: float | None) -> str:
    """A number by which a column is sorted, to seven digits; empty where there is none."""
    if value is None:
        return ""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.7g}"


def _merge_styles(drawings: Iterable[Drawing]) -> str:
    """The style rules of all figures, without repetitions.

    Raises ValueError if two styles have the same name.
    """
    styles: dict[str, str] = {}
    for drawing in drawings:
        for name, style in drawing.inline.styles.items() if drawing.inline else ():
            if styles.setdefault(name, style) != style:
                raise ValueError(f"two styles have the short name {name}: {styles[name]}, {style}")
    return "\n".join(f".{name}{{{style}}}" for name, style in styles.items())


def _shorten_measures(boards: list[dict[str, Any]]) -> dict[str, str]:
    """A short name, for the page's switches, of the measure of every leaderboard and matrix."""
    names = dict.fromkeys(board["measure"] for board in boards)
    return {name: f"m{number}" for number, name in enumerate(names)}


def _to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _describe_objectives(results: Results) -> list[dict[str, Any]]:
    """Each objective with its formulas as MathML and its derivation."""
    descriptions = []
    for name, definition in results.study["objectives"].items():
        objective = objectives.read_objective(name, definition)
        description = {
            "name": name,
            "discriminator_mathml": Markup(to_mathml(objective.discriminator.expression)),
            "generator_mathml": Markup(to_mathml(objective.generator.expression)),
            "balance_mathml": {
                state: Markup(to_mathml(rule.expression))
                for state, rule in objective.balance.items()
            },
            "theory": results.theory.get(name, {}),
        }
        descriptions.append(definition | description)
    return descriptions


def _list_metrics(results: Results) -> list[Metric]:
    names = {base_name(metric) for metric in results.scores["metric"].unique()}
    return [definition for name, definition in METRICS.items() if name in names]
