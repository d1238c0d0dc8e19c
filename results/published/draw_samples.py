"""Draws the last samples of chosen runs of a published study below each other, for the docs.

    python results/published/draw_samples.py STUDY DATASET RUN [RUN ...] --to docs/samples.png

A RUN is VARIANT/SEED. Each row has the samples of the same latents, sixteen of them, not selected.
"""

import argparse
import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PUBLISHED = Path(__file__).resolve().parent

WIDTH = 464
"""Pixels of a row at least: small images are drawn larger."""

MARGIN, GAP, FONT = 215, 6, 13


def draw_samples(folder: Path, dataset: str, runs: list[str]) -> Image.Image:
    """The picture; `folder` is that of a published study."""
    card = json.loads((folder / f"datasets/{dataset}/card.json").read_text(encoding="utf-8"))
    rows = [_read_last_row(folder, dataset, run, card["resolution"] + 1) for run in runs]
    height = rows[0].height
    picture = Image.new("RGB", (MARGIN + rows[0].width, len(rows) * (height + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT)
    for number, (run, row) in enumerate(zip(runs, rows, strict=True)):
        top = number * (height + GAP)
        variant, seed = run.split("/")
        draw.text((0, top + height / 2), variant, "black", font, anchor="lm")
        draw.text((MARGIN - 10, top + height / 2), f"seed {seed}", "grey", font, anchor="rm")
        picture.paste(row, (MARGIN, top))
    return picture


def _read_last_row(folder: Path, dataset: str, run: str, cell: int) -> Image.Image:
    """The samples of a run's last snapshot, without the line below them."""
    variant, seed = run.split("/")
    with Image.open(folder / f"runs/{dataset}/{variant}/seed{seed}/samples.png") as picture:
        row = picture.convert("RGB").crop(
            (0, picture.height - cell, picture.width - 1, picture.height - 1)
        )
    factor = max(1, -(-WIDTH // (row.width + 1)))
    return row.resize((row.width * factor, row.height * factor), Image.Resampling.NEAREST)


def main() -> None:
    """Writes the picture that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    parser.add_argument("dataset")
    parser.add_argument("runs", nargs="+", metavar="VARIANT/SEED")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    picture = draw_samples(PUBLISHED / options.study, options.dataset, options.runs)
    picture.save(options.to, optimize=True)


if __name__ == "__main__":
    main()
