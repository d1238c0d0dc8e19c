"""How long the report of a study takes, in fresh processes: 7 variants, 5 seeds, 20,000 steps.

    python benchmarks/report_time.py [--study large] [--repetitions 5] [--processes 1 2]
        [--against CHECKOUT]

The results are made up (tests/report_example.py): 35 runs on Fashion-MNIST with five snapshots, all
metrics, 200 rows of history each, and their pictures. The large study has 20 variants, 4 datasets
and 10 seeds, 800 runs. A reading is a process from its start to its end, imports included.
--against names another checkout, of an earlier commit for example, whose report takes turns with
this one's. The size of the page is printed too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import measure

sys.path.insert(0, str(measure.ROOT / "tests"))

from report_example import make_results, make_study

STUDIES = {
    "medium": {
        "variants": (
            "minimax",
            "non_saturating",
            "least_squares",
            "hinge",
            "wgan_gp",
            "ns_r1",
            "r3gan",
        ),
        "datasets": ("fashion_mnist",),
    },
    "large": {
        "variants": tuple(f"variant_{number}" for number in range(20)),
        "datasets": ("digits", "mnist", "fashion_mnist", "mixture_1d"),
        "seeds": 10,
    },
}
TRAINING = {"steps": 20_000, "snapshots": 5, "history_interval": 100}
JOB = """
import json, sys
from pathlib import Path
scripts, given, folder, *processes = sys.argv[1:]
sys.path.insert(0, scripts)
from ganbench.report.report import write_report
study, inputs = json.loads(Path(given).read_text())
inputs = {name: [Path(file) for file in files] for name, files in inputs.items()}
write_report(study, inputs, Path(folder), *map(int, processes))
"""


def main() -> None:
    """Makes the results once, then one report after another, and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", choices=STUDIES, default="medium")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = make_study(**STUDIES[options.study], training=TRAINING)
        inputs = make_results(folder / "results", study)
        paths = {name: [str(file) for file in files] for name, files in inputs.items()}
        (folder / "given.json").write_text(json.dumps([study, paths]), encoding="utf-8")
        cases = {
            f"processes: {count}": partial(write_report, measure.ROOT, folder, count)
            for count in options.processes
        }
        if options.against:
            cases["the other checkout"] = partial(write_report, options.against, folder)
        readings = measure.in_turn(cases, options.repetitions)
        size = (folder / "report/report.html").stat().st_size
    print(f"report.html: {size / 1e6:.2f} MB")
    against = "the other checkout" if options.against else None
    measure.show("report_time", measure.table(readings, "s", against))


def write_report(checkout: Path, folder: Path, *processes: int) -> float:
    """Seconds of one report in a process of its own."""
    given = (checkout / "workflow/scripts", folder / "given.json", folder / "report", *processes)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", JOB, *map(str, given)], check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
