"""Figures: every seed visible, one colour a variant, the same on the page and as files."""

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from ganbench.report import report as report_module
from ganbench.report.figures.curves import (
    Curves,
    draw_levels,
    label_ends,
    set_log_scale,
    spread,
)
from ganbench.report.figures.density_maps import sketch_density_maps
from ganbench.report.figures.drawing import (
    PALETTE,
    choose_border,
    choose_colour,
    finish,
    open_figure,
    print_power,
)
from ganbench.report.figures.equilibrium_levels import Level
from ganbench.report.figures.gallery import draw_all, list_drawings
from ganbench.report.figures.game_curves import sketch_gradient_weights, thin_out
from ganbench.report.figures.learning_curves import sketch_learning_curves
from ganbench.report.figures.profile_curves import sketch_profiles
from ganbench.report.figures.svg import shorten_path
from ganbench.report.figures.update_sizes import _list_slopes
from ganbench.report.page import TEMPLATES
from ganbench.report.report import draw_figures, make_tables
from ganbench.report.results import read_results
from jinja2 import Template
from report_example import make_results, make_study, without_pdf

SVG = "{http://www.w3.org/2000/svg}"


def find_figure(report, label: str) -> str:
    """The one figure of the page whose text alternative begins with `label`."""
    pattern = rf'<svg[^>]*aria-label="{re.escape(label)}.*?</svg>'
    (figure,) = re.findall(pattern, report.page, re.S)
    return figure


def test_every_seed_is_drawn_and_belongs_to_its_variant(report):
    figure = find_figure(report, "Fréchet distance, lower is better, over G updates.")
    paths = re.findall(r'<path d="([^"]*)"[^>]* class="variant-([01])[ "]', figure)
    assert Counter(place for _, place in paths) == {
        "0": 1 + 2 + 1,  # seeds, means against held-out and training images, the line to its name
        "1": 1 + 2 + 1,
    }
    pieces = {place: path.count("M") for path, place in reversed(paths)}
    assert pieces == {"0": 3, "1": 2}  # one of wgan_gp diverged


def test_run_that_diverged_has_a_cross_where_it_ended(report):
    figure = (report.folder / "figures/game-digits-g-loss.svg").read_text(encoding="utf-8")
    assert len(re.findall(r'<g id="variant-1-', figure)) == 1 + 1 + 1  # seeds, mean, cross
    assert len(re.findall(r'<g id="variant-0-', figure)) == 1 + 1


def test_curves_are_drawn_over_every_budget(report):
    labels = {
        "": "updates of G",
        "-images": "shown to D",
        "-seconds": "seconds of training",
        "-updates": "updates of D",
    }
    for suffix, label in labels.items():
        file = report.folder / f"figures/curve-digits-fd-classifier{suffix}.svg"
        assert label in file.read_text(encoding="utf-8")
    assert "updates of G" in find_figure(report, "Fréchet distance, lower is better, over G")


def test_names_at_the_ends_of_lines_keep_apart_and_in_order():
    ends = [0.5, 0.5, 0.1, 0.99, 1.0, 0.0]
    names = spread(ends, gap=0.15)
    order = np.argsort(ends, kind="stable")
    assert np.diff(np.array(names)[order]) == pytest.approx(
        np.maximum(np.diff(np.array(names)[order]), 0.15)
    )
    assert min(names) >= 0
    assert max(names) <= 1
    assert spread([0.2, 0.8], gap=0.1) == [0.2, 0.8]  # nothing moves without need
    assert spread([], gap=0.1) == []


def test_names_of_variants_and_levels_are_at_the_heights_of_their_lines():
    """On a logarithmic axis whose limits matplotlib has not yet computed."""
    with open_figure(7.5, 3.9) as (_, (axes,)):
        (line,) = axes.plot([0, 1], [2000.0, 20.0])
        line.set_gid("variant-0-line-0")
        set_log_scale(axes)
        axes.axhline(0.7)
        label_ends(axes, Curves({0: "minimax"}, []))
        low, high = np.log(axes.get_ylim())
        (name,) = axes.texts
        assert name.xy[1] == pytest.approx((np.log(20) - low) / (high - low))


