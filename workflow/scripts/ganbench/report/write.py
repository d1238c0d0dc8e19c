"""Writes everything that the rule `report` declares."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ganbench import files
from ganbench.evidence import statistics, verdicts
from ganbench.report import figures
from ganbench.report.densities import densities
from ganbench.report.page import render
from ganbench.report.results import gather
from ganbench.report.tables import latex


def write_report(study: dict[str, Any], inputs: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Reads `inputs` (as the rule names them) and writes tables, figures and page to `folder`."""
    results = gather(study, inputs)
    confidence = study["report"]["confidence"]
    summary = statistics.summarise(results.scores, results.runs, confidence)
    comparisons = statistics.compare(results.scores, results.runs, study["baseline"], confidence)
    headline = verdicts.headline(comparisons, summary, results.runs, study)
    drawn = {
        "curves": {name: figures.learning_curves(results, name) for name in results.datasets},
        "game": {name: figures.game(results, name) for name in results.datasets},
        "densities": {name: densities(results, name) for name in results.datasets},
        "theory": figures.gradient_weights(results),
    }
    files.write_json(folder / "study.json", study)
    tables = {"scores": results.scores, "summary": summary, "comparisons": comparisons}
    for name, table in tables.items():
        _write_csv(folder / f"{name}.csv", table)
    for name in ("summary", "comparisons"):
        files.write_text(folder / f"tables/{name}.tex", latex(tables[name]))
    for section in drawn.values():
        for drawings in section.values() if isinstance(section, dict) else [section]:
            for drawing in drawings:
                files.write_text(folder / f"figures/{drawing.name}.svg", drawing.standalone)
    page = render(results, summary, comparisons, headline, drawn)
    files.write_text(folder / "report.html", page)


def _write_csv(file: Path, table: pd.DataFrame) -> None:
    with files.whole(file) as temporary:
        table.to_csv(temporary, index=False)
