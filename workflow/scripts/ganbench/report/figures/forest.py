"""The forest plot: every declared contrast of a dataset, with its intervals and its verdict."""

from collections.abc import Mapping, Sequence
from functools import partial
from textwrap import fill, wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ganbench.evidence.comparisons import DECLARED
from ganbench.evidence.final_scores import Row, direction, select
from ganbench.evidence.verdict import Verdict
from ganbench.report.declarations import name_contrasts
from ganbench.report.figures.contrast_estimates import ShownContrast, estimate_contrast
from ganbench.report.figures.drawing import Drawing, Sketch, choose_colour, finish, open_figure
from ganbench.report.figures.svg import FAINT, INK
from ganbench.report.matrix import SIGNS
from ganbench.report.measures import describe_metric
from ganbench.report.results import Results
from ganbench.wording import is_missing, number, percent

WIDTH = 3.75
"""Inches, as of the page's other figures: its text is legible on a phone."""

LABEL_WIDTH, VERDICT_WIDTH = 50, 15
"""Characters of the names above an interval, and of the verdict at its right, in one line."""

ROW, LINE, AROUND = 0.27, 0.15, 0.95
"""Inches of an interval, of a line of text above it, and of the title and axis around all."""

BELOW_NAMES = 0.05
"""Inches between the names and what is drawn below them."""

NO_DIFFERENCE = {"color": INK, "lw": 0.8, "ls": (0, (3, 2)), "zorder": 1}
"""The line at no difference."""

FARTHEST = 2.0
"""An interval is cut where it goes this many times as far out as the median of them."""

FARTHEST_POINT = 3.0
"""An estimate is cut where it lies this many times as far out as the longest interval shown."""


def sketch_forest(
    results: Results, comparisons: pd.DataFrame, summary: pd.DataFrame, dataset: str
) -> list[Sketch]:
    """The figure of a dataset's declared contrasts, if the study has any."""
    rows = select(comparisons, dataset=dataset, role=DECLARED)
    if rows.empty:
        return []
    metric, reference = rows.iloc[0][["metric", "reference"]]
    measured = select(summary, dataset=dataset, metric=metric, reference=reference)
    centres = dict(zip(measured["variant"], measured["centre"].astype(float), strict=True))
    return [partial(_draw_forest, results, rows, centres, dataset)]


def _draw_forest(
    results: Results, rows: pd.DataFrame, centres: Mapping[str, float], dataset: str
) -> Drawing:
    """The figure; `rows` are the declared contrasts of one dataset."""
    contrasts = rows.to_dict("records")
    as_ratio = all(row["scale"] == "log" for row in contrasts)
    none = 1.0 if as_ratio else 0.0
    estimates = [estimate_contrast(row, centres, as_ratio=as_ratio) for row in contrasts]
    labels = [wrap(_label(row), LABEL_WIDTH) for row in contrasts]
    heights = [ROW + LINE * len(lines) for lines in labels]
    title = f"{_name_differences(results.study)} on {dataset}"
    with open_figure(WIDTH, sum(heights) + AROUND) as (figure, (axes,)):
        _set_axis(axes, estimates, as_ratio=as_ratio)
        bottoms = np.cumsum(heights)
        for row, estimate, lines, bottom in zip(contrasts, estimates, labels, bottoms, strict=True):
            _draw_margin(axes, estimate, bottom - ROW + BELOW_NAMES, bottom)
            _write_names(axes, lines, bottom - ROW - LINE * len(lines))
            colours = [
                choose_colour(results.variants.index(row[side])) for side in ("variant", "baseline")
            ]
            middle = bottom - ROW / 2
            if _shows_failures(row):
                _draw_failures(axes, row, middle, colours)
            else:
                axes.plot([none, none], [bottom - ROW + BELOW_NAMES, bottom], **NO_DIFFERENCE)
                _draw_interval(axes, estimate, middle, colours[0])
            beyond = _point_beyond(estimate, axes.get_xlim(), as_ratio=as_ratio)
            _write_verdict(axes, row["verdict"], middle, beyond)
        axes.set_ylim(bottoms[-1] + 0.06, 0)
        metric = contrasts[0]["metric"]
        _label_directions(axes, metric)
        kind = "ratio of first to second" if as_ratio else "first minus second"
        label = fill(f"{describe_metric(metric)}: {kind}", LABEL_WIDTH, break_on_hyphens=False)
        axes.set_title(title)
        axes.set_xlabel(label, labelpad=15, loc="left", linespacing=1.15)
        caption = _describe(results.study, contrasts, estimates, axes.get_xlim())
        return finish(figure, f"forest-{dataset}", title, caption, {})


