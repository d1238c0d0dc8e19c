"""What saving a run's state costs: the share of a run's time that goes into it.

    python benchmarks/checkpoints.py [--repetitions 5] [--steps 150] [--width 64] [--device cpu]

Two intervals in turn: the default, which keeps to a share of the time by itself, and every 50
steps. The seconds between steps are counted, in which a state is saved or none is due: two whole
runs, one with and one without, differ by more than that from one time to the next.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

import measure
import torch
from ganbench.jobs.progress import Progress
from ganbench.study import resolve as studies
from ganbench.training import checkpoint
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.loop import play, start_run
from ganbench.training.run import Run


def main() -> None:
    """Takes turns, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "by default": lambda: share(given, Path(folder)),
            "every 50 steps": lambda: share(given, Path(folder), 50),
        }
        found = measure.in_turn(cases, given.repetitions)
    result = measure.table(found, "share of the run's seconds")
    print(f"by default {checkpoint.PAUSE:.0f} s apart or more, {checkpoint.SHARE:.2%} of the time")
    measure.show(f"checkpoints_{given.device}", result)


class Watched(Checkpoints):
    """Counts the seconds that it takes after steps."""

    seconds = 0.0

    def after_step(self, run: Run) -> None:
        """As ever."""
        started = time.perf_counter()
        super().after_step(run)
        self.seconds += time.perf_counter() - started


def share(given: argparse.Namespace, folder: Path, interval: int | None = None) -> float:
    """The share of one run's training that its checkpoints take."""
    training = {
        **{"steps": given.steps, "snapshots": 5, "history_interval": 50, "device": given.device},
        **{"network": {"name": "dcgan", "width": given.width}, "latent": {"size": 64}},
    }
    study = {
        **{"study": "speed", "datasets": {"fashion_mnist": {}}, "training": training},
        **{"variants": {"non_saturating": {}}},
    }
    parameters = studies.resolve(study, "speed")["runs"]["fashion_mnist"]["non_saturating"]
    noise = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (5000, 1, 28, 28), generator=noise).byte().to(given.device)
    run = start_run(parameters, "speed", 0, pixels)
    progress = Progress("", given.steps, io.StringIO(), 1e9)
    checkpoints = Watched(folder / "run", interval, io.StringIO())
    with checkpoints.of({}):
        started = time.perf_counter()
        play(run, parameters, progress, checkpoints)
        return checkpoints.seconds / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
