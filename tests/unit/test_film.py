"""The densities over training: what the page draws them from, and the film of them."""

import base64
import io
import zlib

import numpy as np
import pytest
from ganbench.report.figures import film, film_gif, film_maps, film_reel
from ganbench.report.figures.density_maps import (
    draw_density_lines,
    draw_density_map,
    sketch_density_maps,
)
from ganbench.report.figures.drawing import choose_colour, open_figure
from ganbench.report.figures.film import collect_film
from ganbench.report.figures.film_gif import choose_filmed, draw_gif
from ganbench.report.figures.film_maps import collect_map_film
from ganbench.report.figures.svg import INK
from ganbench.report.results import read_results
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from PIL import Image
from report_example import make_results, make_study


@pytest.fixture
def read(tmp_path):
    """Reads the results of a made-up study."""

    def read_study(datasets=("digits", "mixture_1d"), seeds=2, snapshots=4, **options):
        training = {"steps": 100, "snapshots": snapshots, "history_interval": 10}
        study = make_study(datasets=datasets, seeds=seeds, training=training)
        return read_results(study, make_results(tmp_path, study, metrics=("FD",), **options))

    return read_study


def unpack(shown) -> dict[str, dict[tuple[int, int], np.ndarray]]:
    """By name, the levels of every run by the place of its variant and its seed."""
    differences = np.frombuffer(zlib.decompress(base64.b64decode(shown["packed"])), np.uint8)
    levels: dict[str, dict[tuple[int, int], np.ndarray]] = {}
    start = 0
    for curve in shown["curves"]:
        for run in shown["runs"]:
            end = start + len(shown["moments"][run["moments"]]) * curve["values"]
            moments = differences[start:end].reshape(-1, curve["values"])
            levels.setdefault(curve["name"], {})[run["place"], run["seed"]] = (
                moments.cumsum(axis=1) % 256
            )
            start = end
    assert start == len(differences)
    return levels


def read_curve(shown, name: str, run: tuple[int, int]) -> np.ndarray:
    levels = unpack(shown)[name][run]
    return np.where(levels > film.LEVELS, np.nan, levels / film.LEVELS * shown["top"])


def average_pairs(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1, 2).mean(axis=2)


def test_page_has_every_curve_of_every_snapshot_to_half_a_level(read):
    results = read()
    shown = collect_film(results, "mixture_1d")
    assert shown["seeds"] == [0, 1]
    assert shown["steps"] == [25, 50, 75, 100]
    maps = results.maps["mixture_1d", "non_saturating", 1]
    half = shown["top"] / film.LEVELS / 2 + 1e-9
    generated = read_curve(shown, "generated", (1, 1))
    assert generated == pytest.approx(maps["generated"], abs=half)
    discriminator = read_curve(shown, "discriminator", (1, 1))
    assert discriminator == pytest.approx(average_pairs(maps["discriminator"]), abs=half)
    dense = maps["data"] + maps["generated"] > film.NEGLIGIBLE
    both, one = dense.reshape(4, -1, 2).all(axis=2), dense.reshape(4, -1, 2).any(axis=2)
    optimal = read_curve(shown, "optimal", (1, 1))
    assert 0 < both.sum() < both.size
    assert np.array_equal(np.isfinite(optimal), one)
    assert optimal[both] == pytest.approx(average_pairs(maps["optimal"])[both], abs=half)


def test_neighbouring_cells_are_averaged_where_the_grid_is_fine(read):
    results = read()
    coarse = collect_film(results, "mixture_1d")
    for maps in results.maps.values():
        for name in ("data", "generated", "discriminator", "optimal"):
            maps[name] = np.repeat(maps[name], 4, axis=-1)
    fine = collect_film(results, "mixture_1d")
    assert len(fine["data"]) == film.POINTS["generated"]
    assert fine["packed"] == coarse["packed"]


