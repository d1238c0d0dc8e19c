"""The samples on the page: those of the first seed, and where the files of the others are."""

from typing import Any
from urllib.parse import quote

from ganbench.report.results import Results, Run
from ganbench.report.sample_pictures import COLUMNS, ROWS, Pictures
from ganbench.study.budget import snapshot_steps


def arrange_samples(results: Results, pictures: Pictures) -> dict[str, Any]:
    """By dataset: the real samples, the steps of all snapshots, and the runs of the first seed.

    `data` has what a script needs to show the runs of other seeds, by variant and seed.
    """
    return {dataset: _arrange_dataset(results, pictures, dataset) for dataset in results.datasets}


def _arrange_dataset(results: Results, pictures: Pictures, dataset: str) -> dict[str, Any]:
    seeds = results.study["seeds"]
    runs = [(dataset, variant, seeds[0]) for variant in results.own_variants]
    shown = [describe_run(results, run) for run in runs]
    for run, description in zip(runs, shown, strict=True):
        if description["steps"]:
            description["address"] = pictures.addresses[results.samples[run]]
            description["nearest"] = pictures.addresses.get(results.nearest.get(run))
    resolution = results.cards[dataset].get("resolution")
    steps = {
        step
        for _, run in _runs_on(results, dataset)
        for step in describe_run(results, run)["steps"]
    }
    return {
        "seed": seeds[0],
        "seeds": seeds,
        "steps": sorted(steps),
        "real": pictures.real[dataset],
        "runs": shown,
        "shape": (COLUMNS, ROWS) if resolution else _shape_of_points(results, dataset),
        "data": {
            "last": pictures.last_only,
            "cell": resolution + 1 if resolution else 0,
            "columns": COLUMNS,
            "rows": ROWS,
            "runs": _list_files(results, dataset),
        },
    }


def _shape_of_points(results: Results, dataset: str) -> tuple[int, int]:
    """Width to height of a histogram of points."""
    return (2, 1) if results.cards[dataset]["dimensions"] == 1 else (1, 1)


def _runs_on(results: Results, dataset: str) -> list[tuple[int, Run]]:
    """The runs of a dataset after the places of their variants."""
    return [
        (place, (dataset, variant, seed))
        for place, variant in enumerate(results.own_variants)
        for seed in results.study["seeds"]
    ]


def _list_files(results: Results, dataset: str) -> dict[str, dict[str, Any]]:
    """By the place of the variant and by seed: the snapshots, a note, and the files' addresses."""
    listed: dict[str, dict[str, Any]] = {}
    for place, run in _runs_on(results, dataset):
        described = describe_run(results, run)
        described["nearest"] = bool(described["steps"]) and run in results.nearest
        described["folder"] = _address(run) if described["steps"] else ""
        del described["variant"], described["index"]
        kept = {key: value for key, value in described.items() if value}
        listed.setdefault(str(place), {})[str(run[2])] = kept
    return listed


def _address(run: Run) -> str:
    """The address of a run's folder, relative to the page, which is in the study's folder."""
    dataset, variant, seed = run
    return quote(f"runs/{dataset}/{variant}/seed{seed}")


def describe_run(results: Results, run: Run) -> dict[str, Any]:
    """A run's snapshots, by their steps, and a note if it is missing or has diverged."""
    description: dict[str, Any] = {
        "variant": run[1],
        "index": results.variants.index(run[1]),
        "steps": [],
        "note": "",
    }
    if run not in results.status:
        description["note"] = "Missing: the run left no files."
        return description
    record = results.status[run]
    snapshots = snapshot_steps(record.parameters)
    description["steps"] = [step for step in snapshots if step <= record.step]
    if record.status == "diverged":
        description["note"] = f"Diverged at step {record.step:,}: {record.reason}."
        if not description["steps"]:
            description["note"] += " No samples: the run ended before its first snapshot."
    return description
