"""The densities over training: scrubbed, played, and still where scripts or motion are unwanted."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

FILM = '#game [data-dataset="mixture_1d"] .film'
CURVE = f"{FILM} figure >> nth=0 >> .generated"


def test_slider_and_seed_change_the_curves(open_page):
    page = open_page()
    expect(page.locator(CURVE)).to_have_attribute("d", re.compile(r"M35\.6 "))
    last = page.locator(CURVE).get_attribute("d")
    page.locator(f"{FILM} .snapshot").fill("0")
    first = page.locator(CURVE).get_attribute("d")
    assert page.locator(f"{FILM} output").inner_text() == "25"
    page.select_option(f"{FILM} .seed", "2")
    assert len({last, first, page.locator(CURVE).get_attribute("d")}) == 3
    assert page.locator(f"{FILM} figure").count() == 3  # all variants side by side


def test_film_plays_to_its_end_and_can_be_stopped(open_page):
    page = open_page()
    expect(page.locator(CURVE)).to_have_attribute("d", re.compile("M"))
    play, slider = page.locator(f"{FILM} .play"), page.locator(f"{FILM} .snapshot")
    play.click()
    assert play.inner_text() == "pause"
    assert slider.input_value() == "0"  # it starts again from the end
    expect(slider).to_have_value("1")
    play.click()
    assert play.inner_text() == "play"
    slider.fill("2")
    play.click()
    expect(play).to_have_text("play")
    assert slider.input_value() == "3"


def test_film_does_not_play_where_motion_is_unwanted(open_page):
    page = open_page(reduced_motion="reduce")
    expect(page.locator(f"{FILM} .play")).to_be_hidden()
    page.locator(f"{FILM} .snapshot").fill("1")
    assert page.locator(f"{FILM} output").inner_text() == "50"


def test_still_pictures_stand_in_for_the_film_without_scripts_and_in_print(open_page):
    page = open_page(java_script_enabled=False)
    stills = '#game [data-dataset="mixture_1d"] .stills svg'
    assert page.locator(FILM).is_hidden()
    assert page.locator(stills).filter(visible=True).count() == 3
    printed = open_page()
    expect(printed.locator(stills).filter(visible=True)).to_have_count(0)
    printed.emulate_media(media="print")
    assert printed.locator(FILM).is_hidden()
    assert printed.locator(stills).filter(visible=True).count() == 3


def test_browser_that_cannot_unpack_the_film_keeps_the_still_pictures(open_page, folders):
    page = open_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto((folders("whole") / "report.html").as_uri())
    assert page.locator(FILM).is_hidden()
    stills = page.locator('#game [data-dataset="mixture_1d"] .stills svg')
    assert stills.filter(visible=True).count() == 3
    assert page.messages == []


def test_film_of_seeds_in_any_order_shows_each_its_own(open_page):
    """Objects with numbers as keys would be read in another order than they were packed."""
    page = open_page()
    page.evaluate(
        """async () => {
          const blob = new Blob([new Uint8Array([7, 1, 9, 1, 8, 255])]);
          const packed = await new Response(blob.stream()
            .pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
          const text = btoa(String.fromCharCode(...new Uint8Array(packed)));
          const runs = [5, 3].map((seed) => ({ place: 0, seed, moments: 0 }));
          const curves = [{ name: "generated", values: 2 }, { name: "discriminator", values: 1 }];
          window.runs = await unpackRuns({ packed: text, curves, runs, moments: [[1]] });
        }"""
    )
    values = "window.runs.map((run) => [run.seed, [...run.generated], [...run.discriminator]])"
    assert page.evaluate(values) == [[5, [7, 8], [8]], [3, [9, 10], [255]]]


MAPS = '#game [data-dataset="gaussian_ring"] .film'
PIXELS = """(canvas) => [...canvas.getContext("2d")
  .getImageData(0, 0, canvas.width, canvas.height).data]"""


def read_pixels(page, name: str) -> np.ndarray:
    canvas = page.locator(f"{MAPS} figure >> nth=0 >> canvas.{name}")
    pixels = np.array(canvas.evaluate(PIXELS)).reshape(-1, 4)
    side = int(len(pixels) ** 0.5)
    return pixels.reshape(side, side, 4)


def test_maps_show_densities_in_the_colour_of_the_variant_and_d_in_grey(open_page, folders):
    page = open_page("ring")
    expect(page.locator(f"{MAPS} .play")).to_be_visible()
    density, d = read_pixels(page, "generated"), read_pixels(page, "discriminator")
    assert density[..., 3].max() == 255  # on the ring
    assert density[32, 32, 3] < 30  # and not in its middle
    assert density[density[..., 3] > 250][0, :3] == pytest.approx([1, 115, 178], abs=2)
    assert (d[..., :3] == d[..., :1]).all()
    assert d[16, 0, 0] > d[16, -1, 0]  # D falls with x
    assert np.ptp(d[..., 0], axis=0).max() == 0
    assert page.locator(f"{MAPS} canvas").count() == 2 * 3
    page.locator(f"{MAPS} .snapshot").fill("0")
    first = read_pixels(page, "generated")
    page.select_option(f"{MAPS} .seed", "1")
    assert not np.array_equal(first, read_pixels(page, "generated"))


def test_maps_have_still_pictures_without_scripts(open_page):
    page = open_page("ring", java_script_enabled=False)
    assert page.locator(MAPS).is_hidden()
    stills = page.locator('#game [data-dataset="gaussian_ring"] .stills svg')
    assert stills.filter(visible=True).count() == 2
