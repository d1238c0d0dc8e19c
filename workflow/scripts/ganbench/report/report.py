"""Writes everything that the rule `report` declares: tables, figures and the page."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ganbench.catalogue.published import find_published
from ganbench.evidence.best_steps import find_best_steps
from ganbench.evidence.comparisons import compare_all_pairs, compare_contrasts
from ganbench.evidence.factors import estimate_effects
from ganbench.evidence.headline import write_headline
from ganbench.evidence.ranks import rank_variants
from ganbench.evidence.tables import count_failures, estimate_noise, profile_scores, summarise
from ganbench.evidence.tuning import evaluate_tuning, list_winners
from ganbench.jobs import files, provenance
from ganbench.jobs.errors import writing
from ganbench.report.figures.budgets import RUN_COLUMNS
from ganbench.report.figures.density_maps import sketch_density_maps
from ganbench.report.figures.drawing import Drawing
from ganbench.report.figures.factor_levels import sketch_factor_levels
from ganbench.report.figures.film_gif import draw_gif
from ganbench.report.figures.forest import sketch_forest
from ganbench.report.figures.gallery import draw_all, list_drawings
from ganbench.report.figures.game_curves import (
    sketch_game_curves,
    sketch_gradient_weights,
)
from ganbench.report.figures.generator_divergence import sketch_generator_divergences
from ganbench.report.figures.learning_curves import sketch_learning_curves
from ganbench.report.figures.phase_portraits import sketch_phase_portraits
from ganbench.report.figures.processes import compute_all
from ganbench.report.figures.profile_curves import sketch_profiles
from ganbench.report.figures.schedule_curves import sketch_schedule_curves
from ganbench.report.figures.tuning_curves import sketch_tuning_curves
from ganbench.report.figures.update_sizes import sketch_update_sizes
from ganbench.report.latex_tables import format_tables
from ganbench.report.page import render_page
from ganbench.report.paper_tables import (
    build_paper_tables,
    format_paper_latex,
    format_paper_markdown,
)
from ganbench.report.reference_runs import drop_unmeasured, join_references, read_reference_runs
from ganbench.report.reproduction import list_software
from ganbench.report.results import Results, read_results, read_scores
from ganbench.report.sample_pictures import encode_pictures
from ganbench.study.declaration import digest_declaration
from ganbench.study.grid import has_factors


def write_report(
    study: dict[str, Any],
    inputs: Mapping[str, Sequence[Path]],
    folder: Path,
    processes: int = 1,
) -> None:
    """Reads `inputs` (named as in the rule) and writes tables, figures and page to `folder`.

    The work is divided among up to this many processes, which does not change a byte. Raises
    DamagedFileError if a run's files belong to another study.
    """
    own = _fill_empty_history(read_results(study, inputs))
    _check_runs(own, inputs)
    results = join_references(own, read_reference_runs(inputs))
    tables, pictures, gif = compute_all(
        [partial(task, results) for task in (make_tables, encode_pictures, draw_gif)], processes
    )
    headline = write_headline(
        tables["comparisons"], tables["summary"], results.runs, study, tables["rates"]
    )
    figures = draw_figures(results, tables, processes)
    paper_tables = build_paper_tables(results, tables)
    latex = format_tables(results, tables) | {"paper": format_paper_latex(results, paper_tables)}
    page = render_page(
        results,
        tables,
        latex=latex,
        published=find_published(study),
        headline=headline,
        figures=figures,
        pictures=pictures,
    )
    files.write_json(
        folder / "study.json",
        study | {"software": list_software(own.runs), "declaration": digest_declaration(study)},
    )
    for name, table in {"scores": results.scores, **tables}.items():
        with files.whole(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    for name, text in latex.items():
        files.write_text(folder / f"tables/{name}.tex", text)
    files.write_text(folder / "tables/paper.md", format_paper_markdown(paper_tables))
    _write_figures(folder / "figures", list_drawings(figures), gif)
    files.write_text(folder / "report.html", page)


def _write_figures(folder: Path, drawings: Sequence[Drawing], gif: bytes | None) -> None:
    with writing(folder):  # the rule declares the folder, not its files
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            (folder / f"{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
            (folder / f"{drawing.name}.pdf").write_bytes(drawing.pdf)
        if gif:
            (folder / "figure1.gif").write_bytes(gif)


def _fill_empty_history(results: Results) -> Results:
    """If no run has any history, gives each one row without numbers, so that figures have axes."""
    if not results.history.empty:
        return results
    rows = results.runs[RUN_COLUMNS]
    return replace(results, history=rows.reindex(columns=results.history.columns))


def _check_runs(results: Results, inputs: Mapping[str, Sequence[Path]]) -> None:
    """Another checkout's study may have the same name and runs, and train them differently."""
    scored_runs = [
        set(scores[RUN_COLUMNS].itertuples(index=False, name=None))
        for scores in map(read_scores, inputs["scores"])
    ]
    for run, scored, file in zip(
        results.runs.itertuples(), scored_runs, inputs["runs"], strict=True
    ):
        parameters = results.study["runs"].get(run.dataset, {}).get(run.variant)
        if provenance.canonical_json(run.parameters) != provenance.canonical_json(parameters):
            problem = "was trained with other parameters than the study has now"
        elif scored - {(run.dataset, run.variant, run.seed)}:
            problem = "belongs to another run than the scores next to it"
        else:
            continue
        raise files.DamagedFileError(
            f"{file} {problem}. Delete its folder and run the same snakemake command again, which "
            f"trains the run: rm -r {shlex.quote(str(file.parent))}"
        )


