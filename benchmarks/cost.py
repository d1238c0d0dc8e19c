"""What the shipped studies cost: runs, images, operations, hours and euros.

    python benchmarks/cost.py [--core-gflops 65] [--gpu-tflops 1 10 50] [--core-price 0.03]
                              [--gpu-price 2.5] [STUDY.yaml ...]

Operations are counted, not estimated: those of one training step on tensors without content
(ganbench.training.flops), times steps and runs. What a core or a GPU sustains of them is measured
elsewhere (train_speed.py) and given here; prices are whatever you pay. Scoring is left out: it is
the smaller part at these budgets.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench import study as studies  # noqa: E402
from ganbench.budget import images_per_step  # noqa: E402
from ganbench.training.flops import count_flops  # noqa: E402

TEMPLATE = "image_folder"
LUCIC = {"settings": 150, "seeds": 50, "objectives": 7}
"""What Lucic et al. 2018 ran on each dataset, of which lucic2018.yaml holds six objectives."""


def main() -> None:
    """Prints one row for each study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", type=Path)
    parser.add_argument("--core-gflops", type=float, default=65.0, help="sustained by one core")
    parser.add_argument("--gpu-tflops", type=float, nargs="+", default=[1.0, 10.0, 50.0])
    parser.add_argument("--core-price", type=float, default=0.03, help="euros an hour")
    parser.add_argument("--gpu-price", type=float, default=2.5, help="euros an hour")
    given = parser.parse_args()
    shipped = [file for file in sorted(ROOT.glob("config/*.yaml")) if file.stem != TEMPLATE]
    rows = [_counted(file) for file in given.studies or shipped]
    for row in [row for row in rows if row["study"] == "lucic2018"]:
        rows.append(_full_protocol(row))
    print(pd.DataFrame([_priced(row, given) for row in rows]).to_markdown(index=False))


def _counted(file: Path) -> dict:
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    study = studies.resolve(config, str(file))
    found = {"study": study["study"], "runs": 0, "images": 0, "flops": 0, "seeds": 0}
    for dataset, variants in study["runs"].items():
        shape = tuple(study["datasets"][dataset]["shape"] or _point(dataset, study))
        for parameters in variants.values():
            runs = len(study["seeds"])
            found["runs"] += runs
            found["images"] += runs * parameters["steps"] * images_per_step(parameters)
            found["flops"] += runs * parameters["steps"] * count_flops(parameters, shape)["step"]
    return {**found, "seeds": len(study["seeds"]), "variants": len(study["variants"])}


def _point(dataset: str, study: dict) -> tuple[int]:
    from ganbench.densities import DENSITIES  # noqa: PLC0415 (only studies of points need it)

    return (DENSITIES[study["datasets"][dataset]["kind"]].dimensions,)


def _full_protocol(row: dict) -> dict:
    """All of Lucic et al.: every setting once, then the best of each with 50 seeds."""
    each = LUCIC["objectives"] / row["variants"] / row["seeds"]
    times = each * (LUCIC["settings"] + LUCIC["seeds"])
    return {
        **row,
        "study": "Lucic et al. 2018, all of it",
        **{key: round(row[key] * times) for key in ("runs", "images", "flops")},
    }


def _priced(row: dict, given: argparse.Namespace) -> dict:
    core_hours = row["flops"] / (given.core_gflops * 1e9) / 3600
    found = {
        "study": row["study"],
        "runs": f"{row['runs']:,}",
        "images": f"{row['images']:.2g}",
        "operations": f"{row['flops']:.2g}",
        "core-hours": f"{core_hours:,.1f}",
        "€ on cores": f"{core_hours * given.core_price:,.0f}",
    }
    for rate in given.gpu_tflops:
        hours = row["flops"] / (rate * 1e12) / 3600
        found[f"GPU-hours at {rate:g} TFLOP/s"] = f"{hours:,.1f}"
        found[f"€ at {rate:g} TFLOP/s"] = f"{hours * given.gpu_price:,.0f}"
    return found


if __name__ == "__main__":
    main()
