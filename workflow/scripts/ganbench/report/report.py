"""Writes everything that the rule `report` declares."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ganbench.catalogue.published import find_published
from ganbench.evidence.comparisons import compare_all_pairs, compare_to_baseline
from ganbench.evidence.headline import write_headline
from ganbench.evidence.ranks import rank_variants
from ganbench.evidence.tables import count_failures, estimate_noise, profile_scores, summarise
from ganbench.evidence.tuning import evaluate_tuning
from ganbench.jobs import files, provenance
from ganbench.jobs.errors import writing
from ganbench.report import latex_tables as latex
from ganbench.report.figures.density_maps import draw_density_maps
from ganbench.report.figures.game_curves import draw_game_curves, draw_gradient_weights
from ganbench.report.figures.learning_curves import draw_learning_curves
from ganbench.report.figures.profile_curves import draw_profiles
from ganbench.report.figures.tuning_curves import draw_tuning_curves
from ganbench.report.page import drawings, render
from ganbench.report.results import Results, gather


def write_report(study: dict[str, Any], inputs: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Reads `inputs` (as the rule names them) and writes tables, figures and page to `folder`.

    Raises DamagedFileError where a run's files are not of this study.
    """
    results = _drawable(gather(study, inputs))
    _check_runs(results, inputs)
    tables = evidence(results)
    headline = write_headline(
        tables["comparisons"], tables["summary"], results.runs, study, tables["rates"]
    )
    drawn = draw(results, tables)
    papers = latex.papers(results, tables)
    page = render(
        results,
        tables,
        latex=papers,
        published=find_published(study),
        headline=headline,
        drawn=drawn,
    )
    files.write_json(folder / "study.json", study)
    for name, table in {"scores": results.scores, **tables}.items():
        with files.whole(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    for name, text in papers.items():
        files.write_text(folder / f"tables/{name}.tex", text)
    with writing(folder / "figures"):  # declared whole, as a folder
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for drawing in drawings(drawn):
            (folder / f"figures/{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
            (folder / f"figures/{drawing.name}.pdf").write_bytes(drawing.pdf)
    files.write_text(folder / "report.html", page)


def _drawable(results: Results) -> Results:
    """The results; histories that are all empty get one row a run, without numbers, to be drawn."""
    if not results.history.empty:
        return results
    rows = results.runs[["dataset", "variant", "seed"]]
    return replace(results, history=rows.reindex(columns=results.history.columns))


def _check_runs(results: Results, inputs: Mapping[str, Sequence[Path]]) -> None:
    """Another checkout's study may have the same name and runs, and train them differently."""
    scored = [
        set(each[["dataset", "variant", "seed"]].itertuples(index=False, name=None))
        for each in map(pd.read_csv, inputs["scores"])
    ]
    for run, keys, file in zip(results.runs.itertuples(), scored, inputs["runs"], strict=True):
        planned = results.study["runs"].get(run.dataset, {}).get(run.variant)
        if provenance.canonical_json(run.parameters) != provenance.canonical_json(planned):
            found = "with other parameters than the study has now"
        elif keys - {(run.dataset, run.variant, run.seed)}:
            found = "as a run that is not the one of the scores beside it"
        else:
            continue
        raise files.DamagedFileError(
            f"{file} was trained {found}. Delete its folder, and the same snakemake command trains "
            f"the run: rm -r {shlex.quote(str(file.parent))}"
        )


def evidence(results: Results) -> dict[str, pd.DataFrame]:
    """Every table of the statistics, by the name of its CSV."""
    scores, runs, study = results.scores, results.runs, results.study
    confidence, recall = study["report"]["confidence"], study["evaluation"]["collapse_recall"]
    return {
        "summary": summarise(scores, runs, confidence),
        "comparisons": compare_to_baseline(scores, runs, study["baseline"], confidence),
        "pairs": compare_all_pairs(scores, runs, confidence),
        "rates": count_failures(scores, runs, recall, confidence),
        "ranks": rank_variants(scores, runs, study),
        "profiles": profile_scores(scores, runs),
        "noise": estimate_noise(scores, runs),
        "tuning": evaluate_tuning(
            pd.concat([scores, results.setting_scores], ignore_index=True),
            pd.concat([runs, results.setting_runs], ignore_index=True),
            study,
        ),
    }


def draw(results: Results, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Every figure of the page, by its section and dataset."""
    return {
        "profiles": {
            name: draw_profiles(results, tables["profiles"], name) for name in results.datasets
        },
        "curves": {name: draw_learning_curves(results, name) for name in results.datasets},
        "tuning": {
            name: draw_tuning_curves(results, tables["tuning"], name) for name in results.datasets
        },
        "game": {name: draw_game_curves(results, name) for name in results.datasets},
        "densities": {name: draw_density_maps(results, name) for name in results.datasets},
        "theory": draw_gradient_weights(results),
    }
