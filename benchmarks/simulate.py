"""How often verdicts are wrong and intervals cover: many simulated studies a row.

    python benchmarks/simulate.py [--studies 2000] [--only WORD] [--write]

Every study goes through the functions that the report calls for its rows. --write puts the table
into docs/statistics.md. Scores of one seed have the correlation ICC between variants, 0.55 as
measured on Fashion-MNIST. A row's random numbers follow from its name alone.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.evidence.contrasts import describe_contrast, set_up_contrast  # noqa: E402 (the path above)
from ganbench.evidence.scales import choose_scale  # noqa: E402 (the path above)
from ganbench.evidence.tables import estimate_centre  # noqa: E402 (the path above)

PAGE = ROOT / "docs/statistics.md"
BEGIN, END = "<!-- table: made by make simulate -->", "<!-- end of table -->"

ICC = 0.55
CONFIDENCE = 0.95

Draw = Callable[[np.random.Generator, int], np.ndarray]
"""The scores `(variants, seeds)` of one study; NaN where a run failed."""


class Row(NamedTuple):
    """One row of the table: what is drawn, what is counted, and what the count should be.

    A study that `count` says None of does not count.
    """

    group: str
    name: str
    seeds: tuple[int, ...]
    promise: str
    count: Callable[[np.random.Generator, int], bool | None]


def share_seeds(rng: np.random.Generator, variants: int, seeds: int, icc: float) -> np.ndarray:
    """Standard Gaussian scores with this correlation between the variants of a seed."""
    common = rng.standard_normal(seeds)
    return np.sqrt(icc) * common + np.sqrt(1 - icc) * rng.standard_normal((variants, seeds))


def normal(variants: int = 2, shift: float = 0.0, spread: float = 1.0, icc: float = ICC) -> Draw:
    """40 ± 3; the last variant has its own mean, in deviations, and spread."""

    def draw(rng: np.random.Generator, seeds: int) -> np.ndarray:
        scores = 3 * share_seeds(rng, variants, seeds, icc)
        scores[-1] = spread * scores[-1] + 3 * shift
        return 40 + scores

    return draw


def lognormal(ratio: float = 1.0) -> Draw:
    """A deviation of 1 on the log scale, as where seeds differ by factors of 3."""
    return lambda rng, seeds: np.exp(share_seeds(rng, 2, seeds, ICC) + np.log([[1.0], [ratio]]))


def bounded(rng: np.random.Generator, seeds: int) -> np.ndarray:
    """Shares near 0, many exactly 0, as the recall of variants that lose modes."""
    return np.clip(0.06 + 0.06 * share_seeds(rng, 2, seeds, ICC), 0.0, 1.0)


def collapses(first: float, second: float, size: float = 20.0, *, same_mean: bool = False) -> Draw:
    """Runs that collapse at these rates: worse by `size`, and completed."""

    def draw(rng: np.random.Generator, seeds: int) -> np.ndarray:
        rates = np.array([[first], [second]])
        scores = 40 + 3 * share_seeds(rng, 2, seeds, ICC)
        means = rates * size if same_mean else 0.0
        return scores - means + size * (rng.random((2, seeds)) < rates)

    return draw


def worst_diverge(share: float, icc: float = ICC) -> Draw:
    """One distribution; of the last variant, runs beyond its (1 − share) quantile diverge."""
    from scipy import special

    limit = special.ndtri(1 - share)

    def draw(rng: np.random.Generator, seeds: int) -> np.ndarray:
        scores = share_seeds(rng, 2, seeds, icc)
        scores[-1, scores[-1] > limit] = np.nan
        return 40 + 3 * scores

    return draw


def lose(rates: tuple[float, float], shift: float = 0.0) -> Draw:
    """Runs lost at random at these rates."""

    def draw(rng: np.random.Generator, seeds: int) -> np.ndarray:
        scores = normal(shift=shift)(rng, seeds)
        scores[rng.random(scores.shape) < np.array(rates)[:, None]] = np.nan
        return scores

    return draw


def compare_study(scores: np.ndarray, metric: str, margin: str = "") -> list[dict[str, Any]]:
    """Every variant after the first against the first, as one family."""
    sides = [dict(enumerate(map(float, seeds))) for seeds in scores]
    return [
        describe_contrast(
            set_up_contrast(side, sides[0], metric), len(sides) - 1, CONFIDENCE, margin
        )
        for side in sides[1:]
    ]


def verdict_is(draw: Draw, *kinds: str, metric: str = "FD-x", margin: str = "") -> Callable:
    """Whether any contrast of a study has one of these verdicts."""
    return lambda rng, seeds: any(
        str(row["verdict"].kind) in kinds for row in compare_study(draw(rng, seeds), metric, margin)
    )


def decides(draw: Draw, metric: str = "FD-x") -> Callable:
    """Whether any contrast of a study has a winner."""
    return verdict_is(draw, "better", "worse", metric=metric)


def covers(draw: Draw, truth: float, metric: str, column: str = "simultaneous") -> Callable:
    """Whether the interval of the only contrast, if any, contains the true difference or ratio."""

    def count(rng: np.random.Generator, seeds: int) -> bool | None:
        (row,) = compare_study(draw(rng, seeds), metric)
        if np.isnan(row[f"{column}_low"]):
            return None
        return bool(row[f"{column}_low"] <= truth <= row[f"{column}_high"])

    return count


def centre_covers(draw: Draw, truth: float, metric: str) -> Callable:
    """Whether the leaderboard's interval of the last variant contains its true centre."""

    def count(rng: np.random.Generator, seeds: int) -> bool:
        values = draw(rng, seeds)[-1]
        _, low, high = estimate_centre(values, choose_scale(metric, values), CONFIDENCE)
        return bool(low <= truth <= high)

    return count


