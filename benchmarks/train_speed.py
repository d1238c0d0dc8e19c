"""Training speed: our loop beside the loop that people write, on the same networks and images.

    python benchmarks/train_speed.py [--repetitions 5] [--steps 20] [--width 64] [--device cpu]
                                     [--runs 2]

The usual loop is that of train_peer.py, with 0, 1, 2 and 4 workers. First, 20 steps of both must
have the same losses. Then both take turns: one run with all threads; and several runs of one thread
side by side, as Snakemake trains them, where the usual way is one run after another. On a GPU ours
also records its steps as CUDA graphs, and the share of time in which the GPU computes is measured.
Denormal numbers are zero for both.
"""

import argparse
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import measure
import numpy as np
import pandas as pd
import torch
import train_peer
from ganbench import randomness
from ganbench.catalogue.datasets import KINDS
from ganbench.datasets.mnist_cifar10 import read_mnist
from ganbench.jobs.progress import Progress
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.flops import count_flops
from ganbench.training.loop import play
from ganbench.training.run import start_run
from ganbench.training.step import adversarial_step
from torch import Tensor
from train_peer import BATCH

PEAK = "matrix peak,"
WORKERS = (0, 1, 2, 4)
WARM_UP = 8
"""Steps before the clock starts, in which CUDA graphs are recorded too."""
NEVER = 10**9
"""Steps between two saved states: none is saved while the clock runs."""


def main() -> None:
    """Checks that both loops agree, times them in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    cores = os.cpu_count() or 1
    parser.add_argument("--runs", type=int, default=cores, help="side by side")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder)
        check_losses(folder, options)
        rates = measure.in_turn(list_cases(folder, options, cores), options.repetitions)
        peaks = {name: rates.pop(f"{PEAK} {name}") for name in ("float32", "bf16")}
        medians = {name: median(values) for name, values in rates.items() if "usual" in name}
        best = max(medians, key=medians.__getitem__)
        tables = [measure.table(rates, "images/s", against=best).assign(against=best)]
        tables.append(compare_with_peaks(rates, peaks, options))
        if options.device == "cuda":
            tables.append(measure_gpu_use(folder, options))
    measure.show(f"train_speed_{options.device}", pd.concat(tables, ignore_index=True))


def list_cases(
    folder: Path, options: argparse.Namespace, cores: int
) -> dict[str, Callable[[], float]]:
    """What takes turns, by its name: images a second, and the machine's matrix peaks."""
    channels_last = {"channels_last": True}
    bf16 = {"precision": "bf16", "channels_last": True}
    graphs = {"cuda_graphs": True}
    side_by_side = f"ours, {options.runs} runs side by side"
    cases = {
        "ours, one run": partial(time_run, folder, options, cores),
        "ours, one run, channels_last": partial(time_run, folder, options, cores, **channels_last),
    }
    for workers in WORKERS:
        name = f"usual, {workers} workers"
        cases[name] = partial(time_usual_loop, folder, options, cores, workers)
    cases[side_by_side] = partial(time_runs, folder, options)
    cases[f"{side_by_side}, channels_last"] = partial(time_runs, folder, options, **channels_last)
    cases[f"{side_by_side}, bf16"] = partial(time_runs, folder, options, **bf16)
    if options.device == "cuda":
        cases["ours, one run, graphs"] = partial(time_run, folder, options, cores, **graphs)
        cases[f"{side_by_side}, graphs"] = partial(time_runs, folder, options, **graphs)
        cases[f"{side_by_side}, bf16, graphs"] = partial(
            time_runs, folder, options, **bf16, **graphs
        )
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        cases[f"{PEAK} {name}"] = partial(measure_peak, options.device, cores, dtype)
    return cases


def resolve_parameters(
    options: argparse.Namespace, threads: int, **training: object
) -> dict[str, object]:
    """The parameters of a run of `--steps` steps; `training` overrides single keys."""
    return measure.resolve_run(
        {
            "steps": options.steps,
            "snapshots": 1,
            "history_interval": options.steps,
            "batch_size": BATCH,
            "device": options.device,
            "threads": threads,
            "network": {"name": "dcgan_torch_init", "width": options.width},
            "latent": {"size": 64},
            "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]},
            **training,
        }
    )


def write_images(folder: Path) -> None:
    """Writes the training images, for us as one array, for torchvision as the files it reads."""
    part = read_mnist(KINDS["fashion_mnist"], "", io.StringIO()).parts["train"]
    np.save(folder / "train.npy", part.samples)
    train_peer.write_files(folder, part.samples[:, 0], part.labels)


def load_images(folder: Path, device: str) -> Tensor:
    """All training images on the device."""
    return torch.from_numpy(np.load(folder / "train.npy")).to(device)


def check_losses(folder: Path, options: argparse.Namespace) -> None:
    """Asserts that 20 steps from the same weights on the same batches have the same losses.

    The tolerance is 1e-4 in the first five steps, then 2e-2: a rounding difference grows with each
    step.
    """
    real = load_images(folder, options.device)
    parameters = resolve_parameters(options, 1)
    ours, usual = (start_run(parameters, "speed", 0, real).game for _ in range(2))
    usual = train_peer.use_torch_layers(usual)
    optimizers = train_peer.make_optimizers(usual)
    for step in range(1, 21):
        expected = adversarial_step(ours, step)
        losses = train_peer.step(
            usual,
            optimizers,
            usual.sample_real(),
            usual.sample_discriminator_latent(),
            usual.sample_generator_latent(),
        )
        np.testing.assert_allclose(
            losses,
            (expected.discriminator.item(), expected.generator.item()),
            rtol=1e-4 if step <= 5 else 2e-2,
            err_msg=f"step {step}",
        )
    print("20 steps of both have the same losses")


