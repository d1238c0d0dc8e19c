"""Noise split into training seeds and samplings of one generator, and performance profiles."""

import numpy as np
import pytest
from evidence_example import BASELINE, only, study_of, together
from ganbench.evidence.tables import (
    NOISE_COLUMNS,
    PROFILE_COLUMNS,
    components,
    estimate_noise,
    profile_scores,
    summarise,
)

pytestmark = pytest.mark.filterwarnings("error")

REPEATED = [[10.0, 12.0, 11.0], [20.0, 18.0, 19.0], [15.0, 14.0, 16.0]]


def test_components_of_a_case_worked_by_hand():
    # Every seed's three repeats have variance 1: MSE = 1. The means 11, 19, 15 have variance 16:
    # MSA = 3 · 16 = 48, and (48 − 1)/3 = 47/3 lies between seeds.
    found = components([np.array(group) for group in REPEATED])
    assert found.sampling == pytest.approx(1.0)
    assert found.seeds == pytest.approx((47 / 3) ** 0.5)


def test_components_of_seeds_with_unequal_repeats_worked_by_hand():
    # Means 1 and 5 of 2 and 4 repeats; SSE = 2 + 2 on 4 degrees: MSE = 1. Grand mean 22/6,
    # MSA = 2(1 − 11/3)² + 4(5 − 11/3)² = 64/3, n₀ = 6 − (4 + 16)/6 = 8/3.
    found = components([np.array([0.0, 2.0]), np.array([4.0, 5.0, 5.0, 6.0])])
    assert found.sampling == pytest.approx(1.0)
    assert found.seeds == pytest.approx(((64 / 3 - 1) / (8 / 3)) ** 0.5)


def test_negative_component_is_zero():
    found = components([np.array([1.0, 3.0]), np.array([1.1, 3.1])])
    assert found.seeds == 0.0
    assert found.sampling == pytest.approx(2**0.5)


def test_one_seed_has_sampling_noise_alone_and_no_repeats_have_none():
    alone = components([np.array([1.0, 3.0])])
    assert np.isnan(alone.seeds)
    assert alone.sampling == pytest.approx(2**0.5)
    assert np.isnan(components([np.array([1.0]), np.array([2.0])])).all()


def test_noise_is_split_where_there_are_repeats_and_of_the_last_snapshot_alone():
    finals = {"minimax": REPEATED, "wgan": BASELINE, "r1": [None] * 3}
    table = estimate_noise(*study_of(finals, halfway=1e6))
    row = only(table)
    assert table.columns.tolist() == NOISE_COLUMNS
    assert row[NOISE_COLUMNS[:6]].tolist() == [
        *("digits", "minimax", "FD-classifier", "held_out"),
        *(3, 3),
    ]
    assert (row["std_seeds"], row["std_sampling"]) == pytest.approx(((47 / 3) ** 0.5, 1.0))


def test_spread_of_the_summary_is_made_of_both_components():
    scores, runs = study_of({"minimax": REPEATED})
    row, spread = only(estimate_noise(scores, runs)), only(summarise(scores, runs))["std"]
    assert row["std_seeds"] ** 2 + row["std_sampling"] ** 2 / 3 == pytest.approx(spread**2)


def test_study_without_repeats_has_an_empty_table():
    table = estimate_noise(*study_of({"minimax": BASELINE}))
    assert table.columns.tolist() == NOISE_COLUMNS
    assert len(table) == 0


def profile_of(table, variant):
    of_variant = table[table["variant"] == variant]
    return list(of_variant[["threshold", "share"]].itertuples(index=False, name=None))


def test_profile_steps_at_each_score_and_a_failed_run_reaches_no_threshold():
    table = profile_scores(*study_of({"minimax": [3.0, 1.0, None, 3.0], "wgan": [2.0, 5.0]}))
    assert table.columns.tolist() == PROFILE_COLUMNS
    assert profile_of(table, "minimax") == [(1.0, 0.25), (3.0, 0.75), (5.0, 0.75)]
    assert profile_of(table, "wgan") == [(1.0, 0.0), (2.0, 0.5), (5.0, 1.0)]


def test_profile_of_a_metric_where_more_is_better_falls_from_the_highest_threshold():
    finals = {"minimax": [0.3, 0.1], "wgan": [0.2, None]}
    table = profile_scores(*study_of(finals, metric="recall-classifier"))
    assert profile_of(table, "minimax") == [(0.3, 0.5), (0.1, 1.0)]
    assert profile_of(table, "wgan") == [(0.3, 0.0), (0.2, 0.5), (0.1, 0.5)]


def test_variant_whose_every_run_failed_stays_at_zero():
    table = profile_scores(*study_of({"minimax": [3.0, 1.0], "wgan": [None, None]}))
    assert profile_of(table, "wgan") == [(1.0, 0.0), (3.0, 0.0)]


def test_profile_of_one_score_and_of_none_and_of_a_metric_without_direction():
    assert profile_of(profile_scores(*study_of({"minimax": [3.0]})), "minimax") == [(3.0, 1.0)]
    value = study_of({"minimax": [1.0]}, metric="value", reference="none")
    failed = study_of({"minimax": [None]}, dataset="shoes")
    assert len(profile_scores(*together(value, (None, failed[1])))) == 0