def test_labels_of_levels_keep_apart():
    with open_figure() as (_, (axes,)):
        axes.plot([0, 1], [-40.0, 0.0])
        draw_levels(axes, [Level(-1.386, "a"), Level(-1.44, "b"), Level(-20.0, "c")])
        heights = {text.get_text(): text.xy[1] for text in axes.texts}
        low, high = axes.get_ylim()
        assert heights["a"] - heights["b"] > 0.06
        assert heights["c"] == pytest.approx((-20 - low) / (high - low))


def test_profile_of_scores_that_span_powers_has_a_logarithmic_axis(report):
    results = read_results(report.study, report.inputs)
    profiles = make_tables(results)["profiles"]
    (sketch,) = sketch_profiles(results, profiles, "digits")
    assert "data-log" not in sketch().inline.svg
    profiles = profiles.assign(threshold=profiles["threshold"] ** 40)
    (sketch,) = sketch_profiles(results, profiles, "digits")
    assert 'data-log="x"' in sketch().inline.svg


def test_every_variant_has_its_slope_or_is_said_to_show_none():
    text = _list_slopes({"a": 0.99, "b": 0.5, "c": 1.0, "d": 0.0, "e": 0.1, "f": None})
    assert text == (
        " Measured slopes: a 0.99, b 0.50, c 1.00, d 0.00 and e 0.10. The gradients of f differ "
        "too little to show a slope."
    )


def test_values_can_be_read_off_a_figure(report):
    figure = find_figure(report, "Fréchet distance, lower is better, over G updates.")
    x0, dx, y0, dy = map(float, re.search(r'data-scale="([^"]*)"', figure)[1].split())
    path = re.search(r'<path d="M([\d.]+) ([\d.]+)[^"]*"[^>]*class="variant-0[ "]', figure)
    scores = pd.read_csv(report.folder / "scores.csv")
    row = scores[(scores.metric == "FD-classifier") & (scores.reference == "held_out")].iloc[0]
    assert (row.variant, row.seed) == ("minimax", 0)
    assert x0 + dx * float(path[1]) == pytest.approx(row.step, abs=0.6 * dx)
    assert y0 + dy * float(path[2]) == pytest.approx(row.value, abs=0.06 * abs(dy))


def test_precision_is_drawn_with_recall_in_its_caption_and_errors_are_left_out(tmp_path):
    study = make_study(("minimax",), ("digits",), seeds=1)
    results = read_results(study, make_results(tmp_path, study, metrics=("precision", "recall")))
    error = results.curves[results.curves["metric"] == "recall-classifier"]
    error = error.assign(metric="FD_infinity_error-classifier")
    results = replace(results, curves=pd.concat([results.curves, error]))
    with without_pdf():
        figures = [
            sketch()["generator_steps"] for sketch in sketch_learning_curves(results, "digits")
        ]
    captions = {figure.name: figure.caption for figure in figures}
    names = {f"curve-digits-{name.lower()}-classifier": name for name in ("Precision", "Recall")}
    assert captions.keys() == names.keys()
    for file, name in names.items():
        metrics = re.findall(r"(\w+) \(\w+-classifier\) against held-out images", captions[file])
        assert metrics == [name, *({"Precision", "Recall"} - {name})]


def test_labels_are_words_and_not_the_names_of_the_csv_files(report):
    figure = find_figure(report, "Jensen–Shannon divergence, lower is better, over G updates.")
    assert "Jensen–Shannon divergence (nats)" in figure
    assert "held_out" not in re.sub(r"<pre.*?</pre>|<a [^>]*>", "", report.page, flags=re.S)


def test_one_huge_value_does_not_flatten_the_others_and_is_counted(report):
    captions = re.findall(r"<figcaption>(.*?) <button", report.page, re.S)
    outside = [caption for caption in captions if "Outside the axis" in caption]
    assert len(outside) == 1
    assert re.search(r"Outside the axis: [12] of \d+ values", outside[0])


def test_figures_follow_the_theme_on_the_page_and_stand_alone_as_files(report):
    assert "currentColor" in report.page
    assert "var(--faint)" in report.page
    files = sorted(report.folder.glob("figures/*.svg"))
    assert len(files) > 25
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "currentColor" not in text
        assert "var(--" not in text
        assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    root = ElementTree.parse(report.folder / "figures/curve-digits-fd-classifier.svg").getroot()
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert "minimax" in texts  # a legend, which the page has outside its figures
    assert "wgan_gp" in texts


