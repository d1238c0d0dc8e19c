"""Numbers of the recipes that change while a run trains, over its steps."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from ganbench.catalogue.optimizer_options import PLAYERS, select_player
from ganbench.report.figures.coinciding import describe_coinciding
from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    choose_dash,
    finish,
    mark_variant,
    open_figure,
)
from ganbench.report.results import Results
from ganbench.study.schedules import Schedule, factor, find_schedule

POINTS = 200
"""Steps at which a number is drawn, at most."""

LABELS = {"lr": "learning rate", "betas": "second beta", "ema": "half-life, in those of ema"}
"""Labels of axes by the last part of a number's name; others are weights."""


def list_scheduled(run: Mapping[str, Any]) -> dict[str, tuple[float, Schedule]]:
    """The scheduled numbers of a run by name: each as the configuration has it, and its schedule.

    Options of both players have one name where players share them, as in `optimizer.lr`. That of
    `ema` is the half-life, counted in that of the configuration.
    """
    schedules = run["schedule"]
    scheduled = _list_of_players(run, "lr") | _list_of_players(run, "betas")
    for key, schedule in schedules.items():
        group, _, rest = key.partition(".")
        if group == "regularizers":
            scheduled[key] = (run["regularizers"][rest.partition(".")[0]]["weight"], schedule)
    if "ema" in schedules:
        scheduled["ema"] = (1.0, schedules["ema"])
    return scheduled


def _list_of_players(run: Mapping[str, Any], option: str) -> dict[str, tuple[float, Schedule]]:
    scheduled = {}
    for player in PLAYERS:
        options = select_player(run["optimizer"], player)
        schedule = find_schedule(run["schedule"], player, option)
        if schedule and option in options:
            value = options["betas"][1] if option == "betas" else options[option]
            scheduled[f"optimizer.{player}.{option}"] = (value, schedule)
    one, *others = scheduled.values() or [None]
    return {f"optimizer.{option}": one} if others == [one] else scheduled


def sketch_schedule_curves(results: Results, dataset: str) -> list[Sketch]:
    """One figure for each number that a variant schedules on a dataset; none without schedules."""
    runs = {name: results.parameters[dataset][name] for name in results.variants_on(dataset)}
    scheduled = {variant: list_scheduled(run) for variant, run in runs.items()}
    names = dict.fromkeys(name for numbers in scheduled.values() for name in numbers)
    return [
        partial(
            _draw_number,
            dataset,
            name,
            {
                index: (variant, runs[variant]["steps"], *scheduled[variant][name])
                for index, variant in enumerate(results.variants)
                if name in scheduled.get(variant, ())
            },
        )
        for name in names
    ]


def _draw_number(
    dataset: str, name: str, curves: Mapping[int, tuple[str, int, float, Schedule]]
) -> Drawing:
    """The figure of one number; `curves` are those of variants, by their place in the study."""
    title = f"{name} while training"
    with open_figure(height=2.2) as (figure, (axes,)):
        for index, (_variant, steps, value, schedule) in curves.items():
            lines_before = len(axes.lines)
            _draw_curve(axes, index, steps, value, schedule)
            mark_variant(axes, lines_before, index)
        axes.set(
            title=title,
            xlabel="steps",
            ylabel=LABELS.get(name.rsplit(".", maxsplit=1)[-1], "weight"),
        )
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        shared = describe_coinciding(
            {variant: _list_points(*numbers) for variant, *numbers in curves.values()}
        )
        caption = f"Values that the study gives {name}.{shared}"
        variants = {index: variant for index, (variant, *_) in curves.items()}
        file = f"schedule-{dataset}-{name.replace('.', '-').replace('_', '-')}"
        return finish(figure, file, f"{title}, on {dataset}", caption, variants)


def _draw_curve(axes: Axes, index: int, steps: int, value: float, schedule: Schedule) -> None:
    axes.plot(
        *_list_points(steps, value, schedule),
        color=choose_colour(index),
        ls=choose_dash(index),
        lw=2,
    )


def _list_points(steps: int, value: float, schedule: Schedule) -> tuple[np.ndarray, list[float]]:
    """Steps, at most `POINTS`, and the number at each of them."""
    places = np.unique(np.linspace(1, steps, POINTS).round().astype(int))
    return places, [value * factor(schedule, int(step), steps) for step in places]
