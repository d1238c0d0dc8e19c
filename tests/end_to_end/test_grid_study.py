"""A study with a grid: its cells are variants, and the levels of its factors are compared."""

import pandas as pd
from project import copy_checkout, snakemake, tiny_study

GRID = {"objective": ["minimax", "non_saturating"], "optimizer.lr": [2e-3, 2e-2]}


def test_grid_is_trained_and_its_factors_are_compared(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    study = tiny_study(grid=GRID, study="cells")
    del study["variants"]
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "results/cells"
    factors = pd.read_csv(results / "factors.csv")
    primary = factors[(factors.metric == "FD-classifier") & (factors.reference == "held_out")]
    assert primary.factor.tolist() == ["lr", "objective", "lr × objective"]
    assert primary.seeds.tolist() == [2, 2, 2]
    summary = pd.read_csv(results / "summary.csv")
    assert set(summary.variant) == {
        "minimax_lr_2e_3",
        "minimax_lr_0_02",
        "non_saturating_lr_2e_3",
        "non_saturating_lr_0_02",
    }
    again = snakemake(checkout, "--cores", "2", "--dry-run", study=study)
    assert "Nothing to be done" in again.stdout + again.stderr
