"""Effects of factors: known effects are found, and cells are compared seed by seed."""

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence.factors import FACTOR_COLUMNS, estimate_effects

OBJECTIVES, OPTIMIZERS = ("a", "b"), ("adam", "sgd")


def make_study(variants):
    return {"variants": variants, "report": {"confidence": 0.95}}


def make_tables(positions, seeds=6, failed=()):
    """Scores of FD whose logarithm is `positions[variant]`, an effect of the seed, and noise."""
    noise = np.random.default_rng(0)
    of_seed = noise.normal(0, 0.5, seeds)
    runs, scores = [], []
    for variant, position in positions.items():
        for seed in range(seeds):
            key = {"dataset": "digits", "variant": variant, "seed": seed}
            status = "diverged" if (variant, seed) in failed else "completed"
            runs.append(key | {"status": status, "step": 10})
            value = np.exp(position + of_seed[seed] + noise.normal(0, 0.01))
            measure = {"reference": "held_out", "metric": "FD-classifier", "value": value}
            if status == "completed":
                scores.append(key | {"step": 10, "images": 10} | measure)
    return pd.DataFrame(scores), pd.DataFrame(runs)


def make_grid(effect_objective=0.7, effect_optimizer=-0.3, interaction=0.5):
    variants, positions = {}, {}
    for i, objective in enumerate(OBJECTIVES):
        for j, optimizer in enumerate(OPTIMIZERS):
            name = f"{objective}_{optimizer}"
            variants[name] = {"levels": {"objective": objective, "optimizer": optimizer}}
            positions[name] = 3 + effect_objective * i + effect_optimizer * j + interaction * i * j
    return make_study(variants), positions


def test_known_effects_and_their_interaction_are_found_as_ratios():
    study, positions = make_grid()
    table = estimate_effects(*make_tables(positions), study).set_index("factor")
    assert list(table.reset_index().columns) == list(
        pd.DataFrame(columns=["factor", *[c for c in FACTOR_COLUMNS if c != "factor"]]).columns
    )
    for factor, log_effect in {
        "objective": 0.7 + 0.25,
        "optimizer": -0.3 + 0.25,
        "objective × optimizer": 0.5,
    }.items():
        row = table.loc[factor]
        assert row["effect"] == pytest.approx(np.exp(log_effect), rel=0.02)
        assert row["ci_low"] < row["effect"] < row["ci_high"] < row["effect"] * 1.05
        assert row["p_value"] < 0.01
        assert (row["seeds"], row["scale"]) == (6, "log")
    assert table.loc["objective", ["level", "against", "cells"]].tolist() == ["b", "a", 2]
    assert table.loc["objective × optimizer", "level"] == "b × sgd"
    assert table.loc["objective × optimizer", "cells"] == 1


def test_seed_that_lacks_a_cell_is_left_out_and_its_failure_counted():
    study, positions = make_grid()
    tables = make_tables(positions, failed={("b_sgd", 2)})
    rows = estimate_effects(*tables, study).set_index("factor")
    assert rows.loc["objective", ["seeds", "failed", "failed_against"]].tolist() == [5, 1, 0]
    assert rows.loc["optimizer", ["seeds", "failed", "failed_against"]].tolist() == [5, 1, 0]
    assert rows.loc["objective", "effect"] == pytest.approx(np.exp(0.95), rel=0.02)


def test_cell_without_its_counterpart_is_left_out():
    study, positions = make_grid()
    del study["variants"]["a_sgd"], positions["a_sgd"]
    rows = estimate_effects(*make_tables(positions), study).set_index("factor")
    assert rows.loc["objective", "cells"] == 1
    assert rows.loc["objective", "effect"] == pytest.approx(np.exp(0.7), rel=0.02)
    assert "objective × optimizer" not in rows.index


def test_three_levels_are_each_compared_with_the_first():
    variants = {f"lr_{lr}": {"levels": {"lr": str(lr)}} for lr in (1, 2, 3)}
    positions = {name: index for index, name in enumerate(variants)}
    rows = estimate_effects(*make_tables(positions), make_study(variants))
    assert rows["level"].tolist() == ["2", "3"]
    assert set(rows["against"]) == {"1"}
    assert np.log(rows["effect"]).tolist() == pytest.approx([1, 2], abs=0.02)


def test_study_without_levels_has_no_effects():
    variants = {"minimax": {}, "other": {}}
    rows = estimate_effects(*make_tables({"minimax": 1, "other": 2}), make_study(variants))
    assert rows.empty
    assert list(rows.columns) == FACTOR_COLUMNS
