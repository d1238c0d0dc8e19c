"""The forest plot: its intervals and margins are those of the verdicts, and its words are right."""

import re

import numpy as np
import pytest
from evidence_example import ALL_FAILED, BASELINE, settings_of, study_of
from evidence_example import VARIANT as BETTER
from ganbench.evidence.comparisons import compare_contrasts
from ganbench.evidence.tables import summarise
from ganbench.evidence.verdict import VerdictKind
from ganbench.report.figures.contrast_estimates import ShownContrast, estimate_contrast
from ganbench.report.figures.drawing import open_figure
from ganbench.report.figures.forest import (
    _choose_limits,
    _draw_interval,
    _draw_margin,
    _explain_band,
    _point_beyond,
    sketch_forest,
)
from ganbench.report.report import make_tables
from ganbench.report.results import read_results
from report_example import FEW_METRICS, make_results, make_study
from scipy import stats

CLOSE = [38.4, 40.5, 36.9, 39.0, 40.4]


def contrast_of(variant, baseline=BASELINE, metric="FD-classifier", **declared):
    """The row of one contrast, with the central score of each variant."""
    scores, runs = study_of({"minimax": baseline, "wgan": variant}, metric=metric)
    study = settings_of(scores, runs, **declared)
    summary = summarise(scores, runs)
    centres = dict(zip(summary["variant"], summary["centre"], strict=True))
    return compare_contrasts(scores, runs, study).iloc[0], centres


def test_interval_of_a_contrast_alone_is_that_of_the_paired_ratios():
    row, centres = contrast_of(BETTER)
    estimate = estimate_contrast(row, centres, as_ratio=True)
    logs = np.log(BETTER) - np.log(BASELINE)
    half = stats.t.ppf(0.975, 4) * logs.std(ddof=1) / np.sqrt(5)
    assert estimate.value == pytest.approx(np.exp(logs.mean()))
    assert estimate.own == pytest.approx(np.exp([logs.mean() - half, logs.mean() + half]))
    assert estimate.own == pytest.approx(estimate.simultaneous)  # of a single contrast


def test_equal_scores_have_an_interval_without_width():
    row, centres = contrast_of(BASELINE)
    assert estimate_contrast(row, centres, as_ratio=True).own == (1.0, 1.0)


@pytest.mark.parametrize("margin", ["1 %", "1.53 %", "1.54 %", "10 %", "0.4", "0.59", "0.6"])
@pytest.mark.parametrize("metric", ["FD-classifier", "KID-classifier", "recall-classifier"])
def test_interval_lies_within_the_band_where_the_verdict_is_equivalence(metric, margin):
    size = 100 if metric.startswith("recall") else 1
    finals = [[value / size for value in scores] for scores in (CLOSE, BASELINE)]
    if size == 100 and "%" not in margin:
        margin = f"{float(margin) / size}"
    row, centres = contrast_of(*finals, metric, margin=margin)
    for as_ratio in {False, row["scale"] == "log"}:
        estimate = estimate_contrast(row, centres, as_ratio=as_ratio)
        (low, high), band = estimate.simultaneous, estimate.margin
        is_inside = band[0] < low and high < band[1]
        if as_ratio or row["scale"] != "log" or "%" not in margin:
            assert is_inside == (row["verdict"].kind is VerdictKind.EQUIVALENT)


def texts_of(folder, variants, **options):
    """The words of the figure on digits, in their order, and the drawing."""
    study = make_study(variants, **options.pop("study", {}))
    inputs = make_results(folder, study, metrics=FEW_METRICS, **options)
    results = read_results(study, inputs)
    tables = make_tables(results)
    (sketch,) = sketch_forest(results, tables["comparisons"], tables["summary"], "digits")
    drawing = sketch()
    return re.findall(r">([^<>]+)</t", drawing.inline.svg), drawing


def test_every_declared_contrast_has_its_verdict_and_both_directions_are_named(tmp_path):
    texts, drawing = texts_of(tmp_path, ("minimax", "non_saturating", "hinge"))
    assert drawing.name == "forest-digits"
    for words in ("non_saturating against minimax", "hinge against minimax", "▼ worse"):
        assert words in texts
    assert "← first is better" in texts
    assert "second is better →" in texts
    label = "Fréchet distance (FD-classifier): ratio of first to second"
    assert label in re.sub(r"\s+", " ", " ".join(texts))
    assert "Differences on digits" in texts  # the study has the default contrasts
    assert "a variant against minimax, which is the default" in drawing.caption
    assert "the interval for both contrasts together" in drawing.caption
    assert not any("recall" in text.lower() for text in texts)  # exploratory


