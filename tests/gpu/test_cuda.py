"""Training on a GPU: the same bits again, CUDA graphs, resume. Needs one: make test-gpu.

These tests have not met a GPU yet.
"""

import io
from copy import deepcopy

import numpy as np
import pytest
import torch
from ganbench.catalogue import objectives
from ganbench.jobs.progress import Progress
from ganbench.study import resolve as study
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.graphs import WARM, Graphs
from ganbench.training.loop import play, start_run
from training_example import history, run

pytestmark = pytest.mark.cuda

PIXELS = torch.randint(0, 256, (500, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
STEPS = 40
SETTINGS = {
    "adam": {},
    "momentum": {"optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9}},
    "clipped": {
        "optimizer": {"name": "rmsprop", "lr": 1e-4},
        "discriminator_steps": 3,
        "regularizers": {"weight_clip": {"limit": 0.01}},
    },
    "batch norm": {"network": {"discriminator_norm": "batch"}},
    "spectral norm, lazy r1": {"regularizers": {"spectral_norm": {}, "r1": {"every": 4}}},
    "penalty": {"regularizers": {"gradient_penalty": {}}},
    "dragan": {"regularizers": {"dragan": {}}},
    "averaged": {"ema": 0.9},
    "bf16": {"precision": "bf16", "channels_last": True},
}
each_setting = pytest.mark.parametrize("name", SETTINGS)


@pytest.fixture(autouse=True, scope="module")
def gpu() -> None:
    assert torch.cuda.is_available(), "these tests need a GPU that torch finds"


def resolved(name: str = "adam", objective: str = "non_saturating", **training) -> dict:
    settings = {**deepcopy(SETTINGS[name]), **training}
    regularizers = settings.pop("regularizers", {})
    given = {
        "study": "gpu",
        "datasets": {"fashion_mnist": {}},
        "variants": {"v": {"objective": objective, "regularizers": regularizers}},
        "training": {
            **{"steps": STEPS, "snapshots": 2, "history_interval": 1, "device": "cuda"},
            **settings,
            "network": {"name": "dcgan", "width": 16, **settings.get("network", {})},
            "latent": {"size": 128},
        },
    }
    return deepcopy(study.resolve(given, "gpu")["runs"]["fashion_mnist"]["v"])


@each_setting
@pytest.mark.parametrize("recorded", [False, True])
def test_the_same_run_gives_the_same_bits(name, recorded, tmp_path):
    parameters = resolved(name, cuda_graphs=recorded)
    (one, log), (other, _) = (run(tmp_path / each, parameters, PIXELS) for each in ("one", "other"))
    assert "continues without" not in log
    assert one["generator_sha256"] == other["generator_sha256"]
    assert history(tmp_path / "one").equals(history(tmp_path / "other"))


@each_setting
def test_recorded_steps_give_what_steps_as_written_give(name, tmp_path):
    """The same kernels in the same order: equal but for what rounding may do in 40 steps."""
    run(tmp_path / "plain", resolved(name), PIXELS)
    found, log = run(tmp_path / "recorded", resolved(name, cuda_graphs=True), PIXELS)
    assert "continues without" not in log
    assert found["status"] == "completed"
    plain, recorded = (history(tmp_path / each).to_numpy() for each in ("plain", "recorded"))
    np.testing.assert_allclose(recorded, plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("objective", sorted(objectives.OBJECTIVES))
def test_every_objective_can_be_recorded(objective):
    real = PIXELS.cuda()
    game = start_run(resolved(objective=objective, cuda_graphs=True), "d", 0, real).game
    taking = Graphs(game)
    losses = [taking.step(step).generator.item() for step in range(1, WARM + 3)]
    assert np.isfinite(losses).all()


@each_setting
def test_run_that_was_cut_short_goes_on_to_the_same_bits(name, tmp_path):
    parameters = resolved(name, cuda_graphs=True)
    real = PIXELS.cuda()

    def run_to(end: int, folder) -> torch.Tensor:
        checkpoints = Checkpoints(folder, 10, io.StringIO())
        folder.mkdir(exist_ok=True)
        begun = start_run(parameters, "d", 0, real)
        checkpoints.resume(begun)
        play(
            begun, {**parameters, "steps": end}, Progress("", end, io.StringIO(), 1e9), checkpoints
        )
        weights = begun.game.generator.network.parameters()
        return torch.cat([each.detach().flatten() for each in weights])

    run_to(25, tmp_path / "cut")  # its last state is that after step 20
    assert torch.equal(run_to(STEPS, tmp_path / "cut"), run_to(STEPS, tmp_path / "whole"))


def test_both_devices_start_from_the_same_weights_and_make_the_same_of_the_same_latents():
    on_cpu, on_gpu = (
        start_run(resolved(), "d", 0, PIXELS.to(device)).game.generator.network.eval()
        for device in ("cpu", "cuda")
    )
    for mine, theirs in zip(on_cpu.parameters(), on_gpu.parameters(), strict=True):
        assert torch.equal(mine, theirs.cpu())
    latent = torch.randn(8, 128, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(on_cpu(latent), on_gpu(latent.cuda()).cpu(), rtol=1e-4, atol=1e-4)
