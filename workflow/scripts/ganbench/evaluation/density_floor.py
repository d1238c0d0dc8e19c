"""The floor of a known density's metrics: the scores of real points."""

from pathlib import Path

from ganbench import randomness
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.evaluation.floor_table import write_floor
from ganbench.evaluation.own_metrics import score_points
from ganbench.randomness import Stream


def make_density_floor(dataset: str, kind: str, floor_file: Path) -> None:
    """Writes the scores of as many real points as a snapshot gets."""
    density = DENSITIES[kind]
    grid = point_metrics.make_grid(density)
    count = point_metrics.POINT_COUNTS[density.dimensions]
    rng = randomness.numpy_generator(dataset, 0, Stream.FLOOR)
    estimate, _ = density.sample(count, rng)
    expectation, _ = density.sample(count, rng)
    sample = point_metrics.PointSample(density, grid, estimate, expectation)
    scores = point_metrics.score_sample(sample)
    scores |= score_points(estimate, expectation)
    rows = [(dataset, "none", metric, count, float(value)) for metric, value in scores.items()]
    write_floor(floor_file, rows)
