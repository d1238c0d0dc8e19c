"""Pictures of the page's figures keep their pixels in fewer bytes."""

import base64
import io

import numpy as np
import pytest
from ganbench.report.figures.png import PNG_ADDRESS, shorten_png
from PIL import Image

RNG = np.random.default_rng(1)
SHADES = np.array([[0, 115, 178, alpha] for alpha in range(256)], np.uint8)
PICTURES = {
    "shades of a colour": SHADES[np.linspace(0, 255, 4096).astype(int).reshape(64, 64)],
    "one colour": np.full((3, 5, 4), 7, np.uint8),
    "many colours": RNG.integers(256, size=(64, 64, 4)).astype(np.uint8),
}


def read_png(address: str) -> np.ndarray:
    data = base64.b64decode(address.removeprefix(PNG_ADDRESS))
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGBA"))


def write_png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return PNG_ADDRESS + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("kind", PICTURES)
def test_shortened_picture_has_the_same_pixels(kind):
    address = write_png(PICTURES[kind])
    assert np.array_equal(read_png(shorten_png(address)), PICTURES[kind])
    assert len(shorten_png(address)) <= len(address)


def test_picture_of_some_shades_takes_fewer_bytes():
    address = write_png(SHADES[RNG.choice([0, 10, 20, 255], size=(64, 64))])
    assert len(shorten_png(address)) < 2 / 3 * len(address)
