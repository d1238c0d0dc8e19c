"""`plan-seeds`: how many seeds each comparison of a finished study needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.evidence.estimators import POWER, detectable_difference
from ganbench.evidence.final_scores import (
    Measure,
    ScoresBySeed,
    index_final_scores,
    measure_name,
    primary_measures,
)
from ganbench.evidence.scales import Scale, choose_scale
from ganbench.evidence.seed_plan import MOST_SEEDS, SeedPlan, plan_seeds
from ganbench.jobs.errors import ActionableError
from ganbench.study.declared import Margin, list_contrasts, read_margin
from ganbench.study.former_plugins import register_former_plugins
from ganbench.study.references import is_of_reference
from ganbench.wording import count, number, percent


class Question(NamedTuple):
    """What is asked of each comparison: a difference, or the observed one, and how surely."""

    target: Margin | None
    alpha: float
    confidence: float


def describe_seed_plans(results: Path, margin: str | None, plugins: Sequence[Path] = ()) -> str:
    """A table for each dataset; `margin` takes the place of the study's own.

    `plugins` are the files that have the study's own metrics. Raises ActionableError if the folder
    is not that of a finished study, the margin is no number above 0, or a metric is not found.
    """
    study, runs, scores = _read_study(results)
    register_former_plugins(results, "metric", plugins)
    target = read_margin(margin if margin is not None else study.get("margin", ""))
    final = index_final_scores(scores, runs)
    contrasts = list_contrasts(study)
    pairs = [pair for pair in contrasts if not any(map(is_of_reference, pair))]
    if contrasts and not pairs:
        raise ActionableError(
            f"{results}: all comparisons of this study are with references, whose seeds it does "
            "not train; plan the seeds of a study of your own variants"
        )
    confidence = study["report"]["confidence"]
    question = Question(target, (1 - confidence) / max(1, len(pairs)), confidence)
    tables = [
        _describe_dataset(
            f"{dataset}, {measure_name(measure)}",
            {
                f"{variant} against {baseline}": (
                    final[dataset, variant, *measure],
                    final[dataset, baseline, *measure],
                )
                for variant, baseline in pairs
            },
            measure,
            question,
        )
        for dataset, measure in primary_measures(study).items()
    ]
    return "\n\n".join([_describe_method(study, question), *tables])


def _read_study(results: Path) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """The resolved study, how its runs ended and their scores, of results or a published study."""
    from ganbench.jobs.files import read_json  # noqa: PLC0415
    from ganbench.report.results import read_scores  # noqa: PLC0415

    for name in ("study.json", "scores.csv"):
        if not (results / name).is_file():
            raise ActionableError(
                f"{results}: there is no {name}; expected the folder of a study that has its "
                "report, such as results/my_study: its snakemake command has to end first"
            )
    study, published = read_json(results / "study.json"), results / "runs.json"
    if published.is_file():
        endings = {tuple(name.split("/")): run for name, run in read_json(published).items()}
    else:
        files = sorted(results.glob("runs/*/*/seed*/run.json"))
        endings = {file.parts[-4:-1]: read_json(file) for file in files}
    runs = pd.DataFrame(
        [
            (dataset, variant, int(seed.removeprefix("seed")), run["status"], run["step"])
            for (dataset, variant, seed), run in endings.items()
            if variant in study["variants"]
        ],
        columns=["dataset", "variant", "seed", "status", "step"],
    )
    return study, runs, read_scores(results / "scores.csv")


def _describe_method(study: Mapping[str, Any], question: Question) -> str:
    target, alpha, confidence = question
    aim = "the difference that was observed, which is itself uncertain (no margin is given)"
    if target:
        aim = f"a difference of {percent(target.size) if target.is_share else number(target.size)}"
    return (
        f"Study {study['study']}: seeds that show {aim} with {percent(POWER)} power, in a paired t "
        f"test at level {number(alpha, 2)}.\nThe range is by the {percent(confidence)} interval of "
        "the spread between seeds. Detectable is the difference that\nas many seeds as here would "
        f"show in {percent(POWER)} of further studies."
    )


def _describe_dataset(
    title: str,
    pairs: Mapping[str, tuple[ScoresBySeed, ScoresBySeed]],
    measure: Measure,
    question: Question,
) -> str:
    """The comparisons of one dataset as a table of text."""
    header = ("comparison", "shared seeds", "observed", "detectable", "seeds needed", "range")
    rows = [(name, *_describe_pair(*scores, measure, question)) for name, scores in pairs.items()]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join([title, *lines])


def _describe_pair(
    variant: ScoresBySeed, baseline: ScoresBySeed, measure: Measure, question: Question
) -> tuple[str, ...]:
    target, alpha, confidence = question
    seeds = sorted(variant.keys() & baseline.keys())
    values, others = (np.array([scores[seed] for seed in seeds]) for scores in (variant, baseline))
    scale = choose_scale(measure[0], [*values, *others])
    positions, before = scale.to_positions(values), scale.to_positions(others)
    differences = positions - before
    observed = float(differences.mean()) if seeds else np.nan
    effect = observed if target is None else find_effect(target, scale, before)
    plan = plan_seeds(differences, effect, alpha, confidence)
    detectable = detectable_difference(differences, alpha)
    centre = float(np.mean([*positions, *before])) if seeds else np.nan
    cells = (_describe_shift(shift, scale, centre) for shift in (observed, detectable))
    return (str(len(seeds)), *cells, _format_seeds(plan.seeds), _format_range(plan))


def find_effect(target: Margin, scale: Scale, baseline: np.ndarray) -> float:
    """The target as a shift on the scale of the test; `baseline` are positions on that scale."""
    if scale.name == "log" and target.is_share:
        return float(np.log1p(target.size))
    level = float(scale.to_values(np.mean(baseline)))
    size = target.size * (abs(level) if target.is_share else 1.0)
    ends = np.clip([level, level + size], scale.lowest, scale.highest)
    return float(np.diff(scale.to_positions(ends))[0])


def _describe_shift(shift: float, scale: Scale, centre: float) -> str:
    """A difference, or a ratio: +12 % for few percent, × 4.2 beyond a half."""
    if np.isnan(shift) or scale.name != "log":
        return number(scale.to_difference(shift, centre))
    factor = float(np.exp(shift))
    if 2 / 3 < factor < 3 / 2:
        return f"{number(100 * (factor - 1), 2)} %"
    return f"× {number(factor)}"


def _format_seeds(seeds: float) -> str:
    if np.isnan(seeds):
        return number(seeds)
    return f"over {MOST_SEEDS:,}" if np.isinf(seeds) else f"{seeds:,.0f}"


def _format_range(plan: SeedPlan) -> str:
    if np.isnan(plan.low):
        return f"unknown: {count(2, 'shared seed')} or more are needed"
    return f"{_format_seeds(plan.low)} to {_format_seeds(plan.high)}"
