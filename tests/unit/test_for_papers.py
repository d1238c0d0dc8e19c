"""What a paper takes from a study: a narrow table, a paragraph of methods, and a citation."""

import re

import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from ganbench.evidence.verdict import Verdict, VerdictKind
from ganbench.report.methods_paragraph import describe_origin, write_methods
from ganbench.report.paper_tables import (
    NO_BOLD,
    SOME_BOLD,
    build_paper_tables,
    format_paper_latex,
    format_paper_markdown,
)
from ganbench.report.report import make_tables
from ganbench.report.reproduction import list_repositories
from ganbench.report.results import read_results
from matplotlib import get_data_path
from report_example import make_results, make_study

COLUMN = 234
"""Points of the narrower of the usual columns, 3.25 inches."""

VARIANTS = ("minimax", "non_saturating_adam", "wgan_gp")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    study = make_study(VARIANTS, ("digits", "mixture_1d"), margin="10 %", recipe="equal")
    diverged = [("digits", "wgan_gp", 4)]
    return read_results(study, make_results(tmp_path_factory.mktemp("runs"), study, diverged))


@pytest.fixture(scope="module")
def tables(results):
    return make_tables(results)


def with_verdicts(tables, kinds):
    """The tables in which pairs of (variant, baseline) by FD have the given verdicts."""
    pairs = tables["pairs"].copy()
    for row in pairs.index[pairs["metric"] == "FD-classifier"]:
        kind = kinds.get((pairs.loc[row, "variant"], pairs.loc[row, "baseline"]))
        pairs.at[row, "verdict"] = Verdict(kind or VerdictKind.INCONCLUSIVE)
    return {**tables, "pairs": pairs}


def test_table_has_the_primary_metric_first_then_recall_and_precision(results, tables):
    digits, points = build_paper_tables(results, tables)
    assert digits.headings == [("FD", "↓"), ("recall", "↑"), ("precision", "↑")]
    assert list(digits.rows) == list(VARIANTS)
    assert digits.real == ["15", "0.4", "0.84"]
    assert digits.failed == {
        "minimax": "0 of 5",
        "non_saturating_adam": "0 of 5",
        "wgan_gp": "1 of 5",
    }
    assert points.headings == [("JSD", "↓")]
    assert points.failed == {}


def test_best_is_bold_only_where_it_beat_every_other_variant(results, tables):
    pairs = tables["pairs"]
    names = pairs[["variant", "baseline"]].drop_duplicates().itertuples(index=False, name=None)
    won = {
        pair: VerdictKind.BETTER if pair[0] == "minimax" else VerdictKind.WORSE
        for pair in names
        if "minimax" in pair
    }
    table = build_paper_tables(results, with_verdicts(tables, won))[0]
    assert {name: cells[0].is_best for name, cells in table.rows.items()} == {
        "minimax": True,
        "non_saturating_adam": False,
        "wgan_gp": False,
    }
    assert table.caption.endswith(SOME_BOLD)
    assert r"minimax & $\mathbf{" in format_paper_latex(results, [table])
    assert re.search(r"\| minimax \| \*\*[\d.]+\*\* \(", format_paper_markdown([table]))
    some = dict(list(won.items())[:1])
    assert build_paper_tables(results, with_verdicts(tables, some))[0].caption.endswith(NO_BOLD)


def test_latex_is_escaped_has_a_label_and_fits_one_column_of_two(results, tables):
    text = format_paper_latex(results, build_paper_tables(results, tables))
    assert text.isascii()
    assert text.count(r"\begin{table}[t]") == text.count(r"\end{table}") == 2
    assert r"\label{tab:example-mixture-1d}" in text
    assert r"non\_saturating\_adam & $" in text
    assert r"Fr\'echet" in text
    assert "_" not in re.sub(r"\\_|\$[^$]*\$|\\label\{.*\}", "", text)
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line.removesuffix(r" \\").split(" & ") for line in body.splitlines() if "&" in line]
    assert {len(row) for row in rows} == {5}
    assert sum(max(map(measure, column)) + 8 for column in zip(*rows, strict=True)) < COLUMN


