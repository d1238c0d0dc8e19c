"""Figures: every seed visible, one colour a variant, the same on the page and as files."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from ganbench.report.figures.drawing import PALETTE, border, colour
from ganbench.report.figures.svg import path
from ganbench.report.page import TEMPLATES
from ganbench.report.report import write_report
from report_example import make_results, make_study, without_pdf

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    resolved = make_study(("minimax", "wgan_gp"), ("digits", "mixture_1d"), seeds=3)
    folder = tmp_path_factory.mktemp("example")
    diverged = [("digits", "wgan_gp", 2)]
    inputs = make_results(folder, resolved, diverged)
    history = pd.concat([pd.read_csv(inputs["histories"][0])] * 30)
    history["images"] = range(len(history))
    history.iloc[8, history.columns.get_loc("g_loss")] = 1e6
    history.to_csv(inputs["histories"][0], index=False)
    write_report(resolved, inputs, folder / "report")
    return folder / "report"


def drawn(example, label: str) -> str:
    """The one figure of the page whose text for those who cannot see it begins with `label`."""
    page = (example / "report.html").read_text()
    (found,) = re.findall(rf'<svg[^>]*aria-label="{re.escape(label)}.*?</svg>', page, re.S)
    return found


def test_every_seed_is_drawn_and_belongs_to_its_variant(example):
    figure = drawn(example, "Fréchet distance, lower is better, over images.")
    # three seeds, their mean against held_out and against train; one of wgan_gp has no snapshot
    assert figure.count('class="variant-0 ') == 3 + 2
    assert figure.count('class="variant-1 ') == 2 + 2


def test_run_that_diverged_has_a_cross_where_it_ended(example):
    figure = drawn(example, "What G minimises On digits.")
    assert figure.count('class="variant-1 ') == 3 + 1 + 1  # seeds, the mean, the cross


def test_curves_are_drawn_over_every_budget(example):
    labels = {"images": "shown to D", "seconds": "seconds of training", "D updates": "updates of D"}
    for budget, label in labels.items():
        assert label in drawn(example, f"Recall, higher is better, over {budget}.")


def test_one_huge_value_does_not_flatten_the_others_and_is_counted(example):
    page = (example / "report.html").read_text()
    captions = re.findall(r"<figcaption>(.*?) <button", page, re.S)
    outside = [each for each in captions if "outside the axis" in each]
    assert len(outside) == 1
    assert re.search(r"\b[12] of \d+ values lie outside the axis", outside[0])


def test_figures_follow_the_theme_on_the_page_and_stand_alone_as_files(example):
    page = (example / "report.html").read_text()
    assert "currentColor" in page
    assert "var(--faint)" in page
    files = sorted((example / "figures").glob("*.svg"))
    assert len(files) > 40
    for file in files:
        text = file.read_text()
        assert "currentColor" not in text
        assert "var(--" not in text
        assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    root = ElementTree.fromstring((example / "figures/curve-digits-fd-classifier.svg").read_text())
    words = ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]
    assert "minimax" in words  # a legend, which the page has outside its figures
    assert "wgan_gp" in words


def test_text_in_pdf_files_is_in_fonts_that_conferences_accept(example):
    pdf = (example / "figures/curve-digits-fd-classifier.pdf").read_bytes()
    assert b"/Subtype /Type0" in pdf or b"/Type0" in pdf
    assert b"/Type3" not in pdf


def test_styles_of_figures_are_written_once(example):
    page = (example / "report.html").read_text()
    used = {
        name
        for classes in re.findall(r'<(?:path|text|use|g|image)[^>]* class="([^"]*)"', page)
        for name in classes.split()
        if re.fullmatch(r"c[0-9a-f]{8}", name)
    }
    assert len(used) > 10
    rules = re.findall(r"^\.(c[0-9a-f]{8})\{", page, re.M)
    assert sorted(rules) == sorted(used)
    assert "style=" not in drawn(example, "Recall, higher is better, over images.")


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("M 10.04 20 \nL 12.06 20.54 \nL 12 30 \n", "M10 20l2.1 .5-.1 9.5"),
        ("M 1 1 L 2 2 L 1 2 z ", "M1 1l1 1-1 0z"),
        ("M 0 0 L 0.04 0.04 L 0.08 0.08 L 0.12 0.12", "M0 0l0 0 .1 .1 0 0"),  # no drift
        ("M 1.04 2 Q 3.123 4 5 6", "M 1 2 Q 3.1 4 5 6"),
    ],
)
def test_paths_keep_their_place_to_a_tenth(long, short):
    assert path(long) == short


def test_measured_gradient_weights_are_drawn_over_the_derived_line(example):
    figure = drawn(example, "Where the generator's gradient vanishes.")
    pieces = max(each.count("M") for each in re.findall(r' d="([^"]*)"', figure))
    assert pieces > 30  # one a row of history


def test_page_of_seven_variants_five_seeds_and_two_datasets_is_under_three_megabytes(tmp_path):
    seven = ("minimax", "non_saturating", "least_squares", "hinge", "wgan_gp", "ns_r1", "r3gan")
    training = {"steps": 8000, "snapshots": 5, "history_interval": 80}  # 100 history rows a run
    resolved = make_study(seven, ("mnist", "fashion_mnist"), training=training)
    with without_pdf():
        write_report(resolved, make_results(tmp_path, resolved), tmp_path / "report")
    assert (tmp_path / "report/report.html").stat().st_size < 3_000_000


def test_colours_show_on_light_and_dark_and_repeat_only_with_another_line_style():
    paper = re.findall(r"--paper: (#\w+)", (TEMPLATES / "style.css").read_text())
    assert len(paper) == 2
    for each in PALETTE:
        for background in ("#ffffff", *paper):
            assert contrast(each, background) >= 3, (each, background)
    looks = [(colour(index), border(index)) for index in range(24)]
    assert len(set(looks)) == 24


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted(map(_luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
