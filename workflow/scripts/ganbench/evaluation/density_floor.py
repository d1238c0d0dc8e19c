"""What real points of a known density score: the floor of its metrics."""

from pathlib import Path

import pandas as pd

from ganbench import randomness
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.jobs import files
from ganbench.randomness import Stream

SAMPLES = {1: 1_000_000, 2: 200_000}
"""Points per snapshot, and of the floor, by the number of dimensions."""


def make_density_floor(dataset: str, kind: str, floor_file: Path) -> None:
    """Writes what real points of the same count score: `dataset, reference, metric, n, value`."""
    density, grid = DENSITIES[kind], point_metrics.make_grid(DENSITIES[kind])
    count = SAMPLES[density.dimensions]
    rng = randomness.numpy_generator(dataset, 0, Stream.FLOOR)
    estimate, points = (density.sample(count, rng)[0] for _ in range(2))
    scores = {
        "JSD": point_metrics.jensen_shannon(grid.data, grid.masses(estimate)),
        "modes": point_metrics.modes_covered(density, estimate),
        "high_quality": point_metrics.high_quality_share(density, estimate),
        "optimal_value": point_metrics.optimal_value(grid, estimate, points),
    }
    rows = [(dataset, "none", metric, count, value) for metric, value in scores.items()]
    with files.whole(floor_file) as temporary:
        columns = ["dataset", "reference", "metric", "n", "value"]
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False)