def test_page_keeps_one_seed_if_all_would_take_too_much_room(read, monkeypatch):
    results = read(snapshots=25)
    several, one = collect_film(results, "mixture_1d"), None
    for room in range(len(several["packed"]), 1000, -1000):
        monkeypatch.setattr(film, "ROOM", room)
        shown = collect_film(results, "mixture_1d")
        assert len(shown["packed"]) <= room
        assert shown["seeds"] in ([0, 1], [0])
        one = one or (shown if shown["seeds"] == [0] else None)
    assert len(several["steps"]) == 25
    assert one["steps"][-1] == 100
    assert {run["seed"] for run in one["runs"]} == {0}
    assert len(one["steps"]) > 8


def test_page_keeps_all_seeds_and_fewer_moments_as_long_as_there_is_room(read, monkeypatch):
    results = read(snapshots=25)
    whole = len(collect_film(results, "mixture_1d")["packed"])
    monkeypatch.setattr(film, "ROOM", int(0.6 * whole))
    shown = collect_film(results, "mixture_1d")
    assert shown["seeds"] == [0, 1]
    assert film_reel.FEWEST_MOMENTS <= len(shown["steps"]) < 25
    assert max(np.diff(shown["steps"])) <= 8
    assert [steps[-1] for steps in shown["moments"]] == [100]


def test_run_that_ended_early_keeps_its_own_last_moment(read, monkeypatch):
    results = read(snapshots=25, stopped=[("mixture_1d", "minimax", 0)])
    whole = len(collect_film(results, "mixture_1d")["packed"])
    monkeypatch.setattr(film, "ROOM", int(0.6 * whole))
    shown = collect_film(results, "mixture_1d")
    run = shown["runs"][0]
    steps = shown["moments"][run["moments"]]
    assert (run["place"], run["seed"], steps[-1]) == (0, 0, 48)
    assert 48 in shown["steps"]
    own = shown["steps"].index(48) + 1
    assert len(unpack(shown)["generated"][0, 0]) == len(steps) <= own


def test_images_have_no_film(read):
    results = read(("digits",))
    for collect in (collect_film, collect_map_film):
        assert collect(results, "digits") is None
    assert draw_gif(results) is None


def test_page_has_the_maps_of_two_dimensions_with_y_upwards(read):
    results = read(("gaussian_ring",))
    assert collect_film(results, "gaussian_ring") is None
    shown = collect_map_film(results, "gaussian_ring")
    assert shown["seeds"] == [0, 1]
    assert shown["x"] == pytest.approx([-3 - 3 / 63, 3 + 3 / 63])
    maps = results.maps["gaussian_ring", "non_saturating", 1]
    maps_of_run = {name: levels[1, 1][2] for name, levels in unpack(shown).items()}
    x = maps["centers"][:, 0].reshape(64, 64)
    density = maps["generated"][2].reshape(64, 64)[:, ::-1].T  # the first index is x
    assert np.ptp(x, axis=1).max() == 0
    expected = 12 * np.sqrt(density / density.max())
    generated = maps_of_run["generated"].reshape(64, 64)
    assert generated == pytest.approx(expected, abs=0.51)
    columns = maps["discriminator"][2].reshape(32, 2, 64).mean(axis=(1, 2))
    discriminator = maps_of_run["discriminator"].reshape(32, 32)
    assert discriminator == pytest.approx(24 * np.tile(columns, (32, 1)), abs=0.51)
    dense = maps["data"] + maps["generated"][2] > film.NEGLIGIBLE
    blocks = dense.reshape(32, 2, 32, 2).any(axis=(1, 3))[:, ::-1].T
    assert np.array_equal(maps_of_run["optimal"].reshape(32, 32) <= 24, blocks)
    assert not blocks.all()


def test_outline_of_the_data_goes_where_its_density_is_a_tenth_of_the_highest(read):
    results = read(("gaussian_ring",))
    outline = collect_map_film(results, "gaussian_ring")["outline"]
    numbers = [float(number) for number in outline.replace("M", " ").replace("L", " ").split()]
    points = (np.array(numbers).reshape(-1, 2) - 32) * 6 / 63  # cells from the top left
    distance = np.abs(np.linalg.norm(points, axis=1) - 2)
    assert distance == pytest.approx(np.sqrt(0.1 * np.log(10)), abs=0.03)


