"""A sweep: the settings that are tried, and the score reached by a tuning budget."""

import itertools
import math

import numpy as np
import pytest
import yaml
from evidence_example import study_of
from ganbench.evidence.tuning import (
    TUNING_COLUMNS,
    WINNER_COLUMNS,
    best_of,
    evaluate_tuning,
    list_winners,
)
from ganbench.study import resolve as studies
from ganbench.study import sweep
from ganbench.study.schema import StudyError
from project import tiny_study
from scipy.stats import gmean

RATE = {"low": 1e-5, "high": 1e-2, "scale": "log", "whole": False}


def resolve(**keys):
    """The resolved tiny study with a sweep."""
    return studies.resolve(tiny_study(sweep=keys), "my.yaml")


def list_training(study, variant):
    """The `training` of every setting of a variant."""
    settings = study["settings"].values()
    return [setting["training"] for setting in settings if setting["of"] == variant]


def test_lists_are_tried_in_every_combination_for_every_variant():
    study = resolve(training={"optimizer.lr": ["1e-4", 2e-4], "discriminator_steps": [1, 3, 5]})
    trainings = list_training(study, "minimax")
    assert trainings == list_training(study, "non_saturating")
    pairs = {(group["optimizer"]["lr"], group["discriminator_steps"]) for group in trainings}
    assert pairs == set(itertools.product((1e-4, 2e-4), (1, 3, 5)))
    assert list(study["variants"]) == ["minimax", "non_saturating"]
    assert len(list(studies.list_runs(study))) == 4
    assert len(list(studies.list_sweep_runs(study))) == 2 * 6 * 2


def test_setting_is_its_variant_with_other_keys_of_training():
    study = resolve(training={"optimizer.lr": [0.5]})
    variant, setting = (study["runs"]["digits"][name] for name in ("minimax", "minimax_s1"))
    assert setting["optimizer"] == {**variant["optimizer"], "lr": 0.5}
    assert {**setting, "optimizer": variant["optimizer"]} == variant


def test_draws_are_even_on_the_scale_of_their_range_and_repeatable():
    drawn = {"settings": 900, "seed": 0, "training": {"optimizer.lr": RATE}}
    settings = sweep.list_settings(drawn)
    rates = np.array([setting.training["optimizer"]["lr"] for setting in settings])
    assert rates.min() >= 1e-5
    assert rates.max() <= 1e-2
    below = [(rates < limit).mean() for limit in (1e-4, 1e-3)]
    assert below == pytest.approx([1 / 3, 2 / 3], abs=0.05)
    assert sweep.list_settings(drawn) == settings
    assert sweep.list_settings({**drawn, "seed": 1}) != settings


def test_another_key_or_draw_changes_no_other_value():
    five = list_training(resolve(settings=5, training={"optimizer.lr": RATE}), "minimax")
    ranges = {"batch_size": {"low": 8, "high": 99, "whole": True}, "optimizer.lr": RATE}
    six = list_training(resolve(settings=6, training=ranges), "minimax")
    assert [group["optimizer"] for group in six[:5]] == [group["optimizer"] for group in five]
    assert all(isinstance(group["batch_size"], int) for group in six)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"training": {"optimizer.lr": RATE}}, r"optimizer\.lr: found a range.*sweep\.settings"),
        ({"training": {}}, r"sweep\.training: found 0 items"),
        ({"training": {"optimizer.foo": [1]}}, r"sweep\.training\.optimizer: unknown key 'foo'"),
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
        ({}, "sweep: found nothing to try, expected `training`, `constants` or both"),
        (
            {"constants": {"c": [1]}},
            r"sweep\.constants\.c: found a constant of no variant's objective",
        ),
        ({"constants": {"c": ["x"]}}, r"sweep\.constants\.c"),
        (
            {"settings": 1, "constants": {"c": {"low": 2, "high": 1}}},
            r"sweep\.constants\.c: found low 2\.0, expected less than high 1\.0",
        ),
        ({"training": {"steps": list(range(10, 400)), "batch_size": [8] * 40}}, "15600 combinat"),
        ({"training": {"batch_size": ["x"]}}, r"sweep\.training\.batch_size: found 'x'"),
        ({"training": {"snapshots": [500]}}, "snapshots .minimax_s1 on digits.: found 500"),
    ],
)
def test_unusable_sweep_is_refused_with_its_key(keys, message):
    with pytest.raises(StudyError, match=f"^my.yaml: (?!my.yaml).*{message}"):
        resolve(**keys)


def test_sweep_that_needs_the_name_of_a_variant_is_refused():
    variants = {"minimax": {}, "minimax_s1": {"objective": "minimax"}}
    study = tiny_study(variants=variants, sweep={"training": {"optimizer.lr": [1]}})
    with pytest.raises(StudyError, match=r"variants\.minimax_s1: the sweep needs this name"):
        studies.resolve(study, "my.yaml")