def measure(cell: str) -> float:
    """The width of a cell in points: Computer Modern of 8 points, limits of 6."""
    font = TTFont(f"{get_data_path()}/fonts/ttf/cmr10.ttf")
    glyphs, widths, units = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm

    def width(text: str, size: float) -> float:
        return sum(widths[glyphs.get(ord(letter), "zero")][0] for letter in text) * size / units

    match = re.fullmatch(r"\$(?:\\mathbf\{)?([-.\d]+)\}?_\{(.*)\}\^\{(.*)\}\$", cell)
    if match:
        value, low, high = match.groups()
        return width(value, 8) + max(width(low, 6), width(high, 6))
    return width(re.sub(r"\$\\\w+\$", "m", cell).replace("\\", ""), 8)


def test_markdown_table_has_a_cell_for_each_column(results, tables):
    text = format_paper_markdown(build_paper_tables(results, tables))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert r"| non\_saturating\_adam |" in text
    assert "| :-- | --: | --: | --: | --: |" in rows
    assert {row.count("|") for row in rows} == {3, 6}


def test_methods_paragraph_says_what_was_done(results):
    text = write_methods(results)
    for words in (
        "The samples of digits (Optical recognition of handwritten digits (test part)) are in "
        "disjoint parts: 100 for training and 50 held out.",
        "wgan_gp (objective wasserstein, gradient penalty with λ 10)",
        "Settings of all variants on mixture_1d: mlp of width",
        "Adam, learning rate",
        "Each run took 100 iterations, with 5 training seeds (0, 1, 2, 3, 4) for each variant",
        "The primary metric on digits, declared before training, is FD of the last snapshot "
        "against held-out samples in the features of the extractor classifier (SHA-256 "
        "cccccccccccccccc) from 100 generated samples.",
        "The contrasts are the default, fixed before training: non_saturating_adam against minimax "
        "and wgan_gp against minimax.",
        "margin, 10 %,",
        "Software: ganbench 0.1.0, commit c0ffee",
        "Python 3.11, PyTorch 2.15.0.",
    ):
        assert words in text, text


def test_methods_paragraph_has_the_weights_and_schedules_of_a_variant(tmp_path):
    study = make_study(("minimax", "r3gan"), seeds=1, contrasts=[["r3gan", "minimax"]])
    results = read_results(study, make_results(tmp_path, study, metrics=("FD",)))
    text = write_methods(results)
    for words in (
        "r3gan (objective relativistic, r1 with γ 1, r2 with γ 1)",
        "Schedules of r3gan: optimizer.betas in a cosine from 1 to 1.1 times the number",
        "; regularizers.r1.weight and regularizers.r2.weight in a cosine from 1 to 0.1 times",
        "We declared 1 contrast before training: r3gan against minimax.",
    ):
        assert words in text, text


def test_caption_of_the_paper_names_the_mean_of_each_metric(results, tables):
    digits, points = build_paper_tables(results, tables)
    assert (
        "mean (geometric for FD; arcsine for recall and precision) over 5 training seeds"
        in digits.caption
    )
    assert "mixture_1d: arcsine mean over 5 training seeds" in points.caption


def test_origin_names_versions_and_the_days_of_the_runs(results):
    commit = "c0ffee" * 6 + "c0ff"
    assert describe_origin(results) == [f"ganbench 0.1.0, commit {commit}"]
    dated = [{"date": day, "sha256": "0", "study": {}} for day in ("2026-11-20", "2026-11-22")]
    results.declarations[:] = dated
    assert describe_origin(results)[1:] == ["training began on 2026-11-20 and 2026-11-22"]
    results.declarations.clear()


def test_study_of_one_variant_has_a_table_without_bold(tmp_path):
    study = make_study(("minimax",), seeds=1)
    results = read_results(study, make_results(tmp_path, study, metrics=("FD", "recall")))
    (table,) = build_paper_tables(results, make_tables(results))
    assert "bold" not in table.caption
    (cells,) = table.rows.values()
    assert [cell.low for cell in cells] == ["", ""]  # one seed has no interval
    assert isinstance(make_tables(results)["pairs"], pd.DataFrame)


def test_repositories_are_those_of_the_runs_and_of_the_web_alone(results):
    software = results.runs["software"].iloc[0]
    addresses = (None, "https://example.org/a", "https://example.org/b", "javascript:alert(1)")
    runs = pd.DataFrame(
        {"software": [software, *(software | {"repository": one} for one in addresses * 2)]}
    )
    assert list_repositories(runs) == ["https://example.org/a", "https://example.org/b"]
