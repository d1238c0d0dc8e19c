"""Training speed: our loop beside the loop that people write, on the same networks and images.

    python benchmarks/train_speed.py [--repetitions 5] [--steps 20] [--width 64] [--device cpu]
                                     [--runs 2]

The usual loop is that of train_peer.py, with 0, 1, 2 and 4 workers. First it is asserted that 20
steps of both have the same losses. Then both take turns: one run with all threads; and several runs
of one thread side by side, as Snakemake has them, where the usual way is one run after another. On
a GPU ours records its steps as CUDA graphs too, and the share of time is measured in which the GPU
works. Denormal numbers are zero for both.
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
from ganbench.datasets.mnist_cifar10 import mnist_like
from ganbench.jobs.progress import Progress
from ganbench.study import resolve as studies
from ganbench.training.flops import count_flops
from ganbench.training.loop import play, start_run
from ganbench.training.step import adversarial_step
from torch import Tensor
from train_peer import BATCH

PEAK = "matrix peak,"
WORKERS = (0, 1, 2, 4)
WARM = 8
"""Steps before the clock starts, those that a CUDA graph is recorded after among them."""


def main() -> None:
    """Checks, takes turns, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    cores = os.cpu_count() or 1
    parser.add_argument("--runs", type=int, default=cores, help="side by side")
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        check_that_both_do_the_same(folder, given)
        cases = all_cases(folder, given, cores)
        found = measure.in_turn(cases, given.repetitions)
        peaks = {name: found.pop(f"{PEAK} {name}") for name in ("float32", "bf16")}
        medians = {name: median(rates) for name, rates in found.items() if "usual" in name}
        best = max(medians, key=medians.__getitem__)
        result = measure.table(found, "images/s", against=best).assign(against=best)
        share = peak_share(found, peaks, given)
        busy = gpu_busy(folder, given) if given.device == "cuda" else pd.DataFrame()
    measure.show(f"train_speed_{given.device}", pd.concat([result, share, busy], ignore_index=True))


def all_cases(
    folder: Path, given: argparse.Namespace, cores: int
) -> dict[str, Callable[[], float]]:
    """What takes turns, by its name: images a second, and the machine's matrix peaks."""
    in_memory = {"channels_last": True}
    fast = {"precision": "bf16", **in_memory}
    cases = {
        "ours, one run": lambda: ours(folder, given, cores),
        "ours, one run, channels_last": lambda: ours(folder, given, cores, **in_memory),
    }
    for workers in WORKERS:
        cases[f"usual, {workers} workers"] = partial(usual, folder, given, cores, workers)
    cases |= ours_side_by_side(folder, given, "", {})
    cases |= ours_side_by_side(folder, given, ", channels_last", in_memory)
    cases |= ours_side_by_side(folder, given, ", bf16", fast)
    if given.device == "cuda":
        graphs = {"cuda_graphs": True}
        cases["ours, one run, graphs"] = lambda: ours(folder, given, cores, **graphs)
        cases |= ours_side_by_side(folder, given, ", graphs", graphs)
        cases |= ours_side_by_side(folder, given, ", bf16, graphs", fast | graphs)
    for name, kind in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        cases[f"{PEAK} {name}"] = partial(matrix_peak, given.device, cores, kind)
    return cases


def ours_side_by_side(
    folder: Path, given: argparse.Namespace, label: str, changes: dict
) -> dict[str, Callable[[], float]]:
    """One case, by its name."""
    name = f"ours, {given.runs} runs side by side{label}"
    return {name: lambda: side_by_side(folder, given, given.runs, **changes)}