def any_of_metrics(rng: np.random.Generator, seeds: int) -> bool:
    """Whether 7 equal variants differ in any of 13 metrics that correlate by ½."""
    common = share_seeds(rng, 7, seeds, ICC)
    metrics = [40 + 3 * (common + share_seeds(rng, 7, seeds, ICC)) / np.sqrt(2) for _ in range(13)]
    return any(decides(lambda _, __, scores=scores: scores)(rng, seeds) for scores in metrics)


BOUNDED_CENTRE = 0.0494
"""sin² of the mean of arcsin √x under `bounded`, from four million draws."""

FEW, MANY = (5, 10), (10, 20)

# fmt: off
ROWS = [
    Row("coverage", "difference, Gaussian scores", (3, *FEW), "95 %",
        covers(normal(shift=-1), -3.0, "KID-x")),
    Row("coverage", "difference, spreads 1 and 4", (3, *FEW), "95 %",
        covers(normal(spread=4.0), 0.0, "KID-x")),
    Row("coverage", "ratio, lognormal scores", (3, *FEW), "95 %",
        covers(lognormal(0.5), 0.5, "FD-x", "ratio")),
    Row("coverage", "difference, shares near 0", (3, *FEW), "≥ 93 %",
        covers(bounded, 0.0, "recall-x")),
    Row("coverage", "difference, 10 % of both collapse", (3, *FEW), "≥ 93 %",
        covers(collapses(0.1, 0.1), 0.0, "FD-x")),
    Row("coverage", "difference, 20 % of both fail", (3, *FEW), "≥ 93 %, where shown",
        covers(lose((0.2, 0.2)), 0.0, "FD-x")),
    Row("coverage", "leaderboard, Gaussian scores", FEW, "95 %",
        centre_covers(normal(), 40.0, "KID-x")),
    Row("coverage", "leaderboard, lognormal scores", FEW, "≥ 93 %",
        centre_covers(lognormal(), 1.0, "FD-x")),
    Row("coverage", "leaderboard, shares near 0", FEW, "≥ 93 %",
        centre_covers(bounded, BOUNDED_CENTRE, "recall-x")),
    Row("equal variants", "one contrast: better or worse", (3, *FEW), "≤ 5 %",
        decides(normal())),
    Row("equal variants", "six contrasts, one baseline", (3, *FEW), "≤ 5 %",
        decides(normal(7))),
    Row("equal variants", "lognormal scores", (3, *FEW), "≤ 5 %",
        decides(lognormal())),
    Row("equal variants", "10 % of both collapse", (3, *FEW), "≤ 5 %",
        decides(collapses(0.1, 0.1))),
    Row("equal variants", "20 % of both fail", (*FEW, 20), "≤ 5 %",
        decides(lose((0.2, 0.2)))),
    Row("equal variants", "50 % of both fail", (*FEW, 20), "≤ 5 %",
        decides(lose((0.5, 0.5)))),
    Row("equal variants", "spreads 1 and 4, independent", (3, *FEW), "≤ 5 %",
        decides(normal(spread=4.0, icc=0.0), "KID-x")),
    Row("equal variants", "13 metrics, six contrasts, any verdict", (5,), "not protected",
        any_of_metrics),
    Row("failures", "worst 40 % of one diverge: it is better", (5, *MANY), "≤ 2.5 %",
        verdict_is(worst_diverge(0.4), "better")),
    Row("failures", "worst 40 % of one diverge: it is worse", (5, *MANY), "power",
        verdict_is(worst_diverge(0.4), "worse")),
    Row("failures", "all of one fail: it is worse", (2, 3, 5), "100 % from 3 seeds",
        verdict_is(lose((0.0, 1.0)), "worse")),
    Row("failures", "3 SD lower, 20 % of both fail: better", FEW, "power",
        verdict_is(lose((0.2, 0.2), -3.0), "better")),
    Row("collapses", "same mean, 10 % of one collapse by 3 SD", FEW, "not protected, goal 3 %",
        decides(collapses(0.0, 0.1, 10.0, same_mean=True))),
    Row("collapses", "same mean, 10 % of one collapse by 7 SD", FEW, "not protected, goal 3 %",
        decides(collapses(0.0, 0.1, 20.0, same_mean=True))),
    Row("equivalence", "true ratio at the margin: equivalent", FEW, "≤ 2.5 %",
        verdict_is(normal(shift=4 / 3), "equivalent", margin="10 %")),
    Row("equivalence", "equal variants: equivalent within 10 %", FEW, "power",
        verdict_is(normal(), "equivalent", margin="10 %")),
    Row("power", "1 SD lower, one contrast: better", (3, *FEW), "power",
        verdict_is(normal(shift=-1), "better")),
    Row("power", "2 SD lower, one contrast: better", (3, *FEW), "power",
        verdict_is(normal(shift=-2), "better")),
    Row("power", "2 SD lower, one of six contrasts: better", (3, *FEW), "power",
        verdict_is(normal(7, shift=-2), "better")),
]
# fmt: on


def measure_rate(row: Row, seeds: int, studies: int) -> float:
    """The share of simulated studies that the row counts."""
    rng = np.random.default_rng([crc32(row.name.encode()), seeds])
    counted = [row.count(rng, seeds) for _ in range(studies)]
    return float(np.mean([value for value in counted if value is not None]))


def list_lines(studies: int, word: str) -> Iterator[str]:
    """The table in Markdown, a line at a time."""
    yield "| | simulated | seeds | should be | is |"
    yield "|---|---|---|---|---|"
    for row in ROWS:
        if word in f"{row.group} {row.name}":
            rates = [f"{100 * measure_rate(row, n, studies):.1f} %" for n in row.seeds]
            seeds = ", ".join(map(str, row.seeds))
            yield f"| {row.group} | {row.name} | {seeds} | {row.promise} | {', '.join(rates)} |"


def main() -> None:
    """Prints the table, and writes it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = []
    for line in list_lines(options.studies, options.only):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        table = "\n".join(lines)
        said = f"{options.studies:,} studies a number."
        PAGE.write_text(f"{before}{BEGIN}\n\n{said}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
