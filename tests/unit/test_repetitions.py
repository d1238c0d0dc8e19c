"""Whether a repeated run is the published one, but for rounding."""

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence.estimators import prediction_interval
from ganbench.evidence.repetitions import (
    FACTOR,
    FLOOR,
    expect_score,
    find_drift,
    measure_distances,
    pool_spread,
    tabulate_curves,
)

STEPS = (250, 500, 750, 1000)
METRICS = {"FD-digits-v1": 300.0, "precision-digits-v1": 0.4, "IS-digits-v1": 6.0}


def tabulate(curves: dict[tuple[str, int], np.ndarray]) -> pd.DataFrame:
    """Curves on the scale of the comparison, as scores are tabulated: steps × metrics each."""
    tables = {run: pd.DataFrame(c, STEPS, list(METRICS)) for run, c in curves.items()}
    return pd.concat(tables, names=["variant", "seed", "step"]).sort_index()


def learn(progress: np.ndarray) -> np.ndarray:
    """A learning curve in three metrics, at these shares of the training."""
    return np.log(progress)[:, None] * np.array([-1.0, 0.2, 0.5])


def simulate(rng: np.random.Generator, half: bool) -> tuple[pd.DataFrame, dict]:
    """Published curves of five seeds, and a repetition of seed 0 with two twins.

    What rounding does grows from 2 to 70 % of the spread between seeds; twins drift alike.
    """
    progress = np.array(STEPS) / STEPS[-1]
    rounding = np.geomspace(0.02, 0.7, len(STEPS))[:, None]
    size = (len(STEPS), len(METRICS))
    own = {seed: rng.normal(0.0, 0.15, size).cumsum(axis=0) for seed in range(5)}
    spread = 0.3
    published = {
        ("minimax", seed): learn(progress) + own[seed] + spread * rounding * rng.normal(size=size)
        for seed in own
    }
    repeated = learn(progress / 2 if half else progress) + own[0]
    runs = [repeated + spread * rounding * rng.normal(size=size) for _ in range(3)]
    return tabulate(published), [pd.DataFrame(run, STEPS, list(METRICS)) for run in runs]


@pytest.mark.parametrize(("half", "lowest", "highest"), [(False, 0.95, 1.0), (True, 0.0, 0.1)])
def test_honest_runs_are_accepted_and_those_of_half_the_steps_are_not(half, lowest, highest):
    rng, accepted = np.random.default_rng(0), []
    for _ in range(60):
        published, (run, *twins) = simulate(rng, half)
        spread = pool_spread(published)
        of_twins = [measure_distances(run, twin, spread) for twin in twins]
        drift = find_drift(run, published.loc["minimax", 0], of_twins, spread)
        accepted.append(not drift.is_too_far)
    assert lowest <= np.mean(accepted) <= highest


@pytest.fixture
def published() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    runs = [("minimax", seed) for seed in range(4)] + [("hinge", seed) for seed in range(3)]
    return tabulate({run: rng.normal(size=(len(STEPS), len(METRICS))) for run in runs})


def test_spread_is_pooled_within_variants_and_not_over_them(published):
    shifted = published.copy()
    shifted.loc["hinge"] = shifted.loc[["hinge"]].to_numpy() + 100.0
    groups = [shifted.xs((v, 500), level=("variant", "step")) for v in ("minimax", "hinge")]
    squares = sum(len(group) * group.var(ddof=0) for group in groups)
    assert np.allclose(pool_spread(shifted).loc[500], np.sqrt(squares / (3 + 2)))


def test_distances_are_root_mean_squares_over_metrics_in_spreads(published):
    run, spread = published.loc["minimax", 0], pool_spread(published)
    other = run + spread * [3.0, 0.0, 0.0]
    assert np.allclose(measure_distances(run, other, spread), np.sqrt(9 / 3))


def test_metric_that_only_one_run_has_counts_as_one_spread(published):
    run, spread = published.loc["minimax", 0], pool_spread(published)
    other = run.copy()
    other.loc[500, "IS-digits-v1"] = np.nan
    distances = measure_distances(run, other, spread)
    assert distances.loc[500] == pytest.approx(np.sqrt(1 / 3))
    assert (distances.drop(500) == 0).all()


def test_metric_that_never_differs_between_seeds_is_left_out(published):
    published["precision-digits-v1"] = 0.0
    spread = pool_spread(published)
    run = published.loc["minimax", 0]
    other = run + pd.Series({"precision-digits-v1": 1.0}).reindex(run.columns, fill_value=0.0)
    assert (measure_distances(run, other, spread) == 0).all()


def test_what_a_twin_drifts_early_is_allowed_later_and_not_before(published):
    run, spread = published.loc["minimax", 0], pool_spread(published)
    twin = run.copy()
    twin.loc[500] += 5.0 * spread.loc[500]
    for step, is_too_far in ((250, True), (750, False)):
        other = run.copy()
        other.loc[step] += 4.0 * spread.loc[step]
        drift = find_drift(run, other, [measure_distances(run, twin, spread)], spread)
        assert (drift.step, drift.is_too_far) == (step, is_too_far)
        assert drift.allowed == pytest.approx(FACTOR * (FLOOR if is_too_far else 5.0))


def test_runs_without_a_common_snapshot_are_refused(published):
    run, spread = published.loc["minimax", 0], pool_spread(published)
    with pytest.raises(ValueError, match="share no snapshot"):
        find_drift(run.rename(index=lambda step: step + 1), run, [], spread)


def test_curves_have_the_metrics_of_one_reference_on_their_scales():
    names = ["variant", "seed", "step", "repeat", "reference", "metric", "value"]
    rows = [
        ("minimax", 0, 250, 0, "held_out", "FD-digits-v1", np.e),
        ("minimax", 0, 250, 0, "train", "FD-digits-v1", 7.0),
        ("minimax", 0, 250, 1, "held_out", "FD-digits-v1", 9.0),
        ("minimax", 0, 250, 0, "none", "IS-digits-v1", np.e**2),
        ("minimax", 0, 250, 0, "held_out", "KID-digits-v1", -0.04),
    ]
    (curve,) = tabulate_curves(pd.DataFrame(rows, columns=names), "held_out").to_dict("records")
    assert curve == pytest.approx({"FD-digits-v1": 1, "IS-digits-v1": 2, "KID-digits-v1": -0.2})


def test_next_score_is_expected_within_the_range_of_its_metric():
    scores = np.array([12.0, 300.0, 40.0, 900.0, 25.0])  # Student's interval begins below 0
    low, high = expect_score("FD-classifier", scores, 0.99)
    logarithms = prediction_interval(np.log(scores), 0.99)
    assert (low, high) == pytest.approx(tuple(np.exp(logarithms)))
    low, high = expect_score("recall-classifier", np.array([0.5, 0.9, 0.97]), 0.99)
    assert (low, high) == (0.0, 1.0)
