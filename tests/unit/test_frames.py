"""A film of a run on points: networks kept between snapshots, and their maps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.densities import point_metrics
from ganbench.duality_gap import AdversaryBudget
from ganbench.evaluation import score_density
from ganbench.evaluation.snapshots import frames_of, load_generators, load_run
from ganbench.study.budget import FRAMES, frame_steps, snapshot_steps
from ganbench.training import loop
from training_example import RunFolder, resolve_run

POINTS = torch.linspace(-2, 2, 60)[:, None]


def train_on_points(path: Path, **training: object) -> RunFolder:
    parameters = resolve_run("mixture_1d", network={"name": "mlp"}, steps=80, **training)
    folder = RunFolder(path, parameters, POINTS, "mixture_1d")
    folder.train()
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train_on_points(tmp_path_factory.mktemp("run"), snapshots=4, ema=0.9)


@pytest.mark.parametrize(("steps", "snapshots"), [(1200, 2), (80, 4), (1000, 7), (30, 3), (50, 50)])
def test_snapshots_and_frames_share_no_step_and_together_fill_the_film(steps, snapshots):
    parameters = {"steps": steps, "snapshots": snapshots}
    frames, scored = frame_steps(parameters), snapshot_steps(parameters)
    moments = sorted({*frames, *scored})
    assert not {*frames} & {*scored}
    assert moments[0] >= 1
    assert moments[-1] == steps
    assert len(moments) >= min(FRAMES, steps)
    assert max(np.diff([0, *moments])) <= np.ceil(steps / FRAMES)


def test_frames_lie_between_snapshots_which_keep_their_steps_and_states(trained):
    run = load_run(trained.path / "snapshots.pt")
    assert run["steps"] == [20, 40, 60, 80]
    assert len(run["generators"]) == len(run["discriminators"]) == 4
    assert run["frames"]["steps"] == frame_steps(run["parameters"])
    (weights, *_) = run["frames"]["generators"][0].values()
    assert weights.dtype == torch.float16


def test_frame_is_the_scored_generator_of_its_step_in_half_precision(trained, tmp_path):
    frames = frames_of(load_run(trained.path / "snapshots.pt"))
    at = dict(load_states(frames))
    train_on_points(tmp_path, snapshots=40, ema=0.9)
    exact = dict(load_states(load_run(tmp_path / "snapshots.pt")))
    for step in (2, 38, 78):
        for name, values in exact[step].items():
            torch.testing.assert_close(at[step][name], values, rtol=1e-3, atol=1e-6)
    assert not torch.equal(at[38]["layers.0.weight"], at[78]["layers.0.weight"])


def load_states(run: dict):
    for step, generator in load_generators(run, torch.device("cpu")):
        yield step, {name: value.clone() for name, value in generator.state_dict().items()}


def test_frames_change_no_bit_of_a_run(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "frame_steps", lambda _parameters: [])
    plain = train_on_points(tmp_path, snapshots=4, ema=0.9)
    assert load_run(tmp_path / "snapshots.pt")["frames"]["steps"] == []
    assert plain.run()["generator_sha256"] == trained.run()["generator_sha256"]
    assert plain.history().equals(trained.history())


def test_runs_on_images_keep_no_frames(tmp_path):
    folder = RunFolder(tmp_path, resolve_run())
    folder.train(steps=40, snapshots=2)
    assert load_run(tmp_path / "snapshots.pt")["frames"]["steps"] == []


def test_networks_that_are_not_finite_are_no_frame(tmp_path, monkeypatch):
    """The loss is not finite from step 20 on, and the history first looks at step 60."""
    original = loop.Run.take_step

    def take_step(run):
        losses = original(run)
        if run.step >= 20:
            next(run.game.discriminator.network.parameters()).data.fill_(torch.nan)
        return losses

    monkeypatch.setattr(loop.Run, "take_step", take_step)
    folder = train_on_points(tmp_path, snapshots=1, history_interval=60)
    assert folder.run()["status"] == "diverged"
    assert load_run(tmp_path / "snapshots.pt")["frames"]["steps"] == list(range(2, 20, 2))


def score(snapshots: Path, folder: Path) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    score_density.score_density_run(
        dataset="mixture_1d",
        kind="mixture_1d",
        variant="v",
        seed=0,
        snapshots_file=snapshots,
        scores_file=folder / "scores.csv",
        maps_file=folder / "maps.npz",
        repeats=2,
    )
    with np.load(folder / "maps.npz") as maps:
        return pd.read_csv(folder / "scores.csv"), dict(maps)


def test_maps_have_all_moments_in_order_and_scores_only_snapshots(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(score_density, "POINT_BUDGET", AdversaryBudget(steps=2, samples=100))
    monkeypatch.setitem(point_metrics.POINT_COUNTS, 1, 20_000)
    run = torch.load(trained.path / "snapshots.pt", weights_only=True)
    scores, maps = score(trained.path / "snapshots.pt", tmp_path)
    del run["frames"]  # as files of earlier versions
    torch.save(run, tmp_path / "snapshots.pt")
    plain_scores, plain_maps = score(tmp_path / "snapshots.pt", tmp_path)
    pd.testing.assert_frame_equal(scores, plain_scores)
    assert maps["steps"].tolist() == list(range(2, 81, 2))
    assert plain_maps["steps"].tolist() == [20, 40, 60, 80]
    for name in ("generated", "discriminator", "optimal"):
        assert maps[name].shape == (40, len(maps["data"]))
        np.testing.assert_array_equal(maps[name][9::10], plain_maps[name])
    cell = np.diff(maps["centers"][:2, 0]).item()
    assert maps["generated"].sum(axis=1) * cell == pytest.approx(1, abs=0.05)
    # neighbours in time are near each other: no frame is of another moment
    jumps = np.abs(np.diff(maps["discriminator"], axis=0)).max(axis=1)
    assert jumps.max() < 0.1