def make_tables(results: Results) -> dict[str, pd.DataFrame]:
    """Every table of the statistics, by the name of its CSV."""
    scores, runs = results.scores, results.runs
    study = results.study | {"unpaired": results.unpaired}
    confidence, recall = study["report"]["confidence"], study["evaluation"]["collapse_recall"]
    with_settings = (
        pd.concat([scores, results.setting_scores], ignore_index=True),
        pd.concat([runs, results.setting_runs], ignore_index=True),
        study,
    )
    tables = {
        "summary": summarise(scores, runs, confidence),
        "comparisons": compare_contrasts(scores, runs, study),
        "pairs": compare_all_pairs(scores, runs, study),
        "rates": count_failures(scores, runs, recall, confidence),
        "ranks": rank_variants(scores, runs, study),
        "profiles": profile_scores(scores, runs),
        "noise": estimate_noise(scores, runs, confidence),
        "best_steps": find_best_steps(scores),
        "tuning": evaluate_tuning(*with_settings),
    }
    tables = drop_unmeasured(tables, results)
    if study["settings"]:
        tables["winners"] = list_winners(*with_settings)
    if has_factors(study):
        tables["factors"] = estimate_effects(scores, runs, study)
    return tables


def draw_figures(
    results: Results, tables: Mapping[str, pd.DataFrame], processes: int = 1
) -> dict[str, Any]:
    """Every figure of the page, by its section and, but for the theory, by dataset."""
    profiles, tuning = tables["profiles"], tables["tuning"]
    comparisons, summary = tables["comparisons"], tables["summary"]
    by_dataset = {
        "forests": lambda name: sketch_forest(results, comparisons, summary, name),
        "profiles": lambda name: sketch_profiles(results, profiles, name),
        "curves": lambda name: sketch_learning_curves(results, name),
        "tuning": lambda name: sketch_tuning_curves(results, tuning, name),
        "game": lambda name: sketch_game_curves(results, name) + sketch_update_sizes(results, name),
        "schedules": lambda name: sketch_schedule_curves(results, name),
        "factors": lambda name: sketch_factor_levels(results, name),
        "densities": lambda name: sketch_density_maps(results, name),
    }
    sketches = {
        section: {name: sketch(name) for name in results.datasets}
        for section, sketch in by_dataset.items()
    }
    theory = [*sketch_gradient_weights(results), *sketch_generator_divergences(results)]
    portraits = sketch_phase_portraits(results)
    return draw_all({**sketches, "theory": theory, "portraits": portraits}, processes)
