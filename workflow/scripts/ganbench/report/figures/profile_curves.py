"""Performance profiles: the share of runs at least as good as each threshold."""

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.report.figures.drawing import Drawing, colour, dash, figure, finish, mark_variant
from ganbench.report.results import Results


def draw_profiles(results: Results, table: pd.DataFrame, dataset: str) -> list[Drawing]:
    """The profile of every variant by the dataset's primary metric, if anything was scored."""
    primary = results.study["datasets"][dataset]["primary"]
    found = select(table, dataset=dataset, **primary)
    if not len(found):
        return []
    sign = "≤" if METRICS[base_name(primary["metric"])].better == "lower" else "≥"
    title = "How many runs get this good"
    caption = (
        f"Share of all runs on {dataset}, failed ones included, whose last snapshot has "
        f"{primary['metric']} {sign} τ. A curve further up and to the "
        f"{'left' if sign == '≤' else 'right'} is better; one that ends below 1 had failures."
    )
    variants = {}
    with figure() as (drawn, (axes,)):
        for index, variant in enumerate(results.variants):
            mine = found[found["variant"] == variant]
            if len(mine):
                before = len(axes.lines)
                style = {"color": colour(index), "ls": dash(index), "drawstyle": "steps-post"}
                axes.plot(mine["threshold"], mine["share"], lw=1.8, **style)
                mark_variant(axes, before, index)
                variants[index] = variant
        axes.set(title=title, xlabel=f"τ ({primary['metric']})", ylabel="share of runs")
        axes.set(ylim=(-0.03, 1.03))
        return [finish(drawn, f"profile-{dataset}", f"{title}, {dataset}", caption, variants)]
