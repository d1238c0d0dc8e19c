"""A sweep: which settings are tried, and what its tuning budget is said to buy."""

import itertools
import math

import numpy as np
import pytest
from evidence_example import study_of
from ganbench.evidence.tuning import TUNING_COLUMNS, best_of, evaluate_tuning
from ganbench.study import resolve as study
from ganbench.study import sweep
from project import tiny_study

RATE = {"low": "1e-5", "high": "1e-2", "scale": "log"}


def resolved(**given):
    return study.resolve(tiny_study(sweep=given), "my.yaml")


def values(found, variant, *path):
    of = [each for each in found["settings"].values() if each["of"] == variant]
    for key in path:
        of = [each[key] for each in of]
    return of


def test_lists_are_tried_in_every_combination_for_every_variant():
    found = resolved(training={"optimizer.lr": ["1e-4", 2e-4], "discriminator_steps": [1, 3, 5]})
    tried = values(found, "minimax", "training")
    assert tried == values(found, "non_saturating", "training")
    pairs = {(each["optimizer"]["lr"], each["discriminator_steps"]) for each in tried}
    assert pairs == set(itertools.product((1e-4, 2e-4), (1, 3, 5)))
    assert list(found["variants"]) == ["minimax", "non_saturating"]
    assert len(list(study.list_runs(found))) == 4
    assert len(list(study.list_sweep_runs(found))) == 2 * 6 * 2


def test_a_setting_is_the_variant_with_other_keys_of_training():
    found = resolved(training={"optimizer.lr": [0.5]})
    plain, setting = (found["runs"]["digits"][name] for name in ("minimax", "minimax_s1"))
    assert setting["optimizer"] == {**plain["optimizer"], "lr": 0.5}
    assert {**setting, "optimizer": plain["optimizer"]} == plain


def test_draws_are_within_their_range_even_on_its_scale_and_the_same_again():
    found = resolved(settings=900, training={"optimizer.lr": RATE})
    rates = np.array(values(found, "minimax", "training", "optimizer", "lr"))
    assert rates.min() >= 1e-5
    assert rates.max() <= 1e-2
    below = [(rates < limit).mean() for limit in (1e-4, 1e-3)]
    assert below == pytest.approx([1 / 3, 2 / 3], abs=0.05)
    again = resolved(settings=900, training={"optimizer.lr": RATE})
    assert again["settings"] == found["settings"]
    other = resolved(settings=900, seed=1, training={"optimizer.lr": RATE})
    assert other["settings"] != found["settings"]


def test_a_key_that_is_added_and_a_draw_more_change_no_value_of_the_others():
    one = values(resolved(settings=5, training={"optimizer.lr": RATE}), "minimax", "training")
    both = {"batch_size": {"low": 8, "high": 99, "whole": True}, "optimizer.lr": RATE}
    two = values(resolved(settings=6, training=both), "minimax", "training")
    assert [each["optimizer"] for each in two[:5]] == [each["optimizer"] for each in one]
    assert all(isinstance(each["batch_size"], int) for each in two)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"training": {"optimizer.lr": RATE}}, r"optimizer\.lr: found a range.*sweep\.settings"),
        ({"training": {}}, r"sweep\.training: found 0 items"),
        ({"training": {"optimizer.foo": [1]}}, r"minimax_s1.*optimizer: unknown key 'foo'"),
        ({"training": {"optimizer": [{}], "optimizer.lr": [1]}}, "found beside optimizer.lr"),
        ({"training": {"steps": 7}}, r"sweep\.training\.steps: found 7, expected a list"),
        (
            {"settings": 1, "training": {"optimizer.lr": {"low": 2, "high": 1}}},
            r"optimizer\.lr: found low 2\.0, expected less than high 1\.0",
        ),
        (
            {"settings": 1, "training": {"optimizer.lr": {**RATE, "low": 0}}},
            r"found low 0\.0, expected more than 0 with scale log",
        ),
        ({"training": {"steps": list(range(10, 400)), "batch_size": [1] * 40}}, "15600 combinat"),
        ({"training": {"batch_size": ["x"]}}, "minimax_s1.*batch_size: found 'x'"),
        ({"training": {"snapshots": [500]}}, "snapshots .minimax_s1 on digits.: found 500"),
    ],
)
def test_sweep_that_cannot_be_used_is_refused_with_its_place(given, message):
    with pytest.raises(study.StudyError, match=f"^my.yaml: (?!my.yaml).*{message}"):
        resolved(**given)


