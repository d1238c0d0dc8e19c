"""Scores of a run on points of a known density, and their floor."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.catalogue import metrics
from ganbench.datasets.sources import draw_points
from ganbench.densities.mixtures import DENSITIES
from ganbench.evaluation.density_floor import make_density_floor
from ganbench.evaluation.score_density import score_density_run
from ganbench.evaluation.snapshots import generate_points, load_generators, load_run
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.study import resolve as study
from training_example import RunFolder, resolve_run


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scores, maps and floor of an untrained run on the Gaussian ring."""
    folder = tmp_path_factory.mktemp("scored")
    parameters = resolve_run(
        "gaussian_ring", objective="minimax", network={"name": "mlp", "width": 8}
    )
    torch.manual_seed(0)
    snapshots = {
        "steps": [40],
        "shape": [2],
        "parameters": parameters,
        "generators": [build_generator(parameters, (2,)).state_dict()],
        "discriminators": [build_discriminator(parameters, (2,)).state_dict()],
    }
    torch.save(snapshots, folder / "snapshots.pt")
    score_density_run(
        dataset="gaussian_ring",
        kind="gaussian_ring",
        variant="minimax",
        seed=0,
        snapshots_file=folder / "snapshots.pt",
        scores_file=folder / "scores.csv",
        maps_file=folder / "maps.npz",
    )
    make_density_floor("gaussian_ring", "gaussian_ring", folder / "floor.csv")
    return folder


def test_run_on_a_density_gets_scores_that_agree(scored):
    scores = pd.read_csv(scored / "scores.csv").set_index("metric").value
    assert set(scores.index) <= {metric.name for metric in metrics.METRICS.values()}
    assert 0 <= scores.JSD <= math.log(2)
    assert scores.optimal_value == pytest.approx(2 * scores.JSD - math.log(4), abs=0.02)
    assert scores.duality_gap > 0


def test_maps_hold_densities_that_integrate_to_one(scored):
    with np.load(scored / "maps.npz") as maps:
        cell = np.prod([np.diff(np.unique(axis)).max() for axis in maps["centers"].T])
        assert maps["data"].sum() * cell == pytest.approx(1, abs=1e-3)
        assert maps["generated"].shape == maps["optimal"].shape == (1, len(maps["data"]))
        assert 0 < maps["generated"].sum() * cell <= 1 + 1e-6
        frequent = maps["generated"][0] * cell > 1e-3
        data, generated = maps["data"][frequent], maps["generated"][0][frequent]
        optimal = maps["optimal"][0][frequent]
        np.testing.assert_allclose(optimal, data / (data + generated), atol=1e-2)


def test_floor_of_a_density_is_small_and_covers_every_mode(scored):
    floor = pd.read_csv(scored / "floor.csv").set_index("metric").value
    assert 0 < floor.JSD < 0.005
    assert floor.modes == 8
    assert floor.high_quality > 0.98


@pytest.mark.parametrize("kind", sorted(DENSITIES))
def test_study_of_three_lines_trains_on_every_density(kind, tmp_path):
    config = {"study": "s", "datasets": {kind: {}}, "variants": {"minimax": {}}}
    parameters = study.resolve(config, "s")["runs"][kind]["minimax"]
    points = torch.from_numpy(draw_points(kind).parts["all"].samples)
    RunFolder(tmp_path / "run", parameters, points, kind).train(steps=20, snapshots=1)
    run = load_run(tmp_path / "run/snapshots.pt")
    ((_, generator),) = load_generators(run, torch.device("cpu"))
    drawn = generate_points(generator, torch.zeros(5, 8))
    assert drawn.shape == (5, DENSITIES[kind].dimensions)
    assert torch.isfinite(drawn).all()
