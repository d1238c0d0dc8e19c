"""Noise split into training seeds and samplings of one generator: `noise.csv`."""

import pytest
from evidence_example import BASELINE, only, study_of
from ganbench.evidence.tables import NOISE_COLUMNS, estimate_noise, summarise

pytestmark = pytest.mark.filterwarnings("error")

REPEATED = [[10.0, 12.0, 11.0], [20.0, 18.0, 19.0], [15.0, 14.0, 16.0]]


def test_noise_is_split_for_the_repeats_of_the_last_snapshot():
    finals = {"minimax": REPEATED, "wgan": BASELINE, "r1": [None] * 3}
    table = estimate_noise(*study_of(finals, halfway=1e6))
    row = only(table)
    assert table.columns.tolist() == NOISE_COLUMNS
    assert (row["dataset"], row["variant"]) == ("digits", "minimax")
    assert (row["metric"], row["reference"]) == ("FD-classifier", "held_out")
    assert (row["seeds"], row["repeats"]) == (3, 3)
    assert (row["std_seeds"], row["std_sampling"]) == pytest.approx(((47 / 3) ** 0.5, 1.0))


def test_spread_in_the_summary_is_made_of_both_components():
    scores, runs = study_of({"minimax": REPEATED})
    row, spread = only(estimate_noise(scores, runs)), only(summarise(scores, runs))["std"]
    assert row["std_seeds"] ** 2 + row["std_sampling"] ** 2 / 3 == pytest.approx(spread**2)


def test_study_without_repeats_has_an_empty_table():
    table = estimate_noise(*study_of({"minimax": BASELINE}))
    assert table.columns.tolist() == NOISE_COLUMNS
    assert len(table) == 0