def test_failures_that_decide_are_counted_in_the_place_of_an_interval(tmp_path):
    diverged = [("digits", "hinge", seed) for seed in range(5)]
    texts, drawing = texts_of(tmp_path, ("minimax", "hinge"), diverged=diverged)
    assert "failed: 5 of 5 against 0 of 5" in texts
    assert "▼ worse" in texts
    assert "failed runs" in drawing.caption


def test_failures_that_do_not_decide_stand_beside_the_names(tmp_path):
    texts, _ = texts_of(tmp_path, ("minimax", "hinge"), diverged=[("digits", "hinge", 0)])
    assert "hinge against minimax (failed: 1 of 5 against 0 of 5)" in " ".join(texts)


def test_study_without_contrasts_has_no_forest(tmp_path):
    study = make_study(("minimax",))
    results = read_results(study, make_results(tmp_path, study, metrics=FEW_METRICS))
    tables = make_tables(results)
    assert sketch_forest(results, tables["comparisons"], tables["summary"], "digits") == []


def test_failure_of_all_runs_is_compared_without_numbers():
    row, centres = contrast_of(ALL_FAILED)
    estimate = estimate_contrast(row, centres, as_ratio=row["scale"] == "log")
    assert np.isnan([estimate.value, *estimate.own, *estimate.margin]).all()


def test_one_wide_interval_is_cut_where_it_would_squeeze_the_others():
    usual = [[-0.3, 0.3]] * 4
    limits = _choose_limits(
        np.array([[0.9], [0.1], [0.0], [0.1], [0.2]]),
        np.array([[-4, 4], *usual]),
        np.array([[-6, 6], *usual]),
    )
    assert limits == pytest.approx((-0.9 - 0.06 * 1.8, 0.9 + 0.06 * 1.8))
    alone = _choose_limits(np.array([[0.9]]), np.array([[-4.0, 4.0]]), np.array([[-6.0, 6.0]]))
    assert alone == pytest.approx((-6.72, 6.72))


def test_estimates_very_far_out_are_cut_and_do_not_squeeze_the_others():
    usual = [[-0.3, 0.3]] * 6
    limits = _choose_limits(
        np.array([[4.0], [-4.0], *[[0.1]] * 6]),
        np.array([[3.8, 4.2], [-4.2, -3.8], *usual]),
        np.array([[3.7, 4.3], [-4.3, -3.7], *usual]),
    )
    assert limits == pytest.approx((-0.6 - 0.06 * 1.2, 0.6 + 0.06 * 1.2))


def test_estimate_beyond_the_axis_has_an_arrow_and_its_value():
    with open_figure() as (_, (axes,)):
        axes.set_xlim(-1, 1)
        estimate = ShownContrast(4.0, (3.8, 4.2), (0.5, 7.5), (-0.1, 0.1))
        _draw_interval(axes, estimate, 0.0, "#000000")
        markers = [(line.get_marker(), line.get_xdata()[0]) for line in axes.lines]
        assert (">", 1.0) in markers
        assert "o" not in dict(markers)
    assert _point_beyond(estimate, (-1, 1), as_ratio=False) == "→ 4"
    assert _point_beyond(estimate, (5, 6), as_ratio=True) == "← 4×"
    assert _point_beyond(estimate, (-5, 5), as_ratio=False) == ""


@pytest.mark.parametrize(
    ("margin", "scale", "differ"),
    [("10 %", "angular", True), ("10 %", "log", False), ("0.1", "angular", False)],
)
def test_bands_that_differ_from_row_to_row_are_explained(margin, scale, differ):
    text = _explain_band([{"margin": margin, "scale": scale}] * 2)
    expected = " of the score halfway between the two, so it differs from row to row"
    assert text == (expected if differ else "")


def test_names_stand_above_the_band_and_the_line_of_no_difference():
    with open_figure() as (_, (axes,)):
        _draw_margin(axes, ShownContrast(1.0, (1, 1), (1, 1), (0.9, 1.1)), 0.3, 0.6)
        (band,) = axes.patches
        assert band.get_xy()[:, 1].min() == 0.3
