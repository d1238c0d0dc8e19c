"""What each generator descends at D*: the cost of a density ratio."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator

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

HIGHEST = 1.5
TITLE = "What a generator descends at D*"
CAPTION = (
    "Cost h(t)/(1 + t) of p_g where t = p_data/p_g, per unit of p_data + p_g, in units of each "
    "objective’s own loss: compare the two ends of a curve, not curves. On the left, samples where "
    "there is no data; on the right, data that is never generated, a dropped mode."
)


def sketch_generator_divergences(results: Results) -> list[Sketch]:
    """h of each objective that has one, in the colour of the first variant that uses it."""
    curves: dict[str, Mapping[str, Any]] = {}
    drawn: set[str] = set()
    for variant, definition in results.study["variants"].items():
        objective = definition["objective"]
        descent = results.theory.get(objective, {}).get("descent", {})
        if descent.get("applies") and objective not in drawn:
            curves[variant] = descent
            drawn.add(objective)
    return [partial(_draw_divergences, results, curves)] if curves else []


def _draw_divergences(results: Results, curves: Mapping[str, Mapping[str, Any]]) -> Drawing:
    variants = {}
    with open_figure(height=2.9) as (figure, (axes,)):
        for index, variant in enumerate(results.variants):
            if variant in curves:
                lines_before = len(axes.lines)
                ratios = np.exp(curves[variant]["log_t"])
                cost = np.array(curves[variant]["h"]) / (1 + ratios)
                axes.plot(ratios, cost, color=choose_colour(index), ls=choose_dash(index), lw=2)
                mark_variant(axes, lines_before, index)
                variants[index] = variant
        low = min(axes.dataLim.y0, -0.05)
        high = axes.dataLim.y1 + 0.05
        axes.set(title=TITLE, xlabel="t = p_data/p_g (log scale)", ylabel="h(t) / (1 + t)")
        axes.set(xscale="log", ylim=(max(low, -HIGHEST), min(high, HIGHEST)))
        axes.set_xticks([0.001, 0.01, 0.1, 1, 10, 100, 1000])
        axes.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        caption = CAPTION + describe_coinciding(
            {name: (curve["log_t"], curve["h"]) for name, curve in curves.items()}
        )
        return finish(figure, "generator-divergence", TITLE, caption, variants)
