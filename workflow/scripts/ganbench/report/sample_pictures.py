"""Pictures of samples as data URLs, small enough for all of them to fit on one page."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ganbench.report.results import Results, Run
from ganbench.study.budget import snapshot_steps

SHOWN = 10
"""Latents whose samples the page shows: the first ones of the files."""

ROOM = 900_000
"""Characters that all pictures of a page may take together."""

QUALITIES = (80, 65, 50, 35)
"""WebP qualities, tried in this order if the lossless pictures take more than `ROOM`."""


@dataclass(frozen=True)
class Pictures:
    """The data URL of each picture by its file; `quality` is that of WebP, None if lossless."""

    addresses: dict[Path, str]
    quality: int | None


def encode_pictures(results: Results) -> Pictures:
    """All pictures of a study, as PNG if they fit on the page, else compressed until they do."""
    pictures = {path: _open_picture(path) for path in results.examples.values()}
    for paths in (results.samples, results.nearest):
        for (dataset, _, _), path in paths.items():
            pictures[path] = _open_picture(path, results.cards[dataset].get("resolution"))
    addresses = {path: _encode(picture, "png", optimize=True) for path, picture in pictures.items()}
    if _total_length(addresses) <= ROOM:
        return Pictures(addresses, None)
    for quality in QUALITIES:
        addresses = {
            path: _encode(picture, "webp", quality=quality, method=6)
            for path, picture in pictures.items()
        }
        if _total_length(addresses) <= ROOM:
            break
    return Pictures(addresses, quality)


def _open_picture(path: Path, resolution: int | None = None) -> Image.Image:
    """A picture; if it is a grid of images of this resolution, cut to the first `SHOWN` columns."""
    with Image.open(path) as picture:
        width, height = picture.size
        if resolution is not None:
            width = min(width, SHOWN * (resolution + 1) - 1)
        return picture.crop((0, 0, width, height))


def _total_length(addresses: Mapping[Path, str]) -> int:
    return sum(len(address) for address in addresses.values())


def _encode(picture: Image.Image, form: str, **options: object) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=form, **options)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def arrange_samples(results: Results, pictures: Pictures) -> dict[str, list[dict[str, Any]]]:
    """By dataset, then by seed: each variant's pictures, or a note if there are none."""
    return {
        dataset: [
            {
                "seed": seed,
                "runs": [
                    _describe_run(results, pictures, (dataset, variant, seed))
                    for variant in results.variants
                ],
            }
            for seed in results.study["seeds"]
        ]
        for dataset in results.datasets
    }


def _describe_run(results: Results, pictures: Pictures, run: Run) -> dict[str, Any]:
    """A run's pictures; each row of `address` holds the samples of one of the `steps`."""
    description: dict[str, Any] = {
        "variant": run[1],
        "index": results.variants.index(run[1]),
        "steps": [],
        "note": "",
        "nearest": None,
    }
    if run not in results.status:
        description["note"] = "Missing: the run left no files."
        return description
    record = results.status[run]
    snapshots = snapshot_steps(record.parameters)
    description["steps"] = [step for step in snapshots if step <= record.step]
    if record.status == "diverged":
        description["note"] = f"Diverged at step {record.step:,}: {record.reason}."
    if description["steps"]:
        description["address"] = pictures.addresses[results.samples[run]]
        if run in results.nearest:
            description["nearest"] = pictures.addresses[results.nearest[run]]
    return description