def _name_differences(study: Mapping[str, Any]) -> str:
    return "Declared differences" if study.get("contrasts") else "Differences"


def _label(row: Row) -> str:
    """The two variants, and how many runs of each failed unless the figure has it elsewhere."""
    names = f"{row['variant']} against {row['baseline']}"
    failed = _count_failed(row)
    return f"{names} (failed: {failed})" if failed and not _shows_failures(row) else names


def _count_failed(row: Row) -> str:
    """How many runs of each side failed; empty where none did."""
    sides = [(row[f"failed_{side}"], row[f"n_{side}"]) for side in ("variant", "baseline")]
    if not any(failed for failed, _ in sides):
        return ""
    return " against ".join(f"{failed} of {failed + scored}" for failed, scored in sides)


def _shows_failures(row: Row) -> bool:
    """Whether failures stand in the place of an interval: they decided, or nothing was scored."""
    return "failures" in row["decided_by"] or is_missing(row["difference"])


def _set_axis(axes: Axes, estimates: Sequence[ShownContrast], *, as_ratio: bool) -> None:
    """The axis's scale, limits and ticks."""
    points = np.array([[one.value, *one.margin] for one in estimates], dtype=float)
    own = np.array([one.own for one in estimates], dtype=float)
    wide = np.array([one.simultaneous for one in estimates], dtype=float)
    if as_ratio:
        limits = np.exp(_choose_limits(np.log(points), np.log(own), np.log(wide)))
        axes.set_xscale("log")
        axes.set_xticks(_choose_ratios(*limits))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{number(value)}×")
    else:
        limits = _choose_limits(points, own, wide)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda value, _: number(value, 6))
    if np.isnan(points).all():
        axes.set_xticks([1.0 if as_ratio else 0.0])
    axes.set_xlim(*limits)
    axes.set_yticks([])


def _choose_limits(points: np.ndarray, own: np.ndarray, wide: np.ndarray) -> tuple[float, float]:
    """The ends of the axis, in positions around 0.

    All `points` lie between them but those that are very far out, and what is not too far out of
    the intervals: rows of `own`, of single contrasts, and of `wide`, of all together.
    """
    points = points[np.isfinite(points)]
    own, wide = (limits[np.isfinite(limits).all(axis=1)] for limits in (own, wide))
    usual = [np.abs(limits).max(axis=1) for limits in (own, wide) if len(limits)]
    farthest = FARTHEST * max((float(np.median(reaches)) for reaches in usual), default=0.0)
    if farthest > 0:
        points = points[np.abs(points) <= FARTHEST_POINT * farthest]
    farthest = max(farthest, float(np.abs(points).max(initial=0.0))) or 0.1
    ends = np.clip(np.concatenate([own.ravel(), wide.ravel()]), -farthest, farthest)
    shown = np.concatenate([points, ends, [-0.15 * farthest, 0.15 * farthest]])
    room = 0.06 * (shown.max() - shown.min())
    return float(shown.min() - room), float(shown.max() + room)


def _choose_ratios(low: float, high: float) -> np.ndarray:
    """Round ratios between two limits."""
    if high / low < 4:
        return MaxNLocator(5).tick_values(low, high)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return LogLocator(subs=steps, numticks=12).tick_values(low, high)


def _draw_margin(axes: Axes, estimate: ShownContrast, top: float, bottom: float) -> None:
    low, high = estimate.margin
    if not is_missing(low):
        axes.fill(
            [low, high, high, low],
            [top, top, bottom, bottom],
            color=FAINT,
            alpha=0.45,
            lw=0,
            zorder=0,
        )


def _write_names(axes: Axes, lines: Sequence[str], top: float) -> None:
    axes.text(
        0,
        top + LINE * len(lines) / 2 + 0.03,
        "\n".join(lines),
        transform=axes.get_yaxis_transform(),
        va="center",
        size=8,
        linespacing=1.15,
    )


def _write_verdict(axes: Axes, verdict: Verdict, y: float, beyond: str) -> None:
    axes.text(
        1.05,
        y,
        "\n".join([*wrap(f"{SIGNS[verdict.kind]} {verdict}", VERDICT_WIDTH), *beyond.splitlines()]),
        transform=axes.get_yaxis_transform(),
        va="center",
        size=8,
        weight="bold" if verdict.is_decided else "normal",
    )