def time_run(folder: Path, options: argparse.Namespace, threads: int, **training: object) -> float:
    """Images a second of our whole loop: steps, history, a snapshot at the end."""
    play_run = warm_up_run(folder, options, threads, **training)
    return options.steps * BATCH / time_call(play_run, options.device)


def warm_up_run(
    folder: Path, options: argparse.Namespace, threads: int, **training: object
) -> Callable[[], dict]:
    """Takes a run's first steps, and returns the function that plays the steps to be timed."""
    randomness.use_deterministic_kernels(threads)
    real = load_images(folder, options.device)
    parameters = resolve_parameters(options, threads, **training)
    run = start_run(parameters, "speed", 0, real)
    checkpoints = Checkpoints(folder / "checkpoints", NEVER, io.StringIO())

    def play_to(steps: int) -> dict:
        progress = Progress("", steps, io.StringIO(), 1e9)
        return play(run, {**parameters, "steps": steps}, progress, checkpoints)

    play_to(WARM_UP)
    return partial(play_to, WARM_UP + options.steps)


def time_usual_loop(folder: Path, options: argparse.Namespace, threads: int, workers: int) -> float:
    """Images a second of the usual loop, with the kernels that torch chooses by itself."""
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(threads)
    images = load_images(folder, "cpu")[:BATCH]
    game = start_run(resolve_parameters(options, threads), "speed", 0, images).game
    for player in game.players:
        player.network.to(options.device)
    optimizers = train_peer.make_optimizers(train_peer.use_torch_layers(game))
    batches = train_peer.load_batches(folder, options.device, workers)

    def step() -> None:
        latents = (torch.randn(BATCH, 64, device=options.device) for _ in range(2))
        train_peer.step(game, optimizers, next(batches), *latents)

    for _ in range(WARM_UP):
        step()
    started = time.perf_counter()
    for _ in range(options.steps):
        step()  # `.item()` waits for the device
    return options.steps * BATCH / (time.perf_counter() - started)


def time_runs(folder: Path, options: argparse.Namespace, **training: object) -> float:
    """Images a second of `--runs` processes of one thread, from the first start to the last end."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(options.runs)
    with context.Pool(options.runs, initializer=_set_up_process, initargs=(start,)) as pool:
        arguments = [(folder, options, training)] * options.runs
        spans = pool.starmap(_time_one_of_many, arguments, chunksize=1)
    starts, ends = zip(*spans, strict=True)
    return options.runs * options.steps * BATCH / (max(ends) - min(starts))


_START: list = []


def _set_up_process(start: object) -> None:
    _START.append(start)
    torch.set_flush_denormal(True)


def _time_one_of_many(
    folder: Path, options: argparse.Namespace, training: dict
) -> tuple[float, float]:
    """When one of several runs began and ended, on the clock that all processes share."""
    play_run = warm_up_run(folder, options, 1, **training)
    _START[0].wait(timeout=300)
    started = time.monotonic()
    play_run()
    return started, time.monotonic()


def compare_with_peaks(
    rates: dict[str, list[float]], peaks: dict[str, list[float]], options: argparse.Namespace
) -> pd.DataFrame:
    """GFLOP/s that training sustains, and its share of the machine's measured matrix peak."""
    flops = count_flops(resolve_parameters(options, 1), (1, 28, 28))["step"] / BATCH / 1e9
    sustained = {f"{PEAK} {name}": values for name, values in peaks.items()}
    shares = {}
    for name, values in rates.items():
        if name.startswith("ours"):
            peak = max(peaks["bf16" if "bf16" in name else "float32"])
            sustained[f"{name}: sustained"] = [rate * flops for rate in values]
            shares[f"{name}: of the peak"] = [rate * flops / peak for rate in values]
    return pd.concat([measure.table(sustained, "GFLOP/s"), measure.table(shares, "share")])


def measure_gpu_use(folder: Path, options: argparse.Namespace) -> pd.DataFrame:
    """The share of time in which the GPU computes during one run, by torch's profiler."""
    rows = []
    for name, training in (("as written", {}), ("graphs", {"cuda_graphs": True})):
        play_run = warm_up_run(folder, options, 1, **training)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
            seconds = time_call(play_run, options.device)
        kernels = profiler.key_averages()
        computing = sum(kernel.self_device_time_total for kernel in kernels) / 1e6
        case = f"ours, one run, {name}: GPU busy"
        rows.append({"case": case, "unit": "share", "median": computing / seconds})
    return pd.DataFrame(rows)


def measure_peak(device: str, threads: int, dtype: torch.dtype, size: int = 2048) -> float:
    """GFLOP/s of the best of ten products of square matrices."""
    torch.set_num_threads(threads)
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    one @ other  # the first product sets things up
    return max(2 * size**3 / time_call(lambda: one @ other, device) / 1e9 for _ in range(10))


def time_call(work: Callable[[], object], device: str) -> float:
    """Seconds that `work` takes on the device."""
    if device != "cpu":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