def parameters(given: argparse.Namespace, threads: int, **changes: object) -> dict:
    """The resolved parameters of a run of the shipped networks, to a budget of `--steps`."""
    training = {
        **{"steps": given.steps, "snapshots": 1, "history_interval": given.steps},
        **{"batch_size": BATCH, "device": given.device, "threads": threads},
        **{"network": {"name": "dcgan", "width": given.width}, "latent": {"size": 64}},
        **{"optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]}, **changes},
    }
    study = {
        **{"study": "speed", "datasets": {"fashion_mnist": {}}, "training": training},
        **{"variants": {"non_saturating": {}}},
    }
    return studies.resolve(study, "speed")["runs"]["fashion_mnist"]["non_saturating"]


def prepare(folder: Path) -> None:
    """The training images, for us as one array, for torchvision as the files that it reads."""
    source = mnist_like(KINDS["fashion_mnist"], "", io.StringIO())
    part = source.parts["train"]
    np.save(folder / "train.npy", part.samples)
    train_peer.write_files(folder, part.samples[:, 0], part.labels)


def real_images(folder: Path, device: str) -> Tensor:
    """All training images on the device."""
    return torch.from_numpy(np.load(folder / "train.npy")).to(device)


def check_that_both_do_the_same(folder: Path, given: argparse.Namespace) -> None:
    """Asserts that 20 steps from the same weights on the same batches have the same losses.

    To 1e-4 in the first five steps, then to 2e-2: a difference of rounding grows with each step.
    """
    real = real_images(folder, given.device)
    mine, theirs = (start_run(parameters(given, 1), "speed", 0, real).game for _ in range(2))
    theirs = train_peer.of_torchs_layers(theirs)
    optimizers = train_peer.optimizers(theirs)
    for step in range(1, 21):
        expected = adversarial_step(mine, step)
        batch, latent = theirs.sample_real(), theirs.sample_discriminator_latent()
        found = train_peer.step(theirs, optimizers, batch, latent, theirs.sample_generator_latent())
        wanted = (expected.discriminator.item(), expected.generator.item())
        tolerance = 1e-4 if step <= 5 else 2e-2
        np.testing.assert_allclose(found, wanted, rtol=tolerance, err_msg=f"step {step}")
    print("20 steps of both have the same losses")


def ours(folder: Path, given: argparse.Namespace, threads: int, **changes: object) -> float:
    """Images a second of our loop, whole: steps, history, a snapshot at the end."""
    seconds = _seconds(prepared(folder, given, threads, **changes), given.device)
    return given.steps * BATCH / seconds


def prepared(
    folder: Path, given: argparse.Namespace, threads: int, **changes: object
) -> Callable[[], dict]:
    """A run after its first steps, recorded if it shall be, that waits to be played on."""
    randomness.use_deterministic_kernels(threads)
    real = real_images(folder, given.device)
    settings = parameters(given, threads, **changes)
    run = start_run(settings, "speed", 0, real)
    whole = settings | {"steps": WARM + given.steps}
    play(run, whole | {"steps": WARM}, _silent(WARM))
    return lambda: play(run, whole, _silent(given.steps))


def _silent(steps: int) -> Progress:
    return Progress("", steps, io.StringIO(), 1e9)


def usual(folder: Path, given: argparse.Namespace, threads: int, workers: int) -> float:
    """Images a second of the usual loop, with the kernels that torch chooses by itself."""
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(threads)
    game = start_run(
        parameters(given, threads), "speed", 0, real_images(folder, "cpu")[:BATCH]
    ).game
    for player in (game.discriminator, game.generator):
        player.network.to(given.device)
    optimizers = train_peer.optimizers(train_peer.of_torchs_layers(game))
    batches = train_peer.batches(folder, given.device, workers)

    def step() -> None:
        latents = (torch.randn(BATCH, 64, device=given.device) for _ in range(2))
        train_peer.step(game, optimizers, next(batches), *latents)

    for _ in range(WARM):
        step()
    started = time.perf_counter()
    for _ in range(given.steps):
        step()  # `.item()` waits for the device
    return given.steps * BATCH / (time.perf_counter() - started)


def side_by_side(folder: Path, given: argparse.Namespace, runs: int, **changes: object) -> float:
    """Images a second of `runs` processes of one thread, from the first start to the last end."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(runs)
    with context.Pool(runs, initializer=_remember, initargs=(start,)) as pool:
        spans = pool.starmap(_one_of_many, [(folder, given, changes)] * runs, chunksize=1)
    starts, ends = zip(*spans, strict=True)
    return runs * given.steps * BATCH / (max(ends) - min(starts))


_START: list = []


def _remember(start: object) -> None:
    _START.append(start)
    torch.set_flush_denormal(True)


def _one_of_many(folder: Path, given: argparse.Namespace, changes: dict) -> tuple[float, float]:
    """When one run of several began and ended, on the clock that all processes share."""
    work = prepared(folder, given, 1, **changes)
    _START[0].wait(timeout=300)
    started = time.monotonic()
    work()
    return started, time.monotonic()


def peak_share(
    found: dict[str, list[float]], peaks: dict[str, list[float]], given: argparse.Namespace
) -> pd.DataFrame:
    """The share of the machine's measured matrix peak that training sustains, in the median."""
    flops = count_flops(parameters(given, 1), (1, 28, 28))["step"] / BATCH / 1e9
    sustained = {f"{PEAK} {name}": values for name, values in peaks.items()}
    shares = {}
    for name, rates in found.items():
        if name.startswith("ours"):
            peak = max(peaks["bf16" if "bf16" in name else "float32"])
            sustained[f"{name}: sustained"] = [rate * flops for rate in rates]
            shares[f"{name}: of the peak"] = [rate * flops / peak for rate in rates]
    return pd.concat([measure.table(sustained, "GFLOP/s"), measure.table(shares, "share")])


def gpu_busy(folder: Path, given: argparse.Namespace) -> pd.DataFrame:
    """The share of time in which the GPU computes during one run, by torch's profiler."""
    rows = []
    for name, changes in (("as written", {}), ("graphs", {"cuda_graphs": True})):
        work = prepared(folder, given, 1, **changes)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
            seconds = _seconds(work, given.device)
        computing = sum(each.self_device_time_total for each in profiler.key_averages()) / 1e6
        case = f"ours, one run, {name}: GPU busy"
        rows.append({"case": case, "unit": "share", "median": computing / seconds})
    return pd.DataFrame(rows)


def matrix_peak(device: str, threads: int, kind: torch.dtype, size: int = 2048) -> float:
    """GFLOP/s of the best of ten products of square matrices."""
    torch.set_num_threads(threads)
    one, other = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    one @ other  # the first product sets things up
    return max(2 * size**3 / _seconds(lambda: one @ other, device) / 1e9 for _ in range(10))


def _seconds(work: Callable[[], object], device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