def test_variant_without_an_optimal_discriminator_has_no_map_of_it(read):
    results = read(("gaussian_ring",))
    for seed in (0, 1):
        results.maps["gaussian_ring", "minimax", seed]["optimal"][:] = np.nan
    assert collect_map_film(results, "gaussian_ring")["optimal_of"] == [1]
    figures = sketch_density_maps(results, "gaussian_ring")
    images = {name: sketch().svg.count("<image") for name, sketch in figures.items()}
    assert images == {"minimax": 4 * 2, "non_saturating": 4 * 3}


def test_maps_take_no_more_room_than_they_may(read, monkeypatch):
    results = read(("gaussian_ring",), snapshots=25)
    whole = len(collect_map_film(results, "gaussian_ring")["packed"])
    monkeypatch.setattr(film_maps, "ROOM", whole // 4)
    shown = collect_map_film(results, "gaussian_ring")
    assert len(shown["packed"]) <= whole // 4
    assert shown["seeds"] == [0]
    assert shown["steps"][-1] == 100


@pytest.mark.parametrize("dataset", ["mixture_1d", "gaussian_ring"])
def test_gif_has_a_frame_for_each_snapshot_and_the_same_bytes_again(read, dataset):
    results = read(("digits", dataset), snapshots=6)
    assert choose_filmed(results)[0][0] == dataset
    gif = draw_gif(results)
    with Image.open(io.BytesIO(gif)) as picture:
        assert picture.n_frames == 6
        assert picture.info["loop"] == 0
    assert draw_gif(results) == gif


def test_gif_that_is_too_large_loses_frames_but_not_the_last(monkeypatch):
    rng = np.random.default_rng(0)
    frames = [
        Image.fromarray(rng.choice(np.uint8([0, 255]), (40, 40, 1)).repeat(3, axis=2))
        for _ in range(10)
    ]
    whole = film_gif._fit(frames)
    monkeypatch.setattr(film_gif, "MOST_BYTES", len(whole) - 1)
    with Image.open(io.BytesIO(film_gif._fit(frames))) as picture:
        assert picture.n_frames == 5
        picture.seek(4)
        assert np.array_equal(np.asarray(picture.convert("RGB")), np.asarray(frames[-1]))


def test_gif_shows_the_first_seed_of_which_all_variants_have_snapshots(read, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "ganbench.report.figures.film_gif._draw_frames", lambda _, runs: shown.extend(runs)
    )
    monkeypatch.setattr("ganbench.report.figures.film_gif._fit", lambda _: b"")
    draw_gif(read(diverged=[("mixture_1d", "minimax", 0)]))
    assert shown == [("mixture_1d", name, 1) for name in ("minimax", "non_saturating")]


def test_colour_of_a_variant_is_that_of_its_density_and_never_of_d(read):
    maps = read().maps["mixture_1d", "non_saturating", 0]
    with open_figure() as (_, (axes,)):
        draw_density_lines(axes, maps, 3, index=1)
        colours = {line.get_label(): line.get_color() for line in axes.lines}
    assert colours == {"p_g": choose_colour(1), "D": INK, "D*": INK}


def test_map_of_d_is_grey_in_two_dimensions(read):
    maps = read(("gaussian_ring",)).maps["gaussian_ring", "non_saturating", 0]
    with open_figure() as (_, (axes,)):
        for name in ("generated", "discriminator", "optimal"):
            draw_density_map(axes, maps, name, 3, index=1)
        full = [image.cmap(1.0) for image in axes.images]
        greys = [image.cmap(share)[:3] for image in axes.images[1:] for share in (0, 0.3, 1)]
    assert full[0] == pytest.approx(to_rgba(choose_colour(1)))
    assert all(len(set(grey)) == 1 for grey in greys)


@pytest.mark.parametrize("name", ["ns", "non_saturating_simultaneous", "m" * 40, "a-" * 30])
def test_gif_shows_the_whole_name_of_a_variant_within_its_panel(name):
    with open_figure() as (figure, (axes,)):
        title = axes.set_title(**film_gif._fit_name(name, 1.3, 9))
        width = title.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
    assert title.get_text().replace("\n", "") == name
    assert width <= 1.02 * 1.3 * 72  # a screen's font is a little wider
    assert title.get_size() == 9 or "m" * 40 in name
