"""Training on a GPU: the same bits with and without CUDA graphs and after a resume, few kernels.

Needs a GPU: make test-gpu.
"""

import io
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from ganbench import randomness
from ganbench.catalogue import objectives
from ganbench.evaluation.snapshots import load_run
from ganbench.jobs.progress import Progress
from ganbench.study.budget import frame_steps
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.graphs import WARM_UP
from ganbench.training.loop import play, start_run
from training_example import RunFolder, choose_network, make_pixels, read_weights, resolve_run

pytestmark = pytest.mark.cuda

PIXELS = make_pixels("mnist", 500)
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
    "spectral norm and lazy r1": {"regularizers": {"spectral_norm": {}, "r1": {"every": 4}}},
    "gradient penalty": {"regularizers": {"gradient_penalty": {}}},
    "dragan": {"regularizers": {"dragan": {}}},
    "averaged": {"ema": 0.9},
    "scheduled": {
        "optimizer": {"name": "adamw", "generator": {"name": "rmsprop", "lr": 0.001}},
        "ema": 0.9,
        "regularizers": {"r1": {}},
        "schedule": {
            "optimizer.lr": {"kind": "cosine", "warm_up": 0.2},
            "optimizer.betas": {"kind": "linear", "from": 0.9, "to": 1.0},
            "regularizers.r1.weight": {"kind": "steps", "at": [0.3, 0.7]},
            "ema": {"warm_up": 0.9},
        },
    },
    "simultaneous": {"updates": "simultaneous"},
    "extragradient": {"updates": "extragradient", "regularizers": {"r1": {"every": 2}}},
    "optimistic": {"updates": "optimistic"},
    "consensus": {"updates": "consensus"},
    "float32": {"precision": "float32"},
    "bf16": {"precision": "bf16"},
    "consistency and top k": {"regularizers": {"consistency": {}, "top_k": {}}},
    "lecam": {"objective": "wasserstein", "regularizers": {"lecam": {}}},
    "began": {"objective": "began", "network": {"name": "began"}},
    "ada": {"augment": {"name": "ada", "images": 6000}, "regularizers": {"r1": {"every": 4}}},
    "flip": {"augment": {"name": "flip"}, "objective": "relativistic"},
    "diffaugment": {"augment": {"name": "diffaugment"}, "regularizers": {"r1": {"every": 4}}},
    "r3gan": {"objective": "relativistic", "regularizers": {"r1": {}, "r2": {}}},
}
KERNELS = {"adam": 155, "bf16": 180, "gradient penalty": 240, "r3gan": 240}
"""The most kernels of one step that is recorded: what was counted on an H100 and a few more."""
every_setting = pytest.mark.parametrize("name", SETTINGS)


@pytest.fixture(autouse=True, scope="module")
def gpu() -> None:
    assert torch.cuda.is_available(), "these tests need a GPU that torch finds"
    randomness.use_deterministic_kernels(threads=1)  # as jobs do: a test may be its process's first


def resolve_setting(name: str = "adam", **training: object) -> dict:
    """Parameters of one of `SETTINGS`, on a GPU, with keys of `training` changed."""
    defaults = {
        "steps": STEPS,
        "history_interval": 1,
        "device": "cuda",
        "batch_size": 64,
        "optimizer": {},
        "latent": {"size": 128},
    }
    settings = {**defaults, **deepcopy(SETTINGS[name]), **training}
    network = {"width": 16, **settings.pop("network", {})}
    return resolve_run("fashion_mnist", network=network, **settings)


@every_setting
@pytest.mark.parametrize("recorded", [False, True], ids=["plain", "recorded"])
def test_the_same_run_gives_the_same_bits(name, recorded, tmp_path):
    parameters = resolve_setting(name, cuda_graphs=recorded)
    folders = [RunFolder(tmp_path / copy, parameters, PIXELS) for copy in ("one", "other")]
    for folder in folders:
        folder.train()
        assert "continues without" not in folder.log.getvalue()
    one, other = folders
    assert one.results() == other.results()


