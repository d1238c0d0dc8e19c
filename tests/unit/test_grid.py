"""A grid makes variants, and a variant may set the constants of its objective."""

import pytest
from ganbench.study.grid import format_value
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from hypothesis import given
from hypothesis import strategies as st
from project import tiny_study

GRID = {
    "objective": ["minimax", "non_saturating"],
    "optimizer.name": ["adam", "sgd"],
    "optimizer.lr": ["2e-4", 0.05, 1],
}


def make_study(grid, **changes):
    study = tiny_study(grid=grid, **changes)
    if "variants" not in changes:
        del study["variants"]
    return study


def test_five_lines_make_twelve_variants_with_readable_names():
    study = resolve(make_study(GRID), "my.yaml")
    assert len(study["variants"]) == 12
    assert next(iter(study["variants"])) == "minimax_adam_lr_2e_4"
    cell = study["variants"]["non_saturating_sgd_lr_0_05"]
    assert cell["levels"] == {"objective": "non_saturating", "optimizer": "sgd", "lr": "0.05"}
    run = study["runs"]["digits"]["non_saturating_sgd_lr_0_05"]
    assert run["objective"]["name"] == "non_saturating"
    assert (run["optimizer"]["name"], run["optimizer"]["lr"]) == ("sgd", 0.05)
    assert "grid" not in study


def test_cell_trains_as_the_variant_that_is_written_out():
    cell = resolve(make_study({"objective": ["minimax"], "network.width": [8]}), "my.yaml")
    variants = {"minimax_width_8": {"objective": "minimax", "training": {"network": {"width": 8}}}}
    written = resolve(tiny_study(variants=variants), "my.yaml")
    assert cell["runs"] == written["runs"]


def test_groups_have_names_of_the_users_own():
    grid = {"objective": ["minimax"], "regularizers": {"none": {}, "R1": {"r1": {"weight": 1}}}}
    study = resolve(make_study(grid), "my.yaml")
    assert list(study["variants"]) == ["minimax_none", "minimax_r1"]
    assert study["variants"]["minimax_r1"]["regularizers"]["r1"]["weight"] == 1
    assert study["variants"]["minimax_r1"]["levels"]["regularizers"] == "R1"


def test_factor_that_is_part_of_another_one_is_refused():
    """Its last level was in every cell, whatever their names said."""
    grid = {"optimizer.lr": [1e-3, 1e-4], "optimizer": {"a": {"name": "adam"}, "b": {"lr": 1.0}}}
    with pytest.raises(StudyError, match=r"grid.optimizer: found beside optimizer.lr, which is"):
        resolve(make_study(grid, variants={"minimax": {}}), "my.yaml")


def test_grid_without_objectives_varies_the_variants():
    variants = {"r3gan": {}, "mine": {"objective": "minimax", "training": {"steps": 20}}}
    study = resolve(make_study({"batch_size": [8, 16]}, variants=variants), "my.yaml")
    names = ["r3gan_batch_size_8", "r3gan_batch_size_16", "mine_batch_size_8", "mine_batch_size_16"]
    assert list(study["variants"]) == names
    runs = study["runs"]["digits"]
    assert {runs[name]["batch_size"] for name in names} == {8, 16}
    assert runs["mine_batch_size_8"]["steps"] == 20
    plain = resolve(tiny_study(variants={"r3gan": {}}), "my.yaml")["runs"]["digits"]["r3gan"]
    assert runs["r3gan_batch_size_16"] == {**plain, "batch_size": 16}
    assert study["variants"]["mine_batch_size_8"]["levels"] == {
        "variant": "mine",
        "batch_size": "8",
    }


def test_grid_with_objectives_stands_beside_the_variants():
    study = resolve(make_study({"objective": ["hinge"]}, variants={"minimax": {}}), "my.yaml")
    assert list(study["variants"]) == ["minimax", "hinge"]
    assert "levels" not in study["variants"]["minimax"]


