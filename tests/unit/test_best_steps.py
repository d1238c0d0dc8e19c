"""The best snapshot of a run is chosen on one reference and scored on another."""

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence.best_steps import COLUMNS, find_best_steps
from ganbench.report.best_steps_shown import describe_best_steps
from ganbench.report.results import read_results
from report_example import make_results, make_study

SCORE_COLUMNS = [
    *("dataset", "variant", "seed", "step", "images", "repeat", "reference", "metric", "value")
]


def make_scores(values: dict, metric: str = "FD-classifier", seed: int = 0) -> pd.DataFrame:
    """Scores of a run by reference and step; a list holds one value per repeat."""
    rows = [
        ("digits", "minimax", seed, step, 64 * step, repeat, reference, metric, value)
        for reference, by_step in values.items()
        for step, repeats in by_step.items()
        for repeat, value in enumerate(repeats if isinstance(repeats, list) else [repeats])
    ]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def only_row(scores: pd.DataFrame) -> dict:
    table = find_best_steps(scores)
    assert list(table.columns) == COLUMNS
    [row] = table.to_dict("records")
    return row


def test_snapshot_is_chosen_on_training_images_and_scored_on_held_out_ones():
    row = only_row(
        make_scores({"train": {10: 9.0, 20: 4.0, 30: 6.0}, "held_out": {10: 3.0, 20: 5.0, 30: 7.0}})
    )
    assert (row["chosen_on"], row["best_step"]) == ("train", 20)
    assert (row["reference"], row["value"]) == ("held_out", 5.0)
    assert (row["last_step"], row["last_value"]) == (30, 7.0)


def test_higher_is_better_where_it_is_and_the_first_of_equals_is_best():
    values = {"train": {10: 0.2, 30: 0.8, 20: 0.8}, "held_out": {10: 0.1, 30: 0.3, 20: 0.2}}
    assert only_row(make_scores(values, "recall-classifier"))["best_step"] == 20


def test_metric_without_a_reference_chooses_and_scores_by_itself():
    row = only_row(make_scores({"none": {10: 0.3, 20: 0.1, 30: 0.2}}, "JSD"))
    assert (row["chosen_on"], row["reference"]) == ("none", "none")
    assert (row["best_step"], row["value"], row["last_value"]) == (20, 0.1, 0.2)


def test_snapshot_counts_by_the_mean_of_its_repeats_and_not_without_a_number():
    values = {10: 5.0, 20: [1.0, np.nan], 30: [2.0, 4.0]}
    row = only_row(make_scores({"train": values, "held_out": values}))
    assert (row["best_step"], row["value"]) == (30, 3.0)


def test_metrics_without_a_better_direction_have_no_best_step():
    values = {"train": {10: 1.0}, "held_out": {10: 1.0}}
    assert find_best_steps(make_scores(values, "memorisation-classifier")).empty


def test_runs_keep_their_own_best_steps():
    early = {"train": {10: 1.0, 20: 2.0}, "held_out": {10: 1.5, 20: 2.5}}
    late = {"train": {10: 2.0, 20: 1.0}, "held_out": {10: 2.5, 20: 1.5}}
    scores = pd.concat([make_scores(early), make_scores(late, seed=1)], ignore_index=True)
    table = find_best_steps(scores)
    assert list(zip(table["seed"], table["best_step"], table["value"], strict=True)) == [
        (0, 10, 1.5),
        (1, 20, 1.5),
    ]


def test_choice_on_training_images_is_less_optimistic_than_by_the_score_itself():
    """Of equally good snapshots, whose scores scatter, every choice is as good as any other."""
    rng, runs, own = np.random.default_rng(0), [], []
    for seed in range(300):
        values = {
            reference: dict(enumerate(rng.normal(100, 5, 10)))
            for reference in ("train", "held_out")
        }
        runs.append(make_scores(values, seed=seed))
        own.append(min(values["held_out"].values()))
    table = find_best_steps(pd.concat(runs, ignore_index=True))
    assert table["value"].mean() == pytest.approx(100, abs=4 * 5 / 300**0.5)
    assert np.mean(own) < 94


def test_page_counts_where_the_best_snapshots_are_and_compares_them_with_the_last(tmp_path):
    study = make_study(datasets=("digits", "mixture_1d"), seeds=3)
    results = read_results(study, make_results(tmp_path, study, metrics=("FD",)))
    rows = [
        ("digits", "minimax", seed, "FD-classifier", "train", best, "held_out", value, 100, 9.0)
        for seed, best, value in ((0, 50, 4.0), (1, 50, 6.0), (2, 100, 9.0))
    ]
    other = [("digits", "minimax", 0, "recall-classifier", "train", 25, "held_out", 1.0, 100, 0.1)]
    shown = describe_best_steps(results, pd.DataFrame([*rows, *other], columns=COLUMNS))
    assert shown.keys() == {"digits"}
    assert shown["digits"]["measure"] == "Fréchet distance against held-out images"
    assert shown["digits"]["rows"] == [
        {
            "variant": "minimax",
            "index": 0,
            "steps": "50 (2 runs); 100 (1 run)",
            "best": 6.0,
            "last": 9.0,
            "ended_best": 1,
            "runs": 3,
        }
    ]


def test_page_has_no_best_snapshots_where_there_is_only_one(tmp_path):
    study = make_study(training={"steps": 100, "snapshots": 1, "history_interval": 10}, seeds=2)
    results = read_results(study, make_results(tmp_path, study, metrics=("FD",)))
    assert describe_best_steps(results, find_best_steps(results.scores)) == {}
