"""The floor of a known density's metrics: the scores of real points."""

from pathlib import Path

import pandas as pd

from ganbench import randomness
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.jobs import files
from ganbench.randomness import Stream


def make_density_floor(dataset: str, kind: str, floor_file: Path) -> None:
    """Writes the scores of as many real points as a snapshot gets.

    Columns `dataset, reference, metric, n, value`.
    """
    density = DENSITIES[kind]
    grid = point_metrics.make_grid(density)
    count = point_metrics.POINT_COUNTS[density.dimensions]
    rng = randomness.numpy_generator(dataset, 0, Stream.FLOOR)
    estimate, _ = density.sample(count, rng)
    expectation, _ = density.sample(count, rng)
    scores = {
        "JSD": point_metrics.jensen_shannon(grid.data, grid.masses(estimate)),
        "modes": point_metrics.modes_covered(density, estimate),
        "high_quality": point_metrics.high_quality_share(density, estimate),
        "optimal_value": point_metrics.optimal_value(grid, estimate, expectation),
    }
    rows = [(dataset, "none", metric, count, value) for metric, value in scores.items()]
    with files.whole(floor_file) as temporary:
        columns = ["dataset", "reference", "metric", "n", "value"]
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False)
