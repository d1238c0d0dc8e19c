"""Pictures of samples as data URLs, small enough for all of them to fit on one page."""

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.report.results import Results, Run
from ganbench.study.budget import snapshot_steps

COLUMNS, ROWS = 4, 3
"""Samples that the page shows of a snapshot, side by side and below each other: the first ones of
the run's file."""

ROOM = 450_000
"""Characters that all pictures of a page may take together."""

QUALITIES = (80, 65, 50, 35, 20)
"""WebP qualities, tried in this order if the lossless pictures take more than `ROOM`."""


@dataclass(frozen=True)
class Pictures:
    """The data URL of each picture by its file; `quality` is that of WebP, None if lossless.

    `real` has, by dataset, as many real samples in the same arrangement as a snapshot's. Where all
    snapshots would not fit, a picture shows the last one alone.
    """

    addresses: dict[Path, str]
    real: dict[str, str]
    quality: int | None
    last_only: bool = False


def encode_pictures(results: Results) -> Pictures:
    """The pictures of a study's first seed, and the real ones, lossless if they fit on the page.

    The page loads those of other seeds, which are files beside it, when the reader asks for them.
    """
    first = results.study["seeds"][0]
    pictures = {path: _open_picture(path) for path in results.examples.values()}
    for paths in (results.samples, results.nearest):
        for run, path in paths.items():
            if run[2] == first:
                pictures[path] = _arrange(_open_picture(path), _resolution(results, run))
    real = {
        dataset: _arrange(_spread(_open_picture(path), resolution), resolution)
        for dataset, path in results.examples.items()
        for resolution in [results.cards[dataset].get("resolution")]
    }
    encoded, last_only = _encode_within_room(pictures | real), False
    if encoded is None:
        last = {path: _keep_last(results, path, picture) for path, picture in pictures.items()}
        encoded, last_only = _encode_within_room(last | real, must_fit=False), True
    addresses, quality = encoded
    return Pictures(
        {path: addresses[path] for path in pictures},
        {dataset: addresses[dataset] for dataset in real},
        quality,
        last_only,
    )


def _keep_last(results: Results, path: Path, picture: Image.Image) -> Image.Image:
    """The last snapshot of a run's picture; a picture of another kind as it is."""
    run = next((run for run, samples in results.samples.items() if samples == path), None)
    if run is None:
        return picture
    parameters, end = results.status[run].parameters, results.status[run].step
    snapshots = max(1, sum(step <= end for step in snapshot_steps(parameters)))
    height = picture.height // snapshots
    return picture.crop((0, picture.height - height, picture.width, picture.height))


def _resolution(results: Results, run: Run) -> int | None:
    return results.cards[run[0]].get("resolution")


def _encode_within_room(
    pictures: Mapping[Path | str, Image.Image], must_fit: bool = True
) -> tuple[dict[Path | str, str], int | None] | None:
    """Data URLs by the same keys, and the quality of their WebP, None if they are lossless.

    Those of the lowest quality are None if they do not fit and must.
    """
    addresses = _encode_all(pictures, ROOM, "png", optimize=True)
    if addresses is not None:
        return addresses, None
    for quality in QUALITIES:
        room = ROOM if must_fit or quality != QUALITIES[-1] else math.inf
        addresses = _encode_all(pictures, room, "webp", quality=quality, method=6)
        if addresses is not None:
            return addresses, quality
    return None


def _encode_all(
    pictures: Mapping[Path | str, Image.Image], room: float, form: str, **options: object
) -> dict[Path | str, str] | None:
    """Data URLs by the same keys; None, as soon as that is clear, if they do not fit."""
    addresses, taken = {}, 0
    for key, picture in pictures.items():
        addresses[key] = _encode(picture, form, **options)
        taken += len(addresses[key])
        if taken > room:
            return None
    return addresses


def _open_picture(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.copy()


def _arrange(picture: Image.Image, resolution: int | None) -> Image.Image:
    """Each row of images as a block of `ROWS` rows of `COLUMNS`, the blocks below each other.

    `resolution` is that of an image; a picture of points, which has none, is left as it is.
    """
    if resolution is None:
        return picture
    pixels, cell = np.asarray(picture), resolution + 1
    rows = [pixels[top : top + cell] for top in range(0, len(pixels), cell)]
    return Image.fromarray(np.concatenate([_fold(row, cell) for row in rows]))


def _fold(row: np.ndarray, cell: int) -> np.ndarray:
    """A row of images, each `cell` pixels wide, as a block; what the row lacks is black."""
    block = np.zeros((ROWS * cell, COLUMNS * cell, *row.shape[2:]), row.dtype)
    for place in range(min(ROWS * COLUMNS, row.shape[1] // cell)):
        down, right = divmod(place, COLUMNS)
        image = row[:, place * cell : (place + 1) * cell]
        block[down * cell : (down + 1) * cell, right * cell : (right + 1) * cell] = image
    return block


def _spread(picture: Image.Image, resolution: int | None) -> Image.Image:
    """As many images of a picture of real ones as a block holds, evenly from all of its classes."""
    if resolution is None:
        return picture
    pixels, cell = np.asarray(picture), resolution + 1
    row = np.concatenate([pixels[top : top + cell] for top in range(0, len(pixels), cell)], axis=1)
    places = np.linspace(0, row.shape[1] // cell - 1, ROWS * COLUMNS).astype(int)
    return Image.fromarray(
        np.concatenate([row[:, place * cell : (place + 1) * cell] for place in places], axis=1)
    )


def _encode(picture: Image.Image, form: str, **options: object) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=form, **options)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"
