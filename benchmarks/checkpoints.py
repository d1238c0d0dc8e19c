"""What saving a run's state costs: the share of a run's time that goes into it.

    python benchmarks/checkpoints.py [--repetitions 5] [--steps 150] [--width 64] [--device cpu]

Two intervals take turns: the default, which limits its own share of the time, and every 50 steps.
What is counted are the seconds after each step in which a state is saved or found not to be due.
Comparing two whole runs, with and without, would not do: they differ by more than that.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

import measure
import torch
from ganbench.jobs.progress import Progress
from ganbench.training.checkpoint import SHORTEST_PAUSE, TIME_SHARE, Checkpoints
from ganbench.training.loop import play
from ganbench.training.run import Run, start_run


def main() -> None:
    """Runs both intervals in turn and prints their shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "by default": lambda: checkpoint_share(options, Path(folder)),
            "every 50 steps": lambda: checkpoint_share(options, Path(folder), 50),
        }
        shares = measure.in_turn(cases, options.repetitions)
    result = measure.table(shares, "share of the run's seconds")
    print(f"by default at least {SHORTEST_PAUSE:.0f} s apart and {TIME_SHARE:.2%} of the time")
    measure.show(f"checkpoints_{options.device}", result)


class TimedCheckpoints(Checkpoints):
    """Counts the seconds that it takes after steps."""

    seconds = 0.0

    def after_step(self, run: Run) -> None:
        """Saves the state if it is due."""
        started = time.perf_counter()
        super().after_step(run)
        self.seconds += time.perf_counter() - started


def checkpoint_share(
    options: argparse.Namespace, folder: Path, interval: int | None = None
) -> float:
    """The share of one run's training time that its checkpoints take."""
    parameters = measure.resolve_run(
        {
            "steps": options.steps,
            "snapshots": 5,
            "history_interval": 50,
            "device": options.device,
            "network": {"name": "dcgan_torch_init", "width": options.width},
            "latent": {"size": 64},
        }
    )
    noise = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (5000, 1, 28, 28), generator=noise).byte().to(options.device)
    run = start_run(parameters, "speed", 0, pixels)
    progress = Progress("", options.steps, io.StringIO(), 1e9)
    checkpoints = TimedCheckpoints(folder / "run", interval, io.StringIO())
    with checkpoints.open({}):
        started = time.perf_counter()
        play(run, parameters, progress, checkpoints)
        return checkpoints.seconds / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