def test_a_name_that_is_taken_is_refused():
    variants = {"minimax": {}, "minimax_s1": {"objective": "minimax"}}
    given = tiny_study(variants=variants, sweep={"training": {"optimizer.lr": [1]}})
    with pytest.raises(study.StudyError, match=r"variants\.minimax_s1: the sweep gives this name"):
        study.resolve(given, "my.yaml")


def test_name_of_a_setting_leads_back_to_its_variant():
    assert sweep.variant_of("a_s1_s23") == "a_s1"


def test_expected_best_is_the_mean_over_all_subsets():
    losses = np.random.default_rng(0).normal(size=(6, 4))
    for k in range(1, 7):
        expected = []
        for seed in range(4):
            others = np.delete(losses, seed, axis=1).mean(axis=1)
            subsets = itertools.combinations(range(6), k)
            shown = [losses[min(each, key=others.__getitem__), seed] for each in subsets]
            assert len(shown) == math.comb(6, k)
            expected.append(np.mean(shown))
        assert best_of(losses, k, 9.0) == pytest.approx(expected)


def test_settings_that_differ_by_noise_alone_gain_nothing_however_many_are_tried():
    """Where the best was chosen and shown on one seed, twenty of them would seem to gain 1.9."""
    random = np.random.default_rng(1)
    studies = [random.normal(size=(20, 5)) for _ in range(600)]
    gains = [best_of(losses, 20, 9.0).mean() - best_of(losses, 1, 9.0).mean() for losses in studies]
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(len(gains))
    naive = [best_of(losses[:, :1], 20, 9.0)[0] for losses in studies]
    assert np.mean(naive) == pytest.approx(-1.87, abs=0.1)


def test_one_good_setting_is_found_as_surely_as_a_subset_holds_it():
    losses = np.full((5, 3), 10.0)
    losses[2] = 1.0
    found = [best_of(losses, k, 10.0).mean() for k in range(1, 6)]
    assert found == pytest.approx([10 - 9 * k / 5 for k in range(1, 6)])


def test_failed_runs_are_ranked_last_and_count_as_the_worst():
    losses = np.array([[1.0, np.inf, 1.0], [5.0, 5.0, 5.0]])
    # shown on seed 1 the other seeds choose the first, which failed there; else the second
    assert best_of(losses, 2, 8.0) == pytest.approx([5.0, 8.0, 5.0])


def test_table_has_a_row_for_each_variant_and_budget():
    found = resolved(settings=3, training={"optimizer.lr": RATE})
    scores, runs = study_of(
        {
            "minimax": [40.0, 42.0],
            "minimax_s1": [30.0, 32.0],
            "minimax_s2": [50.0, None],
            "minimax_s3": [20.0, 22.0],
            "non_saturating": [38.0, 38.0],
            **{f"non_saturating_s{n}": [38.0, 38.0] for n in (1, 2, 3)},
        }
    )
    table = evaluate_tuning(scores, runs, found)
    assert table.columns.tolist() == TUNING_COLUMNS
    assert table.variant.tolist() == ["minimax"] * 4 + ["non_saturating"] * 4
    assert table.settings.tolist() == [0, 1, 2, 3] * 2
    minimax = table[table.variant == "minimax"]
    assert minimax.failed.tolist() == [1] * 4
    assert minimax.value.iloc[0] == 41.0
    assert minimax.value.iloc[1] == pytest.approx(np.mean([30, 32, 50, 50, 20, 22]))
    assert minimax.value.iloc[3] == 21.0
    assert minimax.chosen_on.tolist() == ["", *["other seeds"] * 3]
    assert (table[table.variant == "non_saturating"].value == 38.0).all()