def test_factors_with_the_same_last_part_keep_their_whole_names():
    keys = {"optimizer.discriminator.lr": [1e-3], "optimizer.generator.lr": [1e-4]}
    study = resolve(make_study({"objective": ["minimax"], **keys}), "my.yaml")
    [variant] = study["variants"].values()
    assert set(variant["levels"]) == {"objective", *keys}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"optimizer.lr": ["abc"]}, r"my\.yaml: grid\.optimizer\.lr: found 'abc', expected a num"),
        ({"optimizer.lx": [1]}, r"grid\.optimizer: unknown key 'lx'"),
        ({"steps": [0]}, r"grid\.steps: found 0, expected at least 1"),
        ({"steps": []}, r"grid\.steps: found \[\], expected a list"),
        ({"steps": [10, "10"]}, r"grid\.steps: found the level 'steps_10' twice"),
        ({"regularizers": [{"r1": {}}]}, r"grid\.regularizers: .* expected a name for each group"),
        ({"steps": list(range(1, 1100))}, r"grid: found 1099 cells, expected at most 1000"),
        ({"batch_size": {"x" * 70: 8}}, r"grid: the variant .* expected at most 60"),
        ({"objective": ["nope"]}, r"objective: found 'nope', expected an objective"),
    ],
)
def test_unusable_grid_is_refused_by_the_users_key(grid, message):
    with pytest.raises(StudyError, match=message):
        resolve(make_study({"objective": ["minimax"], **grid}), "my.yaml")


def test_grid_that_varies_nothing_or_takes_a_name_is_refused():
    with pytest.raises(StudyError, match="no factor 'objective' and no variants"):
        resolve(make_study({"steps": [10]}), "my.yaml")
    study = make_study({"objective": ["minimax"]}, variants={"minimax": {}})
    with pytest.raises(StudyError, match="two variants would have the name 'minimax'"):
        resolve(study, "my.yaml")


@given(st.floats(1e-12, 1e12))
def test_numbers_are_written_as_people_write_them(value):
    assert float(format_value(value)) == pytest.approx(value, rel=1e-5)
    assert len(format_value(value)) <= 12


def test_errors_of_a_sweep_name_the_users_key():
    for key, message in {
        "optimizer.lr": r"sweep\.training\.optimizer\.lr: found 'abc', expected a number",
        "optimizer.lx": r"sweep\.training\.optimizer: unknown key 'lx'",
    }.items():
        with pytest.raises(StudyError, match=message):
            resolve(tiny_study(sweep={"training": {key: ["abc"]}}), "my.yaml")


def make_variant(objective, **changes):
    return resolve(tiny_study(variants={"mine": {"objective": objective}}, **changes), "my.yaml")


def test_variant_sets_the_constants_of_its_objective():
    study = make_variant({"name": "least_squares", "c": "0.5"})
    assert study["variants"]["mine"]["objective"] == "least_squares_c_0_5"
    objective = study["objectives"]["least_squares_c_0_5"]
    assert objective["constants"] == {"a": 0, "b": 1, "c": 0.5}
    assert objective["title"] == "Least squares, c = 0.5"
    assert study["runs"]["digits"]["mine"]["objective"]["constants"]["c"] == 0.5


def test_own_objectives_have_constants_for_variants_too():
    own = {"discriminator": "softplus(-r) + w * softplus(f)", "generator": "softplus(-f)"}
    objectives = {"weighted": {**own, "constants": {"w": 1}}}
    study = make_variant({"name": "weighted", "w": 2}, objectives=objectives)
    assert study["objectives"]["weighted_w_2"]["constants"] == {"w": 2}


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"name": "nope"}, r"variants\.mine\.objective\.name: found 'nope', expected an objective"),
        ({"c": 1}, r"objective\.name: found None"),
        ({"name": "minimax", "c": 1}, r"found the constant 'c', expected one of minimax's: none"),
        (
            {"name": "least_squares", "d": 1},
            r"constant 'd', expected one of least_squares's: a, b, c",
        ),
        ({"name": "least_squares", "c": "x"}, r"objective\.c: found 'x', expected a number"),
    ],
)
def test_wrong_constants_are_refused(objective, message):
    with pytest.raises(StudyError, match=message):
        make_variant(objective)
