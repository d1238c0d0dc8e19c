"""Effects of a grid's factors on the page: what is better, and the means of levels."""

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence.factors import FACTOR_COLUMNS
from ganbench.evidence.scales import choose_scale
from ganbench.report.factors_shown import describe_factors
from ganbench.report.figures import factor_levels
from ganbench.report.figures.drawing import open_figure
from ganbench.report.figures.gallery import draw_all
from ganbench.report.report import write_report
from ganbench.report.results import read_results
from report_example import FEW_METRICS, make_results, make_study, without_pdf

GRID = {"objective": ["minimax", "hinge"], "optimizer.lr": [2e-3, 2e-2]}


def make_grid_study(grid=GRID, **options):
    return make_study((), seeds=2, grid=grid, **options)


@pytest.fixture
def results(tmp_path):
    study = make_grid_study()
    return read_results(study, make_results(tmp_path, study, metrics=FEW_METRICS))


def make_effect(metric="FD-classifier", factor="lr", scale="log", limits=(0.8, 0.65, 0.95)):
    effect, low, high = limits
    row = {
        "dataset": "digits",
        "metric": metric,
        "reference": "held_out",
        "factor": factor,
        "level": "b",
        "against": "a",
        "cells": 2,
        "seeds": 2,
        "failed": 0,
        "failed_against": 1,
        "scale": scale,
        "effect": effect,
        "ci_low": low,
        "ci_high": high,
        "p_value": 0.01,
    }
    return pd.DataFrame([row], columns=FACTOR_COLUMNS)


@pytest.mark.parametrize(
    ("effect", "text", "kind"),
    [
        ({}, "×0.800", "better"),
        ({"limits": (1.3, 1.1, 1.5)}, "×1.30", "worse"),
        ({"limits": (1.1, 0.9, 1.3)}, "×1.10", ""),
        ({"limits": (0.8, np.nan, np.nan)}, "×0.8", ""),
        ({"factor": "lr × objective"}, "×0.800", ""),
        ({"metric": "recall-classifier", "scale": "identity"}, "+0.800", "better"),
        (
            {"metric": "recall-classifier", "scale": "identity", "limits": (-0.2, -0.35, -0.05)},
            "−0.200",
            "worse",
        ),
        ({"limits": (np.nan, np.nan, np.nan)}, "–", ""),
    ],
)
def test_effect_says_whether_the_level_is_better(results, effect, text, kind):
    (table,) = describe_factors(results, make_effect(**effect))
    (row,) = table["main"] + table["interactions"]
    assert (row["effect_text"], row["kind"]) == (text, kind)
    assert table["is_ratio"] == (effect.get("scale", "log") == "log")


def test_mean_of_a_level_weighs_variants_equally_on_the_metrics_scale():
    scale = choose_scale("FD-classifier", [1.0, 4.0])
    assert factor_levels.average_variants([[1.0, 4.0], [32.0], []], scale) == pytest.approx(8.0)
    assert np.isnan(factor_levels.average_variants([[]], scale))


def test_figure_has_a_line_of_means_for_each_level_and_a_dot_for_each_run(results, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        factor_levels, "finish", lambda figure, name, *_: drawn.append((name, figure.axes[0]))
    )
    draw_all(factor_levels.sketch_factor_levels(results, "digits"), 1)
    ((name, axes),) = drawn
    assert name == "factors-digits-objective-lr"
    dots = [line for line in axes.lines if line.get_marker() == "."]
    lines = [line for line in axes.lines if line.get_marker() != "."]
    assert [len(line.get_xdata()) for line in dots] == [2] * 4
    assert len(lines) == 2
    for place, line in enumerate(lines):
        for level, mean in enumerate(line.get_ydata()):
            runs = np.asarray(dots[2 * place + level].get_ydata())
            assert mean == pytest.approx(np.exp(np.log(runs).mean()))
    assert {text.get_text() for text in axes.texts} == {"2e-3", "0.02"}


def test_single_factor_has_one_line_and_no_study_without_levels_a_figure(tmp_path):
    study = make_grid_study({"objective": ["minimax", "hinge"]})
    single = read_results(study, make_results(tmp_path / "a", study, metrics=FEW_METRICS))
    assert len(factor_levels.sketch_factor_levels(single, "digits")) == 1
    plain = make_study(seeds=1)
    without = read_results(plain, make_results(tmp_path / "b", plain, metrics=FEW_METRICS))
    assert factor_levels.sketch_factor_levels(without, "digits") == []


def test_level_with_dollar_signs_is_not_read_as_a_formula():
    with open_figure() as (figure, (axes,)):
        axes.set_title("$a_1$")
        figure.canvas.draw()
        assert axes.title.get_parse_math() is False


def test_page_has_effects_only_where_variants_have_levels(tmp_path):
    for name, study in {"grid": make_grid_study(), "plain": make_study(seeds=1)}.items():
        inputs = make_results(tmp_path / name, study, metrics=FEW_METRICS)
        with without_pdf():
            write_report(study, inputs, tmp_path / name / "report")
        page = (tmp_path / name / "report/report.html").read_text()
        assert ('<section id="factors">' in page) == (name == "grid")
        assert ('href="#factors"' in page) == (name == "grid")
    assert "objective by lr, on digits" in (tmp_path / "grid/report/report.html").read_text()