def _draw_interval(axes: Axes, estimate: ShownContrast, y: float, colour: str) -> None:
    low, high = axes.get_xlim()
    has_interval = not is_missing(estimate.own[0])
    for limits, width in ((estimate.simultaneous, 1.2), (estimate.own, 4.5)):
        if not is_missing(limits[0]):
            axes.plot(np.clip(limits, low, high), [y, y], color=colour, lw=width)
    for end, edge, sign in zip(estimate.simultaneous, (low, high), (-1, 1), strict=True):
        if sign * end > sign * edge or sign * estimate.value > sign * edge:  # it goes on
            axes.plot(edge, y, marker="<" if sign < 0 else ">", color=colour, ms=5, clip_on=False)
    face = colour if has_interval else "none"
    if low <= estimate.value <= high:
        axes.plot(estimate.value, y, marker="o", ms=6.5, mfc=face, mec=INK, mew=0.8, zorder=3)


def _point_beyond(estimate: ShownContrast, limits: tuple[float, float], *, as_ratio: bool) -> str:
    """An arrow to an estimate beyond the axis, with its value; empty where the axis shows it."""
    if not _is_cut(estimate, limits):
        return ""
    arrow = "→" if estimate.value > limits[1] else "←"
    return f"{arrow} {number(estimate.value)}{'×' if as_ratio else ''}"


def _is_cut(estimate: ShownContrast, limits: tuple[float, float]) -> bool:
    """Whether an estimate lies beyond the axis."""
    return not is_missing(estimate.value) and not limits[0] <= estimate.value <= limits[1]


def _draw_failures(axes: Axes, row: Row, y: float, colours: Sequence[str]) -> None:
    """The number of failed runs, on the side of the better variant, and a cross of the worse one.

    `colours` are those of the variant and of the baseline.
    """
    shares = [
        row[f"failed_{side}"] / (row[f"failed_{side}"] + row[f"n_{side}"])
        for side in ("variant", "baseline")
    ]
    sign = -direction(row["metric"]) * int(np.sign(shares[0] - shares[1]))
    x = 0.5 + 0.46 * sign if sign else 0.04
    across = axes.get_yaxis_transform()
    worse = colours[0 if shares[0] > shares[1] else 1]
    axes.plot(x, y, marker="x", ms=6.5, mew=2, color=worse, transform=across)
    axes.text(
        x - 0.04 * sign if sign else 0.5,
        y,
        f"failed: {_count_failed(row)}",
        transform=across,
        va="center",
        ha={1: "right", -1: "left", 0: "center"}[sign],
        size=8,
    )


def _label_directions(axes: Axes, metric: str) -> None:
    """On both sides of no difference, which of the two variants is better there."""
    left, right = {
        -1: ("first is better", "second is better"),
        1: ("second is better", "first is better"),
        0: ("first is lower", "first is higher"),
    }[direction(metric)]
    for x, text, side in ((0, f"← {left}", "left"), (1, f"{right} →", "right")):
        axes.annotate(
            text,
            (x, 0),
            xycoords="axes fraction",
            xytext=(0, -16),
            textcoords="offset points",
            ha=side,
            va="top",
            size=8,
        )


def _describe(
    study: Mapping[str, Any],
    contrasts: Sequence[Row],
    estimates: Sequence[ShownContrast],
    limits: tuple[float, float],
) -> str:
    """How to read the figure, whose axis has these limits."""
    parts = [
        f"Each row is {name_contrasts(study)}, by the primary metric. The dot is the estimate, "
        f"{_describe_lines(len(contrasts), study['report']['confidence'])}."
    ]
    if any(_is_cut(estimate, limits) for estimate in estimates):
        parts.append("An estimate beyond the axis is printed below its verdict, with an arrow.")
    margins = {row["margin"] for row in contrasts} - {""}
    if margins:
        parts.append(f"The band is the declared margin, {margins.pop()}{_explain_band(contrasts)}.")
    if any(map(_count_failed, contrasts)):
        parts.append("× counts failed runs, which rank below all others.")
    return " ".join(parts)


def _describe_lines(contrasts: int, confidence: float) -> str:
    """What the lines of so many contrasts are."""
    level = percent(confidence)
    if contrasts == 1:
        return f"the line its {level} interval"
    together = "both contrasts" if contrasts == 2 else f"all {contrasts} contrasts"
    return (
        f"the thick line its {level} interval alone, and the thin line the interval for {together} "
        "together, which decides"
    )


def _explain_band(contrasts: Sequence[Row]) -> str:
    """Why the bands differ from row to row; empty where they do not."""
    is_share = any("%" in row["margin"] for row in contrasts)
    if not is_share or all(row["scale"] == "log" for row in contrasts):
        return ""
    return " of the score halfway between the two, so it differs from row to row"