def test_name_of_a_setting_leads_to_its_variant():
    assert sweep.strip_setting("a_s1_s23") == "a_s1"


def test_expected_best_is_the_mean_over_all_subsets():
    losses = np.random.default_rng(0).normal(size=(6, 4))
    for k in range(1, 7):
        expected = []
        for seed in range(4):
            others = np.delete(losses, seed, axis=1).mean(axis=1)
            subsets = itertools.combinations(range(6), k)
            best = [losses[min(subset, key=others.__getitem__), seed] for subset in subsets]
            assert len(best) == math.comb(6, k)
            expected.append(np.mean(best))
        assert best_of(losses, k, 9.0) == pytest.approx(expected)


def test_settings_that_differ_only_by_noise_gain_nothing():
    """If the best were chosen and shown on one seed, twenty settings would seem to gain 1.9."""
    random = np.random.default_rng(1)
    sweeps = [random.normal(size=(20, 5)) for _ in range(600)]
    gains = [best_of(losses, 20, 9.0).mean() - best_of(losses, 1, 9.0).mean() for losses in sweeps]
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(len(gains))
    naive = [best_of(losses[:, :1], 20, 9.0)[0] for losses in sweeps]
    assert np.mean(naive) == pytest.approx(-1.87, abs=0.1)


def test_one_good_setting_counts_as_often_as_subsets_contain_it():
    losses = np.full((5, 3), 10.0)
    losses[2] = 1.0
    best = [best_of(losses, k, 10.0).mean() for k in range(1, 6)]
    assert best == pytest.approx([10 - 9 * k / 5 for k in range(1, 6)])


def test_failed_runs_are_ranked_last_and_count_as_the_worst():
    losses = np.array([[1.0, np.inf, 1.0], [5.0, 5.0, 5.0]])
    # for seed 1 the other seeds choose the first setting, which failed there; else the second
    assert best_of(losses, 2, 8.0) == pytest.approx([5.0, 8.0, 5.0])


def test_table_has_a_row_for_each_variant_and_budget():
    study = resolve(settings=3, training={"optimizer.lr": RATE})
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
    table = evaluate_tuning(scores, runs, study)
    assert table.columns.tolist() == TUNING_COLUMNS
    assert table.variant.tolist() == ["minimax"] * 4 + ["non_saturating"] * 4
    assert table.settings.tolist() == [0, 1, 2, 3] * 2
    minimax = table[table.variant == "minimax"]
    assert minimax.failed.tolist() == [1] * 4
    # FD is compared on a logarithmic scale
    assert minimax.value.iloc[0] == pytest.approx(gmean([40, 42]))
    assert minimax.value.iloc[1] == pytest.approx(
        gmean([np.mean([30, 50, 20]), np.mean([32, 50, 22])])
    )
    assert minimax.value.iloc[3] == pytest.approx(gmean([20, 22]))
    assert minimax.chosen_on.tolist() == ["", *["other seeds"] * 3]
    others = table[table.variant == "non_saturating"].value
    assert others.to_numpy() == pytest.approx(38.0)


def resolve_shared(variants, **keys):
    return studies.resolve(tiny_study(variants=variants, sweep=keys), "my.yaml")


def list_trained(study):
    return [setting for _, setting, seed in studies.list_sweep_runs(study) if seed == 0]


def test_constants_are_tried_where_an_objective_has_them():
    study = resolve_shared({"least_squares": {}, "minimax": {}}, constants={"c": [0.5, 0.25]})
    constants = [
        study["runs"]["digits"][name]["objective"]["constants"]
        for name in ("least_squares_s1", "least_squares_s2")
    ]
    assert constants == [{"a": 0, "b": 1, "c": 0.5}, {"a": 0, "b": 1, "c": 0.25}]
    assert list_trained(study) == ["least_squares_s1", "least_squares_s2"]
    assert study["settings"]["minimax_s1"]["same_as"] == {"digits": "minimax"}
    assert list(study["objectives"]) == ["least_squares", "minimax"]  # the page proves no other


def test_constants_are_tried_for_an_objective_of_the_study_too():
    study = tiny_study(
        objectives={
            "scaled": {"discriminator": "s * (f - r)", "generator": "-f", "constants": {"s": 1}}
        },
        variants={"scaled": {}},
        sweep={"constants": {"s": [2]}},
    )
    run = studies.resolve(study, "my.yaml")["runs"]["digits"]["scaled_s1"]
    assert run["objective"]["constants"] == {"s": 2}
    assert run["objective"]["generator"] == "-f"