@every_setting
def test_recorded_steps_have_the_bits_of_plain_steps(name, tmp_path):
    plain, recorded = (
        RunFolder(tmp_path / str(graphs), resolve_setting(name, cuda_graphs=graphs), PIXELS)
        for graphs in (False, True)
    )
    plain.train()
    recorded.train()
    assert "continues without" not in recorded.log.getvalue()
    assert recorded.run()["status"] == "completed"
    assert recorded.run()["device_settings"]["cuda_graphs"]
    assert recorded.run()["generator_sha256"] == plain.run()["generator_sha256"]
    assert recorded.history().equals(plain.history())


@pytest.mark.parametrize("name", KERNELS)
def test_a_step_starts_few_kernels(name):
    """A small network on a GPU is limited by their number."""
    network = {"name": "dcgan_torch_init"}  # that of the readings: no normalisation in D
    parameters = resolve_setting(name, cuda_graphs=True, network=network)
    run = start_run(parameters, "d", 0, PIXELS.cuda())
    steps, kinds = 4, [torch.profiler.ProfilerActivity.CUDA]
    with run.in_order():
        for _ in range(WARM_UP + 2):
            run.take_step()
        torch.cuda.synchronize()
        with torch.profiler.profile(activities=kinds) as profiler:
            for _ in range(steps):
                run.take_step()
            torch.cuda.synchronize()
    count = sum(kernel.count for kernel in profiler.key_averages() if kernel.self_device_time_total)
    print(f"{name}: {count / steps:.0f} kernels a step")
    assert count / steps <= KERNELS[name]


@pytest.mark.parametrize("objective", sorted(objectives.OBJECTIVES))
def test_every_objective_can_be_recorded(objective):
    network = choose_network(objective)
    parameters = resolve_setting(objective=objective, network=network, cuda_graphs=True)
    run = start_run(parameters, "d", 0, PIXELS.cuda())
    with run.in_order():
        losses = [run.take_step().generator.item() for _ in range(WARM_UP + 2)]
    assert np.isfinite(losses).all()


@every_setting
def test_interrupted_run_resumes_to_the_same_bits(name, tmp_path):
    parameters = resolve_setting(name, cuda_graphs=True)
    real = PIXELS.cuda()

    def resume_and_play(end: int, folder: Path) -> torch.Tensor:
        folder.mkdir(exist_ok=True)
        checkpoints = Checkpoints(folder, 10, io.StringIO())
        run = start_run(parameters, "d", 0, real)
        checkpoints.resume(run)
        progress = Progress("", end, io.StringIO(), 1e9)
        play(run, {**parameters, "steps": end}, progress, checkpoints)
        return read_weights(run.game.generator.network)

    resume_and_play(25, tmp_path / "interrupted")  # its last checkpoint is that of step 20
    resumed = resume_and_play(STEPS, tmp_path / "interrupted")
    assert torch.equal(resumed, resume_and_play(STEPS, tmp_path / "whole"))


def test_frames_of_points_have_the_same_bits_with_and_without_graphs(tmp_path):
    points, frames = torch.linspace(-2, 2, 500)[:, None], []
    for graphs in (False, True):
        parameters = resolve_run(
            "mixture_1d",
            network={"name": "mlp", "width": 16},
            steps=STEPS,
            snapshots=2,
            device="cuda",
            cuda_graphs=graphs,
        )
        folder = RunFolder(tmp_path / str(graphs), parameters, points, "mixture_1d")
        folder.train()
        assert "continues without" not in folder.log.getvalue()
        frames.append(load_run(folder.path / "snapshots.pt")["frames"])
    plain, recorded = frames
    assert plain["steps"] == recorded["steps"] == frame_steps(parameters)
    for networks in ("generators", "discriminators"):
        for one, other in zip(plain[networks], recorded[networks], strict=True):
            for name, value in one.items():
                assert torch.equal(value, other[name])


def test_both_devices_have_the_same_initial_weights_and_compute_the_same_images():
    on_cpu, on_gpu = (
        start_run(resolve_setting(), "d", 0, PIXELS.to(device)).game.generator.network.eval()
        for device in ("cpu", "cuda")
    )
    for weight, expected in zip(on_gpu.parameters(), on_cpu.parameters(), strict=True):
        assert torch.equal(weight.cpu(), expected)
    latent = torch.randn(8, 128, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(on_gpu(latent.cuda()).cpu(), on_cpu(latent), rtol=1e-4, atol=1e-4)
