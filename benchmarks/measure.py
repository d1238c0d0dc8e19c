"""What the programs of this folder share: turns, medians, tables, the machine."""

import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))
RESULTS = ROOT / "benchmarks/results"


def resolve_run(training: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved parameters of a non-saturating run on Fashion-MNIST with this `training`."""
    from ganbench.study.resolve import resolve

    study = {
        "study": "speed",
        "datasets": {"fashion_mnist": {}},
        "variants": {"non_saturating": {}},
        "training": training,
    }
    return resolve(study, "speed")["runs"]["fashion_mnist"]["non_saturating"]


def in_turn(
    cases: Mapping[str, Callable[[], float]], repetitions: int = 5
) -> dict[str, list[float]]:
    """Runs all cases once, then all again in the same order, and returns each case's readings.

    A machine that slows down meanwhile slows all cases, so their ratios hold.
    """
    readings: dict[str, list[float]] = {name: [] for name in cases}
    for repetition in range(repetitions):
        for name, case in cases.items():
            readings[name].append(case())
            print(f"  {repetition + 1}/{repetitions}  {name}: {readings[name][-1]:.4g}", flush=True)
    return readings


def table(
    readings: Mapping[str, list[float]], unit: str, against: str | None = None
) -> pd.DataFrame:
    """A row for each case: median, least and most, and the median of its ratios to `against`."""
    rows = []
    for name, values in readings.items():
        row = {
            "case": name,
            "unit": unit,
            "median": statistics.median(values),
            "least": min(values),
            "most": max(values),
            "repetitions": len(values),
        }
        if against:
            pairs = zip(values, readings[against], strict=True)
            row["ratio"] = statistics.median(value / other for value, other in pairs)
        rows.append(row)
    return pd.DataFrame(rows)


def show(name: str, results: pd.DataFrame) -> None:
    """Prints a table, and writes it with a description of the machine to results/{name}.csv."""
    print(results.to_markdown(index=False, floatfmt=".4g"))
    RESULTS.mkdir(exist_ok=True)
    described = results.assign(**machine())
    described.to_csv(RESULTS / f"{name}.csv", index=False, float_format="%.4g")
    print(f"benchmarks/results/{name}.csv")


def machine() -> dict[str, str | int | float]:
    """Processor, cores, GPU, versions, and the load average at the end."""
    import torch
    from ganbench.jobs import provenance

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": provenance.describe_machine()["processor"],
        "cores": os.cpu_count() or 1,
        "gpu": gpu,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