def test_setting_keeps_the_other_constants_that_the_study_gives():
    study = tiny_study(
        objectives={"least_squares": {"constants": {"a": 0.25}}},
        variants={"least_squares": {}, "half": {"objective": {"name": "least_squares", "b": 2}}},
        sweep={"constants": {"c": [0.5]}},
    )
    runs = studies.resolve(study, "my.yaml")["runs"]["digits"]
    settings = [runs[name]["objective"] for name in ("least_squares_s1", "half_s1")]
    constants = [objective["constants"] for objective in settings]
    assert constants == [{"a": 0.25, "b": 1, "c": 0.5}, {"a": 0.25, "b": 2, "c": 0.5}]
    assert {objective["generator"] for objective in settings} == {"0.5 * square(f - c)"}


@pytest.mark.parametrize(
    ("variants", "keys", "trained", "owner"),
    [
        # the variant itself has this setting
        ({"minimax": {}}, {"training": {"optimizer.lr": [2e-3, 1e-3]}}, ["minimax_s2"], "minimax"),
        # so does the objective, whose constant a list gives as another number
        ({"least_squares": {}}, {"constants": {"c": [1.0]}}, [], "least_squares"),
        # a setting before it: a draw may hit a short list twice
        (
            {"minimax": {}},
            {"settings": 3, "training": {"optimizer.lr": [1e-3]}},
            ["minimax_s1"],
            "minimax_s1",
        ),
        # another variant that was written out
        (
            {"minimax": {}, "fast": {"objective": "minimax", "training": {"optimizer": {"lr": 1}}}},
            {"training": {"optimizer.lr": [1]}},
            [],
            "fast",
        ),
    ],
    ids=["the variant", "a constant", "a setting", "another variant"],
)
def test_run_with_the_parameters_of_another_is_not_trained(variants, keys, trained, owner):
    study = resolve_shared(variants, **keys)
    assert list_trained(study) == trained
    owners = {sweep.find_run(study, "digits", name) for name in study["settings"]}
    assert owner in owners
    assert owners <= set(study["runs"]["digits"])


def test_setting_is_shared_on_the_datasets_where_it_changes_nothing():
    study = tiny_study(
        datasets={
            "digits": {},
            "ring": {"kind": "gaussian_ring", "training": {"optimizer": {"lr": 1}}},
        },
        training={"optimizer": {"lr": 2e-3}},
        variants={"minimax": {}},
        sweep={"training": {"optimizer.lr": [2e-3]}},
    )
    study = studies.resolve(study, "my.yaml")
    assert study["settings"]["minimax_s1"]["same_as"] == {"digits": "minimax"}
    assert [run[:2] for run in studies.list_sweep_runs(study)] == [("ring", "minimax_s1")] * 2


def test_variants_that_are_equal_keep_runs_of_their_own():
    study = resolve_shared(
        {"minimax": {}, "again": {"objective": "minimax"}}, training={"optimizer.lr": [1]}
    )
    assert {"minimax", "again"} <= set(study["runs"]["digits"])
    assert study["settings"]["again_s1"]["same_as"] == {"digits": "minimax_s1"}


def test_winner_is_written_as_a_study_takes_it():
    study = resolve_shared(
        {"least_squares": {"regularizers": {"r1": {}}}, "minimax": {}},
        training={"optimizer.lr": [1e-3, 1e-5]},
        constants={"c": [0.5, 1]},
    )
    scores, runs = study_of(
        {
            "least_squares": [40.0, 42.0],
            "least_squares_s1": [30.0, 32.0],
            "least_squares_s2": [50.0, 50.0],
            "least_squares_s3": [20.0, 22.0],
            "least_squares_s4": [1.0, None],
            "minimax": [10.0, 12.0],
            "minimax_s1": [30.0, 30.0],
            "minimax_s3": [30.0, 30.0],
        }
    )
    table = list_winners(scores, runs, study)
    assert table.columns.tolist() == WINNER_COLUMNS
    assert table.setting.tolist() == ["least_squares_s3", "minimax"]
    # means of FD are on its logarithm, as everywhere
    means = [(low * high) ** 0.5 for low, high in ((20, 22), (10, 12), (40, 42))]
    assert table.value.tolist() == pytest.approx(means[:2])
    assert table.untuned.tolist() == pytest.approx([means[2], means[1]])
    assert table.settings.tolist() == [4, 4]
    pasted = yaml.safe_load("".join(table.yaml))
    again = studies.resolve(tiny_study(variants=pasted), "my.yaml")["runs"]["digits"]
    expected = study["runs"]["digits"]
    assert list(again.values()) == [expected["least_squares_s3"], expected["minimax"]]


def test_variant_whose_runs_all_failed_has_no_winner():
    study = resolve(training={"optimizer.lr": [1e-5]})
    names = ("minimax", "minimax_s1", "non_saturating", "non_saturating_s1")
    finals = ([None] * 2, [None] * 2, [2.0, 3.0], [None, 1.0])
    scores, runs = study_of(dict(zip(names, finals, strict=True)))
    table = list_winners(scores, runs, study)
    assert table[["variant", "setting", "failed"]].values.tolist() == [
        ["non_saturating", "non_saturating", 0]
    ]
