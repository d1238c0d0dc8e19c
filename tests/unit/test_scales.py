"""Scales: positions and back, differences in the metric's unit, and when a scale does not fit."""

import numpy as np
import pytest
from ganbench.catalogue.metrics import METRICS
from ganbench.evidence.scales import choose_scale
from ganbench.study.declared import Margin

SCORES = {"identity": [-3.0, 0.0, 12.5], "log": [1.5, 8.0, 2000.0], "angular": [0.0, 0.3, 0.69]}
METRIC = {"identity": "KID-x", "log": "FID", "angular": "JSD"}


@pytest.mark.parametrize("name", SCORES)
def test_scores_come_back_from_their_positions(name):
    scale = choose_scale(METRIC[name], SCORES[name])
    assert scale.name == name
    positions = scale.to_positions(np.array(SCORES[name]))
    assert scale.to_values(positions) == pytest.approx(SCORES[name], abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_difference_is_that_of_both_scores_and_changes_sign_with_the_shift(name):
    scale = choose_scale(METRIC[name], SCORES[name])
    first, second = scale.to_positions(np.array(SCORES[name][1:]))
    difference = scale.to_difference(second - first, (first + second) / 2)
    assert difference == pytest.approx(SCORES[name][2] - SCORES[name][1])
    assert scale.to_difference(first - second, (first + second) / 2) == -difference


def test_interval_ends_where_the_range_of_its_metric_does():
    scale = choose_scale("IS-x", [1.1, 2.0])
    assert scale.to_interval([0.0, -2.0, 1.0]) == (1.0, 1.0, pytest.approx(np.e))
    assert choose_scale("recall-x", [0.0, 0.1]).to_interval([-1.0, 0.0, 2.0]) == (0.0, 0.0, 1.0)


def test_every_bounded_metric_has_a_scale_that_fits_its_range():
    for metric in METRICS.values():
        if metric.scale == "angular":
            assert np.isfinite([metric.lowest, metric.highest]).all(), metric.name
        if metric.scale == "log":
            assert metric.lowest >= 0, metric.name


@pytest.mark.parametrize(
    ("metric", "values"), [("recall-x", [0.2, 38.0]), ("FD-x", [3.0, 0.0]), ("FD-x", [3.0, -0.5])]
)
def test_scores_that_a_scale_cannot_take_are_compared_as_they_are(metric, values):
    scale = choose_scale(metric, values)
    assert scale.to_positions(np.array(values)) == pytest.approx(values)


def test_failed_runs_do_not_choose_the_scale():
    assert choose_scale("FD-x", [3.0, np.nan]).name == "log"


def test_share_is_a_ratio_on_a_log_scale_and_of_the_score_elsewhere():
    log, plain = choose_scale("FID", [1.0]), choose_scale("KID-x", [1.0])
    tenth = Margin(0.1, is_share=True)
    for shift, within in ((np.log(1.099), True), (np.log(1.101), False)):
        assert log.is_within(tenth, -shift, shift, centre=np.log(40)) is within
    assert plain.is_within(tenth, -3.9, 3.9, centre=40.0)
    assert not plain.is_within(tenth, -3.9, 4.1, centre=40.0)
    assert not plain.is_within(tenth, np.nan, np.nan, centre=40.0)