def test_pdf_files_are_the_same_when_drawn_again(report):
    results = read_results(report.study, report.inputs)
    sketches = [
        sketch_profiles(results, make_tables(results)["profiles"], "digits"),
        sketch_density_maps(results, "mixture_1d"),
        sketch_gradient_weights(results),
    ]
    drawings = list_drawings(draw_all(sketches, processes=2))
    assert len(drawings) == 4
    for drawing in drawings:
        assert drawing.pdf == (report.folder / f"figures/{drawing.name}.pdf").read_bytes()


def test_text_in_pdf_files_is_in_fonts_that_conferences_accept(report):
    pdf = (report.folder / "figures/curve-digits-fd-classifier.pdf").read_bytes()
    assert b"/Subtype /Type0" in pdf or b"/Type0" in pdf
    assert b"/Type3" not in pdf


def test_styles_of_figures_are_written_once(report):
    used = {
        name
        for classes in re.findall(r'<(?:path|text|use|g|image)[^>]* class="([^"]*)"', report.page)
        for name in classes.split()
        if re.fullmatch(r"c[0-9a-f]{8}", name)
    }
    assert len(used) > 10
    rules = re.findall(r"^\.(c[0-9a-f]{8})\{", report.page, re.M)
    assert sorted(rules) == sorted(used)
    assert "style=" not in find_figure(report, "Fréchet distance, lower is better, over G updates.")


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("M 10.04 20 \nL 12.06 20.54 \nL 12 30 \n", "M10 20l2.1 .5-.1 9.5"),
        ("M 1 1 L 2 2 L 1 2 z ", "M1 1l1 1-1 0z"),
        ("M 0 0 L 3.34 0 L 6.68 9 L 10.02 0", "M0 0l3.3 0 3.4 9 3.3-9"),  # no drift
        ("M 0 0 L 5 0.04 L 9 0 L 9 5 L 9 0", "M0 0l9 0 0 5 0-5"),  # what is nearly straight
        ("M 2 2 L 2 2 M 5 5 L 5 5", "M2 2l0 0M5 5l0 0"),  # dots
        ("M 1.04 2 Q 3.123 4 5 6", "M 1 2 Q 3.1 4 5 6"),
    ],
)
def test_paths_keep_their_place_to_a_tenth(long, short):
    assert shorten_path(long) == short


def test_measured_gradient_weights_are_drawn_under_the_derived_line(report):
    figure = find_figure(report, "Where the generator's gradient vanishes.")
    pieces = max(path.count("M") for path in re.findall(r' d="([^"]*)"', figure))
    assert pieces > 30  # one for each row of the history


def draw_first_dataset(results, tables, processes):
    """Figures of the first dataset for all of them: theirs would be as large."""
    first = results.datasets[0]
    runs = results.runs[results.runs["dataset"] == first]
    study = results.study | {"datasets": {first: results.study["datasets"][first]}}
    figures = draw_figures(replace(results, runs=runs, study=study), tables, processes)
    theory, portraits = figures.pop("theory"), figures.pop("portraits")
    return {
        section: dict.fromkeys(results.datasets, drawings[first])
        for section, drawings in figures.items()
    } | {"theory": theory, "portraits": portraits}


def test_page_of_seven_variants_five_seeds_and_two_datasets_is_under_3_mb(tmp_path, monkeypatch):
    seven = ("minimax", "non_saturating", "least_squares", "hinge", "wgan_gp", "ns_r1", "r3gan")
    training = {"steps": 8000, "snapshots": 5, "history_interval": 80}  # 100 history rows a run
    study = make_study(seven, ("mnist", "fashion_mnist"), training=training)
    inputs = make_results(tmp_path, study)
    monkeypatch.setattr(report_module, "draw_figures", draw_first_dataset)
    with without_pdf():
        report_module.write_report(study, inputs, tmp_path / "report")
    assert (tmp_path / "report/report.html").stat().st_size < 3_000_000


def test_every_figure_has_a_caption_of_its_kind_in_the_report_of_snakemake(report):
    template = Template((TEMPLATES / "captions/figures.rst").read_text(encoding="utf-8"))
    names = [file.stem for file in report.folder.glob("figures/*.svg")]
    names += ["factors-digits-width", "schedule-digits-lr", "tuning-digits"]
    captions = {
        name: template.render(snakemake={"wildcards": {"figure": name}}).split("\n")[1]
        for name in names
    }
    assert len({name.split("-")[0] for name in names}) > 8
    assert [name for name, text in captions.items() if text == "A figure of the report."] == []


