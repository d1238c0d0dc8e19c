"""What keeps a page of many runs small: tables beside it, and lines that share a style."""

import re
from xml.etree import ElementTree

import pytest
from ganbench.report import attachments, matrix
from ganbench.report.figures import game_curves, learning_curves, update_sizes
from ganbench.report.figures.svg import make_inline
from ganbench.report.report import write_report
from report_example import FEW_METRICS, make_results, make_study, without_pdf

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of 60 runs: 20 variants with 3 seeds."""
    folder = tmp_path_factory.mktemp("large")
    variants = tuple(f"variant_{number}" for number in range(20))
    training = {"steps": 8000, "snapshots": 5, "history_interval": 80}
    study = make_study(variants, ("digits",), seeds=3, training=training)
    inputs = make_results(folder, study, metrics=FEW_METRICS)
    with pytest.MonkeyPatch.context() as patch, without_pdf():
        # the rooms of a study of four datasets and all metrics
        patch.setattr(attachments, "ROOM", attachments.ROOM // 3)
        patch.setattr(matrix, "MOST_CELLS", matrix.MOST_CELLS // 8)
        for module in (learning_curves, game_curves, update_sizes):
            patch.setattr(module, "MANY_RUNS", 59)
        write_report(study, inputs, folder / "report")
    return folder / "report/report.html"


def test_long_table_is_named_with_its_place_and_short_ones_can_be_saved(page):
    text = page.read_text()
    assert 'href="pairs.csv"' in text
    assert 'href="tables/pairs.tex"' in text
    assert (page.parent / "pairs.csv").exists()
    assert (page.parent / "tables/pairs.tex").exists()
    assert 'download="pairs.csv"' not in text
    assert 'download="summary.csv" href="data:text/csv' in text


def test_matrices_of_other_metrics_are_left_to_the_csv_and_the_primary_one_is_shown(page):
    text = page.read_text()
    assert text.count('<table class="matrix">') == 1
    section = text[text.index('<section id="differences"') : text.index('<section id="curves"')]
    measures = len(re.findall(r'<div class="measured', section))
    assert text.count("every pair is in") == measures - 1 == 2


def count_seeds(page, label: str) -> int:
    """The paths of single seeds in the first figure whose text alternative begins with `label`."""
    figure = re.search(rf'<svg[^>]*aria-label="{re.escape(label)}.*?</svg>', page, re.S)
    return len(re.findall(r'<path[^>]*class="variant-\d+ seed-\d+', figure[0]))


def test_single_seeds_are_in_the_main_figures_only(page):
    text = page.read_text()
    for main in ("Fréchet distance, lower", "D(x): D on real", "V(D, G) of", "Gradient norm of G"):
        assert count_seeds(text, main) == 60
    for other in ("Recall, higher", "Loss of D", "Gradient norm of D", "Update of G, on"):
        assert count_seeds(text, other) == 0
    assert text.count("Of so many runs only means are drawn.") >= 2 * 4


def test_tables_fill_the_room_smallest_first(monkeypatch):
    csv, latex = {"long": "x" * 90, "short": "y", "middle": "z" * 30}, {}
    latex = dict.fromkeys(csv, "t")
    monkeypatch.setattr(attachments, "ROOM", 150)
    assert attachments.choose_attached(csv, latex) == {
        "short": ("y", "t"),
        "middle": ("z" * 30, "t"),
    }
    monkeypatch.setattr(attachments, "ROOM", 1000)
    assert list(attachments.choose_attached(csv, latex)) == ["long", "short", "middle"]


def draw_svg(*groups: tuple[str, str, str]) -> ElementTree.Element:
    """An inline figure of paths in groups, each with an id, a style and a clip path."""
    paths = "".join(
        f'<g id="{name}">'
        f'<path d="M 0 0 L 1 1" clip-path="url(#{clip})" style="stroke: {style}"/></g>'
        for name, style, clip in groups
    )
    text = f'<svg xmlns="{SVG[1:-1]}" viewBox="0 0 10 10">{paths}</svg>'
    return ElementTree.fromstring(make_inline(text, "name", "text", 10, {}).svg)


def test_seeds_of_a_variant_share_one_style_and_keep_their_classes():
    root = draw_svg(
        ("variant-0-seed-0-line-0", "red", "a"),
        ("variant-0-seed-1-line-1", "red", "a"),
        ("variant-0-line-2", "red", "a"),
        ("variant-1-seed-0-line-3", "blue", "a"),
    )
    group, mean, single = root
    assert group.tag == f"{SVG}g"
    assert [path.get("class") for path in group] == ["variant-0 seed-0", "variant-0 seed-1"]
    assert {*group[0].attrib} == {"class", "d"}
    style = group.get("class")
    assert mean.get("class") == f"variant-0 {style}"
    assert single.get("class").startswith("variant-1 seed-0 ")
    assert style not in single.get("class")


def test_seeds_of_another_style_or_clip_path_are_in_another_group():
    names = [f"variant-0-seed-{seed}-line-{seed}" for seed in range(4)]
    root = draw_svg(*zip(names, ("red", "red", "blue", "blue"), "aaaa", strict=True))
    assert [len(group) for group in root] == [2, 2]
