"""Curves that lie on top of each other are named."""

import numpy as np
from ganbench.report.figures.coinciding import describe_coinciding
from ganbench.report.figures.gallery import draw_all
from ganbench.report.figures.game_curves import sketch_gradient_weights
from ganbench.report.figures.generator_divergence import sketch_generator_divergences
from ganbench.report.results import read_results
from report_example import FEW_METRICS, make_results, make_study

X = np.linspace(0, 1, 50)


def test_curves_that_cannot_be_told_apart_are_named_together():
    curves = {
        "a": (X, X),
        "b": (X, 1 - X),
        "c": (X, X + 0.001),
        "d": (X[:10], X[:10]),
        "e": (X, 1 - X),
        "f": (X + 1, X),
    }
    assert describe_coinciding(curves) == " On top of each other: a and c; b and e."


def test_curves_that_differ_or_are_alone_are_not_named():
    assert describe_coinciding({"a": (X, X), "b": (X, X + 0.01)}) == ""
    assert describe_coinciding({"a": (X, X)}) == ""
    assert describe_coinciding({}) == ""


def test_values_that_are_missing_in_both_curves_coincide():
    gap = np.where(X > 0.5, np.nan, X)
    assert describe_coinciding({"a": (X, gap), "b": (X, gap)}) == " On top of each other: a and b."
    assert describe_coinciding({"a": (X, gap), "b": (X, X)}) == ""


def test_figures_of_the_theory_name_variants_with_one_generator(tmp_path):
    study = make_study(("minimax", "hinge", "wgan_gp"), seeds=1)
    results = read_results(study, make_results(tmp_path, study, metrics=FEW_METRICS))
    for name, theory in results.theory.items():
        theory["gradient_weight"]["weight"] = [-0.1, -0.5, -0.9] if name == "minimax" else [1, 1, 1]
        theory["descent"]["h"] = [0.3, 0.0, 2.7] if name == "minimax" else [1, 2, 3]
    sketches = [*sketch_gradient_weights(results), *sketch_generator_divergences(results)]
    for drawing in draw_all(sketches, 1):
        assert "On top of each other: hinge and wgan_gp." in drawing.caption


def test_measured_weights_lie_over_the_derived_line(tmp_path, monkeypatch):
    study = make_study(("minimax",), seeds=1)
    results = read_results(study, make_results(tmp_path, study, metrics=FEW_METRICS))
    drawn = []
    monkeypatch.setattr(
        "ganbench.report.figures.game_curves.finish",
        lambda figure, *_: drawn.append(figure.axes[0].lines),
    )
    draw_all(sketch_gradient_weights(results), 1)
    ((derived, measured),) = drawn
    assert len(derived.get_xdata()) == 3
    assert measured.get_zorder() > derived.get_zorder()
