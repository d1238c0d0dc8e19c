"""What keeps a page of many runs small: tables beside it, and curves as one block of data."""

import json
import re

import pytest
from ganbench.report import attachments, matrix
from ganbench.report import page as report_page
from ganbench.report.figures import game_curves, learning_curves, update_sizes
from ganbench.report.report import write_report
from report_example import FEW_METRICS, make_results, make_study, without_pdf


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
        patch.setattr(attachments, "ROOM", attachments.ROOM // 2)
        patch.setattr(matrix, "MOST_CELLS", matrix.MOST_CELLS // 8)
        for module in (learning_curves, game_curves, update_sizes, report_page):
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
    assert 'download="rates.csv" href="data:text/csv' in text


def test_matrices_of_other_metrics_are_left_to_the_csv_and_the_primary_one_is_shown(page):
    text = page.read_text()
    assert text.count('<table class="matrix">') == 1
    section = text[text.index('<section id="differences"') : text.index('<section id="curves"')]
    measures = len(re.findall(r'<div class="measured', section))
    assert text.count("every pair is in") == measures - 1 == 2


def has_seeds(page, name: str) -> bool:
    """Whether a figure's file shows single seeds of the first variant."""
    text = (page.parent / f"figures/{name}.svg").read_text(encoding="utf-8")
    assert '<g id="variant-0-line-' in text  # the mean
    return '<g id="variant-0-seeds-' in text


def test_single_seeds_are_in_the_main_files_only_and_all_are_on_the_page(page):
    mains = ("curve-digits-fd-classifier", "game-digits-d-real", "game-digits-g-grad-norm")
    others = ("curve-digits-recall-classifier", "game-digits-d-loss", "game-digits-g-update-size")
    assert [has_seeds(page, name) for name in mains] == [True] * 3
    assert [has_seeds(page, name) for name in others] == [False] * 3
    text = page.read_text()
    assert "which show means only, as the study has more than 400 runs" in text
    data = json.loads(re.search(r'id="curve-data">(.*?)</script>', text, re.S)[1])
    for table in ("scores", "history"):
        runs = [tuple(run[:2]) for run in data["datasets"]["digits"][table]["runs"]]
        assert sorted(runs) == [(place, seed) for place in range(20) for seed in range(3)]


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
