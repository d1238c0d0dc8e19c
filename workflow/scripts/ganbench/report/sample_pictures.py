"""Pictures of samples, as addresses that hold their content; small enough for one page."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ganbench.report.results import Results
from ganbench.study.budget import snapshot_steps

SHOWN = 10
"""Latents whose samples the page shows, the first ones of those in the files."""

ROOM = 900_000
"""Characters that a page's pictures may take in all."""

QUALITIES = (80, 65, 50, 35)
"""Of WebP, tried in turn where the pictures as they are take more room than there is."""


@dataclass(frozen=True)
class Pictures:
    """Every picture's address by its file, and the quality of their compression, if any."""

    addresses: dict[Path, str]
    quality: int | None


def pictures(results: Results) -> Pictures:
    """All pictures of a study: as they are where they fit, else compressed until they do."""
    cut = {path: _first(path) for path in results.examples.values()}
    for files in (results.samples, results.nearest):
        for (dataset, _, _), path in files.items():
            cut[path] = _first(path, results.cards[dataset].get("resolution"))
    found = {path: _address(picture, "png", optimize=True) for path, picture in cut.items()}
    quality = None
    for quality in QUALITIES if _size(found) > ROOM else ():
        found = {
            path: _address(picture, "webp", quality=quality, method=6)
            for path, picture in cut.items()
        }
        if _size(found) <= ROOM:
            break
    return Pictures(found, quality)


def _first(path: Path, resolution: int | None = None) -> Image.Image:
    """The picture in a file; of images so wide in a row, the first ones of every row."""
    with Image.open(path) as picture:
        width, height = picture.size
        if resolution is not None:
            width = min(width, SHOWN * (resolution + 1) - 1)
        return picture.crop((0, 0, width, height))


def _size(addresses: dict[Path, str]) -> int:
    return sum(map(len, addresses.values()))


def _address(picture: Image.Image, kind: str, **options: object) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def samples(results: Results, found: Pictures) -> dict[str, list[dict[str, Any]]]:
    """By dataset and seed: each variant's picture and what its rows are, or why there is none."""
    return {
        dataset: [
            {
                "seed": seed,
                "runs": [
                    _of_run(results, found, (dataset, variant, seed))
                    for variant in results.variants
                ],
            }
            for seed in results.study["seeds"]
        ]
        for dataset in results.datasets
    }


def _of_run(results: Results, found: Pictures, run: tuple[str, str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "variant": run[1],
        "index": results.variants.index(run[1]),
        "steps": [],
        "note": "",
        "nearest": None,
    }
    if run not in results.status:
        return shown | {"note": "Missing: the run left no file."}
    record = results.status[run]
    shown["steps"] = list(_taken(record.parameters, record.step))
    if record.status == "diverged":
        shown["note"] = f"Diverged at step {record.step:,}: {record.reason}."
    if shown["steps"]:
        shown["address"] = found.addresses[results.samples[run]]
        if run in results.nearest:
            shown["nearest"] = found.addresses[results.nearest[run]]
    return shown


def _taken(parameters: dict[str, Any], last: int) -> Iterable[int]:
    """The steps whose samples a picture has: one row each."""
    return (step for step in snapshot_steps(parameters) if step <= last)
