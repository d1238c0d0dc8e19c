"""How long the jobs around training take, each in a fresh process: the extractor and the scoring.

    python benchmarks/image_jobs.py [FOLDER] [--device cuda] [--repetitions 3] [--samples 10000]

FOLDER holds the four gzip files of Fashion-MNIST, by default those of Debian's package. Where there
are none, the images are drawn: as many of the same size, a bright row in each saying its class. The
snapshots have random weights, which score as slowly as any. Each part of a job waits for the GPU
before it ends, which the jobs themselves do not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np
from score_run import DEBIAN

SPLITS = {"train": 50_000, "held_out": 10_000, "extractor": 10_000}

PARTS = {
    "extractor": (
        "ganbench.evaluation.reference",
        {
            "choose_device": "finding the device",
            "_make_extractor": "reading its images and training",
            "extract": "features of 60,000 images",
            "measure_real": "measuring real images",
            "make_floor": "the floor",
            "_to_arrays": "writing",
            "save_extractor": "writing",
            "write_floor": "writing",
        },
    ),
    "score": (
        "ganbench.evaluation.score",
        {
            "load_run": "reading snapshots",
            "choose_device": "finding the device",
            "load_extractor": "loading the extractor and libraries",
            "load_real": "loading the extractor and libraries",
            "warming_up": "loading the extractor and libraries",
            "generate_images": "generating images",
            "extract": "features",
            "score_features": "metrics",
            "draw_nearest": "nearest images",
        },
    ),
}
"""The functions that each job's module calls, and the part of the job that each does."""


class Parts:
    """The seconds of each part of a job."""

    def __init__(self, started: float) -> None:
        self.seconds: dict[str, float] = {}
        self.before = started

    def end(self, part: str) -> None:
        """Adds the time since the last part's end to this one."""
        now = time.monotonic()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self.before
        self.before = now

    def wrap(self, module: Any, names: dict[str, str]) -> None:
        """Makes a module's functions end the part that each does."""
        for name, part in names.items():
            setattr(module, name, self._wrap(getattr(module, name), part))

    def _wrap(self, function: Callable, part: str) -> Callable:
        def timed(*arguments: Any, **options: Any) -> Any:
            self.end("between")
            result = function(*arguments, **options)
            if part == "metrics":
                result = list(result)
            if function.__name__ != "warming_up":
                wait()
                self.end(part)
            return result

        return timed


def wait() -> None:
    """Waits for the GPU, if one is in use."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def do_job(options: argparse.Namespace) -> dict[str, float]:
    """Does one job as its script does; returns the seconds of its parts."""
    import importlib

    from ganbench.jobs.gpus.gpu_start import open_gpu

    parts = Parts(options.started)
    parts.end("starting Python")
    if options.device == "cuda":
        open_gpu()
    import torch  # noqa: F401 (its import is what is timed)

    parts.end("importing torch")
    name, functions = PARTS[options.job]
    module = importlib.import_module(name)
    parts.end("importing ganbench")
    parts.wrap(module, functions)
    {"extractor": make_reference, "score": score_run}[options.job](module, options)
    wait()
    parts.end("writing")
    return parts.seconds | {"GPU memory, MB": measure_gpu_memory()}


def measure_gpu_memory() -> float:
    """The most memory that torch has reserved on the GPU, in MB."""
    import torch

    return torch.cuda.max_memory_reserved() / 2**20 if torch.cuda.is_initialized() else 0.0


def make_reference(module: Any, options: argparse.Namespace) -> None:
    """The extractor's job."""
    folder = options.folder
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    module.make_reference(
        dataset="fashion_mnist",
        extractor="classifier",
        samples=options.samples,
        data_file=folder / "data.npz",
        device=options.device,
        outputs=module.ReferenceFiles(*(folder / name for name in names)),
        log=sys.stderr,
    )


def score_run(module: Any, options: argparse.Namespace) -> None:
    """The scoring job of a run of five snapshots."""
    folder = options.folder
    module.score_run(
        dataset="fashion_mnist",
        variant="non_saturating",
        seed=0,
        extractor="classifier",
        samples=options.samples,
        snapshots_file=folder / "snapshots.pt",
        network_file=folder / "network.pt",
        features_file=folder / "features.npz",
        data_file=folder / "data.npz",
        gap=False,
        scores_file=folder / "scores.csv",
        nearest_file=folder / "nearest.png",
        nearest_table=folder / "nearest.csv",
    )


def write_inputs(source: Path, folder: Path, device: str) -> None:
    """Writes `data.npz` and `snapshots.pt`."""
    import torch
    from ganbench.networks.build import build_generator
    from score_parts import prepare_images

    if source.is_dir():
        started = time.monotonic()
        prepare_images(source, folder)
        print(f"prepared in this process: {time.monotonic() - started:.2f} s")
    else:
        print(f"no folder {source}: images are drawn")
        np.savez(folder / "data.npz", **draw_splits())
    parameters = measure.resolve_run({"device": device})
    states = [build_generator(parameters, (1, 28, 28)).state_dict() for _ in range(5)]
    run = {
        "steps": [1, 2, 3, 4, 5],
        "shape": [1, 28, 28],
        "parameters": parameters,
        "generators": states,
    }
    torch.save(run, folder / "snapshots.pt")


def draw_splits() -> dict[str, np.ndarray]:
    """Images of ten classes, and their classes."""
    rng, arrays = np.random.default_rng(0), {}
    for split, count in SPLITS.items():
        labels = rng.integers(0, 10, count)
        images = rng.integers(0, 120, (count, 1, 28, 28), dtype=np.uint8)
        images[np.arange(count), 0, 2 * labels + 4] += 100
        arrays |= {split: images, f"{split}_labels": labels}
    return arrays


def start_job(job: str, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Does a job in a fresh process; returns its parts and the time until the process ended."""
    started = time.monotonic()
    command = [sys.executable, __file__, str(folder), f"--job={job}", f"--started={started}"]
    command += [f"--device={options.device}", f"--samples={options.samples}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - started
    return json.loads(done.stdout.splitlines()[-1]) | {"the whole process": seconds}


def main() -> None:
    """Writes the inputs, does the jobs in turn and prints the medians of their parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=DEBIAN)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--job", help="what this process does; for the program itself", default="")
    parser.add_argument("--started", type=float, help="when it began; for the program itself")
    options = parser.parse_args()
    if options.job:
        print(json.dumps(do_job(options)))
        return
    with tempfile.TemporaryDirectory() as name:
        write_inputs(options.folder, Path(name), options.device)
        for job in PARTS:
            readings: dict[str, list[float]] = {}
            for _ in range(options.repetitions):
                for part, value in start_job(job, options, Path(name)).items():
                    readings.setdefault(part, []).append(value)
            print(f"\n{job}")
            measure.show(f"image_jobs_{job}", measure.table(readings, "s"))


if __name__ == "__main__":
    main()
