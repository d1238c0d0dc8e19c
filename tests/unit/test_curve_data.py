"""The block of data behind the page's curves: what a script unpacks is what the tables say."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from ganbench.report.figures.curve_data import collect_curves
from ganbench.report.figures.game_curves import sketch_game_curves, thin_out
from ganbench.report.figures.learning_curves import sketch_learning_curves
from ganbench.report.figures.packing import ALPHABET, LEVELS, pack_levels, pack_numbers
from ganbench.report.results import read_results
from report_example import FEW_METRICS, make_results, make_study


def unpack_numbers(text: str) -> np.ndarray:
    """As curve_numbers.js does."""
    upper = np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 3)
    return np.pad(upper, ((0, 0), (0, 1))).copy().view(">f4").ravel().astype(float)


def unpack_levels(packed: list) -> np.ndarray:
    """As curve_numbers.js does."""
    low, high, text, *others = packed
    letters = {chr(letter): code for code, letter in enumerate(ALPHABET)}
    codes = [64 * letters[text[at]] + letters[text[at + 1]] for at in range(0, len(text), 2)]
    values = [low + (high - low) * code / LEVELS if code <= LEVELS else np.nan for code in codes]
    for place, value in (others[0] if others else {}).items():
        values[int(place)] = value
    return np.array(values)


def test_packed_numbers_keep_four_digits_and_what_is_not_finite():
    values = np.array([0.0, -1.386294, 1e-30, 123456.7, -3e30, 0.99999999])
    text = pack_numbers(values)
    assert len(text) == 4 * len(values)
    assert unpack_numbers(text) == pytest.approx(values, rel=5e-5)
    ends = unpack_numbers(pack_numbers(np.array([np.nan, np.inf, -np.inf])))
    assert np.isnan(ends[0])
    assert list(ends[1:]) == [np.inf, -np.inf]


def test_packed_levels_are_finer_than_a_pixel_and_an_outlier_stays_exact():
    values = np.r_[np.sin(np.arange(500)), 1e9, np.nan, np.inf]
    packed = pack_levels(values)
    assert len(packed[2]) == 2 * len(values)
    unpacked = unpack_levels(packed)
    assert unpacked[:500] == pytest.approx(values[:500], abs=2.4 / LEVELS)
    assert unpacked[500] == 1e9
    assert np.isnan(unpacked[501:]).all()


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [0.25, 0.25]])
def test_levels_of_no_range_are_packed_too(values):
    assert unpack_levels(pack_levels(np.array(values))) == pytest.approx(values, nan_ok=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    study = make_study(("minimax", "wgan_gp"), ("digits", "mixture_1d"), seeds=3)
    failed, stopped = [("digits", "minimax", 1)], [("digits", "wgan_gp", 0)]
    inputs = make_results(folder, study, failed, metrics=FEW_METRICS, stopped=stopped)
    return read_results(study, inputs)


def test_scores_that_span_powers_of_ten_have_a_logarithmic_axis_and_geometric_means(results):
    curves = results.curves.copy()
    first = curves["metric"].eq("FD-classifier") & curves["step"].eq(curves["step"].min())
    curves.loc[first, "value"] *= 100
    spread = replace(results, curves=curves)
    digits = collect_curves(spread)["datasets"]["digits"]
    plot = digits["plots"]["curve-digits-fd-classifier"]
    assert plot["log"]
    rows = curves[(curves["dataset"] == "digits") & (curves["metric"] == "FD-classifier")]
    expected = np.log10(rows.loc[rows["reference"] == "held_out", "value"]).sort_values()
    logs = np.sort(unpack_numbers(digits["scores"]["columns"]["FD-classifier"]))
    assert logs == pytest.approx(expected.to_numpy(), rel=1e-4)
    floor = spread.floor("digits", "FD-classifier", "held_out")
    assert plot["levels"] == [[pytest.approx(np.log10(floor)), "real samples"]]
    (sketch, *_) = sketch_learning_curves(spread, "digits")
    assert 'data-log="y"' in sketch()["generator_steps"].inline.svg
    assert "log" not in collect_curves(results)["datasets"]["digits"]["plots"][plot_name(plot)]


def plot_name(plot: dict) -> str:
    return f"curve-digits-{plot['column'].lower()}"


def test_scores_of_the_block_are_those_of_the_tables(results):
    block = json.loads(json.dumps(collect_curves(results), allow_nan=False))
    scores = block["datasets"]["digits"]["scores"]
    values = unpack_numbers(scores["columns"]["FD-classifier"])
    at, curves = 0, results.curves
    for place, seed, completed, list_of_steps in scores["runs"]:
        steps = scores["steps"][list_of_steps]
        variant = block["variants"][place]
        rows = curves[
            (curves["dataset"] == "digits")
            & (curves["variant"] == variant)
            & (curves["seed"] == seed)
            & (curves["metric"] == "FD-classifier")
            & (curves["reference"] == "held_out")
        ]
        assert completed == (results.status["digits", variant, seed].status == "completed")
        assert list(rows["step"]) == steps
        assert values[at : at + len(steps)] == pytest.approx(rows["value"].to_numpy(), rel=5e-5)
        images, updates = block["datasets"]["digits"]["costs"][str(place)]
        assert list(rows["images"]) == [step * images for step in steps]
        assert list(rows["updates"]) == [step * updates for step in steps]
        at += len(steps)
    assert at == len(values) == len(unpack_numbers(scores["seconds"]))
    assert len({len(scores["steps"][run[3]]) for run in scores["runs"]}) == 2  # one stopped early


def test_history_of_the_block_is_that_of_the_figures(results):
    history = collect_curves(results)["datasets"]["digits"]["history"]
    rows = thin_out(results.history[results.history["dataset"] == "digits"])
    steps = [step for run in history["runs"] for step in history["steps"][run[3]]]
    assert steps == rows["generator_steps"].tolist()
    loss = np.concatenate([unpack_levels(packed) for packed in history["columns"]["g_loss"]])
    spread = rows["g_loss"].max() - rows["g_loss"].min()
    assert loss == pytest.approx(rows["g_loss"].to_numpy(), abs=spread / LEVELS)
    assert history["logs"] == ["d_grad_norm", "g_grad_norm", "g_update_size"]
    norms = np.concatenate([unpack_levels(packed) for packed in history["columns"]["g_grad_norm"]])
    assert 10**norms == pytest.approx(rows["g_grad_norm"].to_numpy(), rel=1e-3)


def test_critic_without_a_zero_has_no_probabilities(results):
    """Of a Wasserstein critic, whose output any constant may be added to, σ says nothing."""
    history = collect_curves(results)["datasets"]["digits"]["history"]
    rows = thin_out(results.history[results.history["dataset"] == "digits"])
    own = rows[rows["variant"] == "minimax"]
    for column in ("d_real", "d_fake", "value"):
        minimax, wgan_gp = (unpack_levels(packed) for packed in history["columns"][column])
        assert minimax == pytest.approx(own[column].to_numpy(), abs=1e-3)
        assert np.isnan(wgan_gp).all()
    captions = {
        drawing.name: drawing.caption
        for drawing in (sketch() for sketch in sketch_game_curves(results, "digits")[:4])
    }
    left_out = {name for name, caption in captions.items() if "Not drawn: wgan_gp" in caption}
    assert left_out == {"game-digits-d-real", "game-digits-d-fake", "game-digits-value"}


def test_history_without_a_number_and_older_runs_have_no_rows_and_no_update_sizes(results):
    empty = results.history.assign(generator_steps=np.nan).drop(columns="g_update_size")
    block = collect_curves(replace(results, history=empty))["datasets"]["digits"]
    assert block["history"]["runs"] == []
    assert "game-digits-g-update-size" not in block["plots"]
    assert block["plots"]["game-digits-d-real"]["levels"] == [[0.5, "½: minimax"]]
