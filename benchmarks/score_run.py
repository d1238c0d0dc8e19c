"""Time and memory of scoring one run on Fashion-MNIST, beside torch-fidelity's own program.

    python benchmarks/score_run.py [FOLDER] [--repetitions 3] [--samples 10000] [--snapshots 5]

FOLDER holds the four gzip files of Fashion-MNIST, by default those of Debian's package. Both
programs get the same generated images, the same classifier, one thread and a fresh process each
time, and take turns. The tables have medians of processor seconds.

First both must agree: FD, IS, KID, precision and recall of the same images to 1e-6. Two tables
follow, both beside torch-fidelity with its fastest settings:

- the same metrics: FD, IS, KID, precision and recall of images that are generated before, against
  the held-out images. Ours has looked at these once, in the extractor stage. Torch-fidelity looks
  at them for every snapshot, and a row says what it would take if it did not (its cache would save
  that much, but it distinguishes neither data nor weights). Its KID is over 100 subsets of 1,000
  images, ours over all pairs; ours computes density and coverage too.
- the whole rule: both also generate the images. Ours scores against both references, and adds
  density, coverage and the distance to all 50,000 training images.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
import score_parts
from score_parts import PROCESS, TOGETHER

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def main() -> None:
    """Prepares the images, runs all parts in turn and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=DEBIAN)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--snapshots", type=int, default=5)
    parser.add_argument("--part", help="what this process does; for the program itself", default="")
    options = parser.parse_args()
    if options.part:
        print(json.dumps(score_parts.measure_part(options)))
        return
    with tempfile.TemporaryDirectory() as name:
        score_parts.prepare_images(options.folder, Path(name))
        options.folder = Path(name)
        show("extractor, once per dataset", run_part("extractor", options))
        show("largest relative difference of a score", run_part("agreement", options))
        names = ("same_metrics", "parts", "score_run", "torch_fidelity", "torch_fidelity_double")
        results: dict[str, list] = {part: [] for part in names}
        for _ in range(options.repetitions):
            for part, readings in results.items():
                readings.append(run_part(part, options))
    for part, readings in results.items():
        show(part, median(readings))
    show_comparisons(options.snapshots, results)


def show_comparisons(snapshots: int, results: dict[str, list[dict[str, float]]]) -> None:
    """Prints both tables, of a whole run."""

    def seconds(part: str, *left_out: str) -> list[float]:
        skipped = (*left_out, TOGETHER, PROCESS)
        return [
            sum(
                value
                for name, value in reading.items()
                if name.endswith(", s") and name not in skipped
            )
            for reading in results[part]
        ]

    theirs, images = "torch-fidelity, its fastest settings", "generate images, s"
    fastest = seconds("torch_fidelity", images)
    per_snapshot = {
        "ours": seconds("same_metrics", images),
        theirs: fastest,
        "the same, held-out images looked at once for all snapshots": [
            value - reading["features, s"] / 2
            for value, reading in zip(fastest, results["torch_fidelity"], strict=True)
        ],
        "torch-fidelity, features in double": seconds("torch_fidelity_double", images),
    }
    same = {name: [snapshots * value for value in values] for name, values in per_snapshot.items()}
    whole = {
        "ours, every metric, both references": seconds("score_run"),
        theirs: [snapshots * value for value in seconds("torch_fidelity")],
    }
    print("\nThe same metrics against held_out, without generating images")
    measure.show("score_run_same_metrics", measure.table(same, "processor s", against=theirs))
    print("\nThe whole rule, with generating images")
    measure.show("score_run", measure.table(whole, "processor s", against=theirs))


def run_part(part: str, options: argparse.Namespace) -> dict[str, float]:
    """Does a part in a fresh process; returns its steps in seconds and its peak memory in MB."""
    command = [sys.executable, __file__, str(options.folder), f"--part={part}"]
    command += [f"--samples={options.samples}", f"--snapshots={options.snapshots}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=measure.ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def median(readings: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number over repetitions."""
    return {name: statistics.median(reading[name] for reading in readings) for name in readings[0]}


def show(title: str, reading: dict[str, float]) -> None:
    """Prints a reading under its title."""
    print(f"\n{title}")
    for name, value in reading.items():
        print(f"  {name:40}{value:10.3g}", flush=True)


if __name__ == "__main__":
    main()
