"""A report with all its figures, which takes long to draw and several files test."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ganbench.report.report import write_report
from report_example import FEW_METRICS, make_results, make_study


@dataclass(frozen=True)
class DrawnReport:
    """A study, the files that its report was made from, and the folder of the report."""

    study: dict[str, Any]
    inputs: dict[str, list[Path]]
    folder: Path
    page: str


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> DrawnReport:
    """A report of images and points in which one run diverged and one loss is huge."""
    study = make_study(("minimax", "wgan_gp"), ("digits", "mixture_1d"), seeds=3)
    folder = tmp_path_factory.mktemp("drawn")
    inputs = make_results(folder, study, diverged=[("digits", "wgan_gp", 2)], metrics=FEW_METRICS)
    history = pd.concat([pd.read_csv(inputs["histories"][0])] * 30)
    history["images"] = range(len(history))
    history.iloc[8, history.columns.get_loc("g_loss")] = 1e6
    history.to_csv(inputs["histories"][0], index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a glyph that no font has, a layout that fails
        write_report(study, inputs, folder / "report")
    page = (folder / "report/report.html").read_text(encoding="utf-8")
    return DrawnReport(study, inputs, folder / "report", page)