def test_logarithmic_axes_are_labelled_in_plain_text(report):
    assert "mathdefault" not in report.page
    assert not [file for file in report.folder.glob("figures/*.svg") if "$" in file.read_text()]
    with open_figure() as (figure, (axes,)):
        axes.plot([1e-6, 1e4], [1e-3, 1e2])
        axes.set(xscale="log", yscale="log", xlim=(1e-6, 1e4))
        texts = re.findall(r">([^<>]+)</text>", finish(figure, "a", "", "", {}).inline.svg)
    assert {"10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10⁴"} <= set(texts)
    assert print_power(2e-5) == "2e−05"


def test_colours_show_on_light_and_dark_and_repeat_only_in_another_line_style():
    paper = re.findall(r"--paper: (#\w+)", (TEMPLATES / "style.css").read_text())
    assert len(paper) == 2
    for colour in PALETTE:
        for background in ("#ffffff", *paper):
            assert contrast(colour, background) >= 3, (colour, background)
    looks = [(choose_colour(index), choose_border(index)) for index in range(30)]
    assert len(set(looks)) == 30
    assert len({colour for colour, _ in looks[:10]}) == 10


def test_colours_differ_to_people_with_and_without_colour_vision():
    """Distances in Oklab, times 100; seen by two people of the same deficiency, 2 is noticeable."""
    for first, second in combinations(PALETTE, 2):
        distances = [
            100 * np.linalg.norm(_oklab(first, sight) - _oklab(second, sight))
            for sight in (np.eye(3), *DEFICIENCIES)
        ]
        assert distances[0] > 10, (first, second)
        assert min(distances) > 5, (first, second)


DEFICIENCIES = np.reshape(
    [
        *(0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216),
        *(-0.003882, -0.048116, 1.051998, 0.367322, 0.860646, -0.227968),
        *(0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881),
        *(1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602),
        *(0.004733, 0.691367, 0.303900),
    ],
    (3, 3, 3),
)
"""Of protanopia, deuteranopia and tritanopia, in linear RGB (Machado et al. 2009)."""

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _oklab(hexadecimal: str, sight: np.ndarray) -> np.ndarray:
    return TO_OKLAB @ np.cbrt(TO_CONES @ np.clip(sight @ _linear(hexadecimal), 0, 1))


def test_thin_lines_of_variants_show_on_light_and_dark(report):
    rules = re.search(r'id="figure-style">(.*?)</style>', report.page, re.S)[1]
    thin = [
        rule
        for rule in re.findall(r"\.c\w+\{([^}]*)\}", rules)
        if float((re.search(r"stroke-width:([\d.]+)", rule) or [0, 9])[1]) < 1.5
        and any(f"stroke:{colour}" in rule for colour in PALETTE)
    ]
    assert thin
    for rule in thin:
        colour = re.search(r"stroke:(#\w{6})", rule)[1]
        opacity = float((re.search(r"opacity:([\d.]+)", rule) or [0, 1])[1])
        for paper in re.findall(r"--paper: (#\w+)", (TEMPLATES / "style.css").read_text()):
            assert contrast(blend(colour, paper, opacity), paper) >= 3, rule


def blend(colour: str, paper: str, opacity: float) -> str:
    """What is seen of a translucent colour on paper."""
    channels = ([int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in (colour, paper))
    pairs = zip(*channels, strict=True)
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in pairs)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted(map(_luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(hexadecimal: str) -> float:
    return float(_linear(hexadecimal) @ [0.2126, 0.7152, 0.0722])


def _linear(hexadecimal: str) -> np.ndarray:
    channels = [int(hexadecimal[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels])


@pytest.mark.parametrize(("runs", "rows"), [(1, 100), (60, 40), (200, 12), (1000, 12)])
def test_many_runs_share_the_points_of_a_figure(runs, rows):
    steps = np.arange(1, 601)
    history = pd.DataFrame(
        {
            "variant": "minimax",
            "seed": np.repeat(np.arange(runs), len(steps)),
            "step": np.tile(steps, runs),
        }
    )
    drawn = thin_out(history)
    assert (drawn.groupby("seed").size() == rows).all()
    assert (drawn.groupby("seed")["step"].max() == 600).all()
