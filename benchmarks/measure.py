"""What the programs of this folder share: turns, medians, tables, and the machine they are of."""

import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))
RESULTS = ROOT / "benchmarks/results"


def in_turn(
    cases: Mapping[str, Callable[[], float]], repetitions: int = 5
) -> dict[str, list[float]]:
    """What each case gives, by its name: all cases once, then all again, in the same order.

    A machine that slows down meanwhile slows all of them, so that their ratios hold.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for repetition in range(repetitions):
        for name, case in cases.items():
            found[name].append(case())
            print(f"  {repetition + 1}/{repetitions}  {name}: {found[name][-1]:.4g}", flush=True)
    return found


def table(found: Mapping[str, list[float]], unit: str, against: str | None = None) -> pd.DataFrame:
    """A row for each case: median, least and most; and the median of its ratios to `against`."""
    rows = []
    for name, values in found.items():
        row = {"case": name, "unit": unit, "median": statistics.median(values)}
        row |= {"least": min(values), "most": max(values), "repetitions": len(values)}
        if against:
            pairs = zip(values, found[against], strict=True)
            row["ratio"] = statistics.median(mine / other for mine, other in pairs)
        rows.append(row)
    return pd.DataFrame(rows)


def show(name: str, results: pd.DataFrame) -> None:
    """Prints a table and writes it to results/{name}.csv with the machine that it is of."""
    print(results.to_markdown(index=False, floatfmt=".4g"))
    RESULTS.mkdir(exist_ok=True)
    described = results.assign(**machine())
    described.to_csv(RESULTS / f"{name}.csv", index=False, float_format="%.4g")
    print(f"benchmarks/results/{name}.csv")


def machine() -> dict[str, str | int | float]:
    """Processor, cores, GPU, versions, and how busy others kept the machine at the end."""
    import torch
    from ganbench.jobs import provenance

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": provenance.machine()["processor"],
        "cores": os.cpu_count() or 1,
        "gpu": gpu,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
