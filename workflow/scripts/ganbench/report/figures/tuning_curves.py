"""Score against tuning budget: what trying more settings bought each variant."""

from textwrap import fill

import pandas as pd
from matplotlib.ticker import MaxNLocator

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.report.figures.curves import THICK, THIN, level
from ganbench.report.figures.drawing import Drawing, colour, dash, figure, finish, mark_variant
from ganbench.report.figures.learning_curves import LINE
from ganbench.report.results import Results
from ganbench.wording import listing, number


def draw_tuning_curves(results: Results, table: pd.DataFrame, dataset: str) -> list[Drawing]:
    """Each variant's expected primary score over settings tried; none without a sweep."""
    found = table[table["dataset"] == dataset]
    if not results.study["settings"] or not len(found):
        return []
    metric, reference = found.iloc[0][["metric", "reference"]]
    better = METRICS[base_name(metric)].better
    title = f"{metric} after tuning, {better} is better"
    variants = {}
    with figure() as (drawn, (axes,)):
        for index, variant in enumerate(results.variants):
            mine = found[found["variant"] == variant]
            if not len(mine):
                continue
            before = len(axes.lines)
            style = {"color": colour(index), "linestyle": dash(index)}
            tried = mine[mine["settings"] > 0]
            axes.plot(mine["settings"][:1], mine["value"][:1], "o", ms=5, color=colour(index))
            axes.plot(tried["settings"], tried["value"], **style | THICK)
            for end in ("ci_low", "ci_high"):
                axes.plot(tried["settings"], tried[end], **style | THIN)
            mark_variant(axes, before, index)
            variants[index] = variant
        floor = results.floor(dataset, metric, reference)
        if floor is not None:
            level(axes, floor, "real samples")
        axes.set(
            title=fill(title, LINE),
            xlabel="settings tried (0: as the study gives it)",
            ylabel=metric,
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return [finish(drawn, f"tuning-{dataset}", title, _caption(results, found), variants)]


def _caption(results: Results, found: pd.DataFrame) -> str:
    most = found["settings"].max()
    ends = found[found["settings"] == most].sort_values("value")
    said = listing([f"{row.variant} {number(row.value)}" for row in ends.itertuples()], 5)
    failed = int(found.groupby("variant")["failed"].first().sum())
    counted = f" {failed} runs failed and count as the worst." if failed else ""
    chosen = found["chosen_on"].iloc[-1]
    return (
        f"Expected {found['metric'].iloc[0]} on {found['dataset'].iloc[0]} of the best of so many "
        f"settings, chosen on {chosen}; thin: {results.study['report']['confidence']:.0%} interval "
        f"over seeds. After all {most}: {said}.{counted}"
    )
