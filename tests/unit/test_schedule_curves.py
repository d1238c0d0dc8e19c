"""The figures of scheduled numbers draw what a run trains by."""

import re

import numpy as np
import pytest
import torch
from ganbench.report.figures import schedule_curves
from ganbench.report.figures.drawing import open_figure
from ganbench.report.figures.schedule_curves import list_scheduled
from ganbench.report.report import write_report
from ganbench.study.schedules import factor
from ganbench.training.schedule_tensors import Schedules
from report_example import FEW_METRICS, make_results, make_study, without_pdf
from training_example import resolve_run

COSINE = {"kind": "cosine", "from": 1, "to": 0.25}
LINE = {"kind": "linear", "warm_up": 0.2}
STEPS = 50


@pytest.mark.parametrize(
    ("optimizer", "schedule", "names"),
    [
        ({}, {"optimizer.lr": COSINE, "optimizer.betas": LINE}, {"lr", "betas"}),
        (
            {"generator": {"lr": 1e-4}},
            {"optimizer.lr": COSINE},
            {"discriminator.lr", "generator.lr"},
        ),
        (
            {},
            {"optimizer.lr": COSINE, "optimizer.generator.lr": LINE},
            {"discriminator.lr", "generator.lr"},
        ),
        ({"discriminator": {"name": "sgd"}}, {"optimizer.betas": COSINE}, {"generator.betas"}),
        ({}, {"optimizer.generator.lr": LINE}, {"generator.lr"}),
    ],
)
def test_numbers_of_players_are_those_that_training_reads(optimizer, schedule, names):
    run = resolve_run(optimizer=optimizer, schedule=schedule, steps=STEPS)
    scheduled = list_scheduled(run)
    assert set(scheduled) == {f"optimizer.{name}" for name in names}
    schedules = Schedules(run, torch.device("cpu"))
    options = {name: schedules.optimizer_options(name) for name in ("discriminator", "generator")}
    for step in (1, 7, STEPS):
        schedules.set_step(step)
        for name, (value, of_number) in scheduled.items():
            *_, player, option = ("generator", *name.split(".")[1:])
            number = options[player][option]
            number = number[1] if option == "betas" else number
            assert float(number) == pytest.approx(value * factor(of_number, step, STEPS)), name


def test_weights_and_the_half_life_are_those_that_training_reads():
    schedule = {"regularizers.r1.weight": COSINE, "ema": LINE}
    run = resolve_run(regularizers={"r1": {"weight": 3}}, schedule=schedule, ema=0.9, steps=STEPS)
    schedules = Schedules(run, torch.device("cpu"))
    weight, half_life = schedules.regularizer_options()["r1"], schedules.half_life_factor()
    (value, of_weight), (one, of_ema) = list_scheduled(run).values()
    for step in (1, 7, STEPS):
        schedules.set_step(step)
        assert float(weight["weight"]) == pytest.approx(value * factor(of_weight, step, STEPS))
        assert half_life(step) == one * factor(of_ema, step, STEPS)


def test_run_without_schedules_has_no_number_to_draw():
    assert list_scheduled(resolve_run()) == {}


def test_curve_is_the_number_at_the_steps_of_the_run():
    schedule = {"kind": "linear", "from": 1.0, "to": 0.0, "start": 0.5, "end": 1.0, "warm_up": 0.0}
    with open_figure() as (_figure, (axes,)):
        schedule_curves._draw_curve(axes, 1, 4000, 3.0, schedule)
        steps, values = axes.lines[0].get_data()
    assert (steps[0], steps[-1], len(steps)) == (1, 4000, schedule_curves.POINTS)
    expected = 3 * np.minimum(1, 2 - 2 * (steps - 1) / 4000)
    np.testing.assert_allclose(values, expected)


def test_page_draws_every_scheduled_number_beside_the_words(tmp_path):
    study = make_study(("minimax", "r3gan"), seeds=2)
    inputs = make_results(tmp_path, study, metrics=FEW_METRICS)
    with without_pdf():
        write_report(study, inputs, tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    figures = re.findall(
        r'<svg[^>]*aria-label="(\S+ while training, on digits).*?</svg>', page, re.S
    )
    numbers = {"optimizer.lr", "optimizer.betas"}
    numbers |= {f"regularizers.{name}.weight" for name in ("r1", "r2")}
    assert set(figures) == {f"{name} while training, on digits" for name in numbers}
    assert (tmp_path / "report/figures/schedule-digits-regularizers-r1-weight.svg").exists()
    (figure,) = re.findall(r'<svg[^>]*aria-label="optimizer.lr while.*?</svg>', page, re.S)
    assert 'class="variant-1 ' in figure
    assert 'class="variant-0 ' not in figure
