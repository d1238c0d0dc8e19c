"""Time and memory of scoring one run on Fashion-MNIST, beside torch-fidelity's own program.

    python benchmarks/score_run.py [FOLDER] [--repetitions 3] [--samples 10000] [--snapshots 5]

FOLDER holds the four gzip files of Fashion-MNIST, by default those of Debian's package. Both
programs get the same generated images and the same classifier, one thread each, a fresh process
each time, and take turns; printed are medians of processor seconds.

First it is made sure that both find the same: FD, IS, KID, precision and recall of the same images
agree to 1e-6. Then two rows, each beside torch-fidelity with the settings it is fastest with:

- the same metrics: FD, IS, KID, precision and recall of generated images that are there already,
  against the held-out images. Ours has looked at these once, in the extractor stage; torch-fidelity
  looks at them for every snapshot, and a row says what it would take if it did not (its cache would
  save that much, but tells neither data nor weights apart). Its KID is over 100 subsets of 1,000
  images, ours over all pairs; ours finds density and coverage too.
- the whole rule: images are generated, for both. Ours scores against both references, and with
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
    """Prepares, takes turns, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=DEBIAN)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--snapshots", type=int, default=5)
    parser.add_argument("--part", help="what a process of its own does", default="")
    given = parser.parse_args()
    if given.part:
        print(json.dumps(score_parts.measured(given)))
        return
    with tempfile.TemporaryDirectory() as name:
        score_parts.prepare(given.folder, Path(name))
        given.folder = Path(name)
        show("extractor, once per dataset", run_part("extractor", given))
        show("largest relative difference of a score", run_part("agreement", given))
        names = ("same_metrics", "parts", "score_run", "torch_fidelity", "torch_fidelity_double")
        found: dict[str, list] = {part: [] for part in names}
        for _ in range(given.repetitions):
            for part, results in found.items():
                results.append(run_part(part, given))
    for part, results in found.items():
        show(part, median(results))
    tables(given.snapshots, found)


def tables(snapshots: int, found: dict[str, list[dict[str, float]]]) -> None:
    """The two comparisons, of a whole run."""

    def seconds(part: str, *left_out: str) -> list[float]:
        return [
            sum(value for name, value in each.items() if name.endswith(", s") and name not in out)
            for each in found[part]
            for out in [(*left_out, TOGETHER, PROCESS)]
        ]

    theirs, images = "torch-fidelity, its fastest settings", "generate images, s"
    its = found["torch_fidelity"]
    fastest = seconds("torch_fidelity", images)
    per_snapshot = {
        "ours": seconds("same_metrics", images),
        theirs: fastest,
        "the same, held-out images looked at once for all snapshots": [
            each - of["features, s"] / 2 for each, of in zip(fastest, its, strict=True)
        ],
        "torch-fidelity, features in double": seconds("torch_fidelity_double", images),
    }
    same = {name: [snapshots * each for each in values] for name, values in per_snapshot.items()}
    whole = {
        "ours, every metric, both references": seconds("score_run"),
        theirs: [snapshots * each for each in seconds("torch_fidelity")],
    }
    print("\nThe same metrics against held_out, without generating images")
    measure.show("score_run_same_metrics", measure.table(same, "processor s", against=theirs))
    print("\nThe whole rule, with generating images")
    measure.show("score_run", measure.table(whole, "processor s", against=theirs))


def run_part(part: str, given: argparse.Namespace) -> dict[str, float]:
    """What a fresh process measured, by name in seconds, and its peak memory in MB."""
    options = [f"--{name}={getattr(given, name)}" for name in ("samples", "snapshots")]
    command = [sys.executable, __file__, str(given.folder), f"--part={part}", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=measure.ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def median(results: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number over repetitions."""
    return {name: statistics.median(each[name] for each in results) for name in results[0]}


def show(title: str, found: dict[str, float]) -> None:
    """One table."""
    print(f"\n{title}")
    for name, value in found.items():
        print(f"  {name:40}{value:10.3g}", flush=True)


if __name__ == "__main__":
    main()
