"""Tables of the report: leaderboard, matrix of pairs, LaTeX, and pictures of samples."""

import base64
import io
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from ganbench.report.latex_tables import escape_latex, format_tables, format_tabular
from ganbench.report.leaderboard import (
    build_board,
    build_leaderboards,
    count_collapses,
    group_incomparable,
    name_lost_runs,
    place_on_axis,
)
from ganbench.report.matrix import build_matrices
from ganbench.report.report import make_tables
from ganbench.report.results import read_results, read_scores
from ganbench.report.sample_pictures import COLUMNS, QUALITIES, ROOM, ROWS, encode_pictures
from ganbench.report.samples_shown import arrange_samples
from ganbench.wording import number
from matplotlib import get_data_path
from PIL import Image
from report_example import make_results, make_study

FD = ("FD-classifier", "held_out")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    resolved = make_study(("minimax", "hinge", "non_saturating"), ("digits", "mixture_1d"))
    diverged = [("digits", "hinge", seed) for seed in range(5)] + [("digits", "minimax", 4)]
    return read_results(
        resolved, make_results(tmp_path_factory.mktemp("results"), resolved, diverged)
    )


@pytest.fixture(scope="module")
def tables(results):
    return make_tables(results)


def test_leaderboard_ranks_by_the_primary_metric_above_the_floor(results, tables):
    board = build_board(results, tables["summary"], (), "digits", FD)
    assert [row["variant"] for row in board["rows"]] == ["minimax", "non_saturating", "hinge"]
    assert [len(row["seeds"]) for row in board["rows"]] == [4, 5, 0]
    assert [row["failed"] for row in board["rows"]] == [1, 0, 5]
    assert board["floor"] == 15.0
    assert board["low"] == 15.0  # the floor is within the axis of the dots


def test_what_typical_images_alone_can_score_is_never_shown_without_recall(results, tables):
    summary = tables["summary"].set_index(["dataset", "metric", "reference", "variant"])["mean"]
    for metric, other in (("precision", "Recall"), ("coverage", "Recall"), ("FD", "")):
        measure = (f"{metric}-classifier", "held_out")
        board = build_board(results, tables["summary"], (), "digits", measure)
        beside = {row["variant"]: row["beside"] for row in board["rows"]}
        if not other:
            assert set(beside.values()) == {""}
            continue
        mean = summary["digits", f"{other.lower()}-classifier", "held_out", "non_saturating"]
        assert beside["non_saturating"] == f"{other} {number(mean)}"
        assert beside["hinge"] == f"{other} –"  # all of its runs diverged


def test_leaderboard_ranks_downwards_if_higher_is_better(results, tables):
    board = build_board(results, tables["summary"], (), "digits", ("recall-classifier", "held_out"))
    means = [row["mean"] for row in board["rows"] if row["mean"] is not None]
    assert means == sorted(means, reverse=True)


def test_every_metric_has_a_board_and_the_primary_one_comes_first(results, tables):
    boards = build_leaderboards(results, tables["summary"], ())
    digits = [board["measure"] for board in boards if board["dataset"] == "digits"]
    assert digits[0] == "Fréchet distance against held-out images"
    assert "Fréchet distance against training images" in digits  # reveals memorised samples
    assert "Relative distance to the training images" in digits
    assert "Recall against training images" not in digits
    assert [board["primary"] for board in boards].count(True) == 2


def test_best_snapshot_is_at_least_as_good_as_the_last_one(results, tables):
    for row in build_board(results, tables["summary"], (), "digits", FD)["rows"]:
        assert row["best"] is None or row["best"] <= row["mean"]


def test_collapsed_runs_are_counted_beside_failed_ones(results, tables):
    rates = tables["rates"].copy()
    of_minimax = rates["outcome"].eq("collapsed") & rates["variant"].eq("minimax")
    rates.loc[of_minimax & rates["dataset"].eq("digits"), "count"] = 2
    collapses = count_collapses(rates)
    board = build_board(results, tables["summary"], (), "digits", FD, collapses=collapses)
    outcomes = {row["variant"]: row["outcomes"] for row in board["rows"]}
    assert outcomes == {
        "minimax": "1 failed, 2 collapsed",
        "non_saturating": "",
        "hinge": "5 failed",
    }


@pytest.mark.parametrize(
    ("failed", "collapsed", "words"),
    [(0, 0, ""), (1, 0, "Which failed"), (0, 1, "Which collapsed"), (1, 2, "Which runs")],
)
def test_link_to_lost_runs_says_what_became_of_them(failed, collapsed, words):
    rows = [{"failed": failed, "collapsed": 0}, {"failed": 0, "collapsed": collapsed}]
    assert name_lost_runs([{"primary": True, "rows": rows}]) == words
    assert name_lost_runs([{"primary": False, "rows": rows}]) == ""


def test_mean_is_named_after_the_scale_of_its_metric(results, tables):
    measures = {FD: "geometric mean", ("recall-classifier", "held_out"): "arcsine mean"}
    for measure, name in measures.items():
        assert build_board(results, tables["summary"], (), "digits", measure)["mean_name"] == name
    summary = format_tables(results, tables)["summary"]
    assert re.search(
        r"digits, mean \(geometric for FD-classifier.*; arcsine for .*recall-classifier.*\) over",
        summary,
    )


def test_budget_counts_updates_images_and_operations(results, tables):
    row = build_board(results, tables["summary"], (), "digits", FD)["rows"][0]
    used = {unit: spent["text"] for unit, spent in row["budget"].items()}
    assert used == {"D updates": "100", "G updates": "100", "images": "6,400"}
    assert row["flops"] == 100 * 4.1e8
    assert row["work"] == "41 GFLOP"


def test_published_number_is_on_the_board_only_if_it_is_comparable(results, tables):
    number = {"dataset": "digits", "variant": "minimax", "metric": "FD-classifier", "mean": 9.8}
    number |= {"std": 0.9, "source": "A paper", "note": ""}
    beside = number | {"comparable": True, "mismatches": []}
    kept_out = [
        number | {"variant": name, "comparable": False, "mismatches": ["samples is 100"]}
        for name in ("minimax", "hinge")
    ]
    board = build_board(results, tables["summary"], [beside, *kept_out], "digits", FD)
    assert [entry["mean"] for entry in board["published"]] == [9.8]
    assert board["low"] == 9.8
    assert (
        build_board(results, tables["summary"], [beside], "mixture_1d", ("JSD", "none"))[
            "published"
        ]
        == []
    )
    (reason,) = group_incomparable([beside, *kept_out])
    assert reason["variants"] == ["minimax 9.8", "hinge 9.8"]


def test_matrix_mirrors_each_pair_with_the_opposite_sign(results, tables):
    (matrix,) = [
        matrix
        for matrix in build_matrices(results, tables["pairs"])
        if matrix["dataset"] == "digits" and matrix["primary"]
    ]
    cells = {
        (row["variant"], other): cell
        for row in matrix["rows"]
        for other, cell in zip(results.variants, row["cells"], strict=True)
    }
    assert cells["minimax", "minimax"] is None
    forward, backward = cells["minimax", "non_saturating"], cells["non_saturating", "minimax"]
    assert forward["value"] == "−" + backward["value"]  # minimax is better: its distance is smaller
    assert (forward["kind"], backward["kind"]) == ("better", "worse")
    assert (forward["sign"], backward["sign"]) == ("▲", "▼")
    failed = cells["hinge", "minimax"]  # all five of hinge against one of five
    assert (failed["kind"], failed["value"]) == ("worse", "–")
    assert "failed 5 against 1" in failed["tooltip"]


TABULAR = re.compile(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}\n(.*?)\\end\{tabular\}\\par\n", re.S)
AROUND = re.compile(
    r"\}?|\{\\footnotesize|\\setlength\{\\tabcolsep\}\{4pt\}\\noindent|\\medskip|\}"
    r"|\\medskip\\noindent (?:[\w ,;.()-]|\\_)+\\par\\smallskip"
)
"""Lines around a tabular."""
STACK = re.compile(r"\\shortstack\[r\]\{((?:[\w.-]|\\_)+)\\\\(against (?:\w|\\_)+)\}")
COMMAND = re.compile(
    r"\\(?:toprule|midrule|bottomrule|textbackslash|textasciitilde|textasciicircum|times|pm|[&%$#_{}]|\\)"
)


def check_latex(text: str) -> None:
    """Finds the mistakes at which LaTeX would stop; LaTeX itself may not be installed."""
    bodies = TABULAR.findall(text)
    assert bodies
    rest = TABULAR.sub("", text)
    assert [line for line in rest.splitlines() if not AROUND.fullmatch(line)] == []
    assert rest.count("{") == rest.count("}")
    for columns, body in bodies:
        lines = body.strip().split("\n")
        assert (lines[0], lines[2], lines[-1]) == (r"\toprule", r"\midrule", r"\bottomrule")
        for line in [lines[1], *lines[3:-1]]:
            assert line.endswith(r" \\")
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
            plain = COMMAND.sub("", STACK.sub(r"\1 \2", line))
            assert "\\" not in plain
            assert plain.count("$") % 2 == 0
            assert not set(re.sub(r"&|\$[<>-]?\$|\{\}", "", plain)) & set("#%_^~\\{}$<>")
            assert line.isascii()


def test_every_table_compiles_in_latex(results, tables, tmp_path):
    latex = format_tables(results, tables)
    assert set(latex) == {"summary", "comparisons", "pairs", "rates", "ranks", "noise"}
    for text in latex.values():
        check_latex(text)
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine:
        body = "\n\n".join(latex.values())
        (tmp_path / "all.tex").write_text(
            "\\documentclass{article}\\usepackage{booktabs}\\textwidth=6.5in\\begin{document}\n"
            f"{body}\\end{{document}}\n"
        )
        done = subprocess.run(
            [engine, "all.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout


def test_no_table_is_wider_than_a_line_of_an_article(results, tables):
    for name, text in format_tables(results, tables).items():
        for columns, body in TABULAR.findall(text):
            rows = [
                line.removesuffix(r" \\") for line in body.splitlines() if line.endswith(r" \\")
            ]
            cells = zip(*(row.split(" & ") for row in rows), strict=True)
            width = sum(max(map(measure_cell, column)) for column in cells) + 8 * (len(columns) - 1)
            assert width <= 6.5 * 72.27, name


def measure_cell(cell: str) -> float:
    """The width of a cell in points, in Computer Modern of 8 points, which is \\footnotesize."""
    font = TTFont(f"{get_data_path()}/fonts/ttf/cmr10.ttf")
    glyphs, widths, units = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    stacked = STACK.fullmatch(cell)
    lines = stacked.groups() if stacked else [re.sub(r"\$[-<>]\$|\\[&%]", "m", cell)]
    return (
        max(
            sum(widths[glyphs.get(ord(letter), "zero")][0] for letter in line.replace("\\", ""))
            for line in lines
        )
        * 8
        / units
    )


def test_wide_table_is_split_and_each_part_has_the_names():
    columns = {
        f"metric-{number} against held_out": ["1.234 (1.000 to 2.000)"] for number in range(9)
    }
    tabular = format_tabular(pd.DataFrame({"variant": ["some_name"]} | columns), title="a_b")
    parts = TABULAR.findall(tabular)
    assert [len(alignment) for alignment, _ in parts] == [4, 4, 4]
    assert all("variant & " in body and r"some\_name & " in body for _, body in parts)
    assert tabular.count(r"against held\_out}") == 9
    assert r"\medskip\noindent a\_b\par" in tabular
    check_latex(tabular)


@pytest.mark.promise("safe-latex")
def test_text_is_escaped_in_latex():
    table = pd.DataFrame({"variant": ["50 % & more", r"\input{x}"], "a_b": ["−1.5", "< 0.001"]})
    tabular = format_tabular(table)
    assert r"variant & a\_b \\" in tabular
    assert r"50 \% \& more & $-$1.5 \\" in tabular
    assert r"\textbackslash{}input\{x\} & $<$ 0.001 \\" in tabular
    assert "\\begin{tabular}{@{}lr@{}}\n\\toprule\n" in tabular
    check_latex(tabular)


def test_check_of_latex_finds_unescaped_text():
    with pytest.raises(AssertionError):
        check_latex(format_tabular(pd.DataFrame({"a": ["x"]})).replace("x", "a_b"))
    with pytest.raises(AssertionError):
        check_latex(format_tabular(pd.DataFrame({"a": ["x"]})).replace("x", "x & y"))
    assert escape_latex("~^") == r"\textasciitilde{}\textasciicircum{}"


def test_failed_runs_are_counted_in_the_table_for_format_tables(results, tables):
    assert "-- & " not in format_tables(results, tables)["rates"]
    assert "of 5, 1 failed" in format_tables(results, tables)["summary"]


def test_summary_is_the_same_when_read_back(results, tables, tmp_path):
    tables["summary"].to_csv(tmp_path / "summary.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "summary.csv"), tables["summary"])


def test_learning_curves_have_the_budget_used_by_each_score(results):
    row = results.curves.query("dataset == 'digits' and variant == 'minimax' and seed == 0")
    row = row[row["step"] == 50].iloc[0]
    past = results.history.query("dataset == 'digits' and variant == 'minimax' and seed == 0")
    assert row["updates"] == 50
    assert row["seconds"] == past[past["step"] == 50]["seconds"].iloc[0]


@pytest.mark.parametrize("name", ["1", "010", "1e5", "nan", "null", "none", "true", "inf"])
def test_names_that_look_like_other_values_stay_text_in_tables(name, tmp_path):
    columns = "dataset,variant,seed,step,reference,metric,value"
    rows = f"{name},{name},0,40,none,JSD,0.5\n{name},{name},0,80,none,JSD,nan\n"
    (tmp_path / "scores.csv").write_text(f"{columns}\n{rows}")
    scores = read_scores(tmp_path / "scores.csv")
    assert [*scores["dataset"], *scores["variant"], *scores["reference"]] == [name] * 4 + [
        "none"
    ] * 2
    assert scores["seed"].tolist() == [0, 0]
    assert scores["value"].isna().tolist() == [False, True]


def test_score_of_a_repeated_snapshot_is_the_mean_of_its_repeats(tmp_path):
    resolved = make_study(("minimax",), seeds=1)
    inputs = make_results(tmp_path, resolved)
    scores = pd.read_csv(inputs["scores"][0])
    again = scores[scores["step"] == 100].assign(repeat=1, value=lambda table: table["value"] + 2)
    pd.concat([scores, again]).to_csv(inputs["scores"][0], index=False)
    curves = read_results(resolved, inputs).curves
    assert len(curves) == len(scores)
    last = curves[curves["step"] == 100]["value"].to_numpy()
    assert last == pytest.approx(scores[scores["step"] == 100]["value"].to_numpy() + 1)


def test_pictures_are_compressed_only_if_they_take_too_much_room(tmp_path, monkeypatch):
    resolved = make_study(("minimax",), seeds=1)
    results = read_results(resolved, make_results(tmp_path, resolved))
    pictures = encode_pictures(results)
    assert pictures.quality is None
    addresses = pictures.addresses.values()
    assert sum(map(len, addresses)) < ROOM
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    monkeypatch.setattr("ganbench.report.sample_pictures.ROOM", 3000)
    pictures = encode_pictures(results)
    assert pictures.quality in QUALITIES
    addresses = pictures.addresses.values()
    assert all(address.startswith("data:image/webp;base64,") for address in addresses)


def test_page_shows_the_first_latents_of_every_snapshot_as_a_block(tmp_path):
    resolved = make_study(("minimax",), seeds=1)
    results = read_results(resolved, make_results(tmp_path, resolved))
    (path,) = results.samples.values()
    whole = np.asarray(Image.open(path))
    content = base64.b64decode(encode_pictures(results).addresses[path].split(",")[1])
    blocks = np.asarray(Image.open(io.BytesIO(content)))
    cell = 9  # digits have 8 pixels, and a line between two of them
    assert blocks.shape == (4 * ROWS * cell, COLUMNS * cell)
    for snapshot in range(4):
        for place in range(ROWS * COLUMNS):
            down, right = divmod(place, COLUMNS)
            top, left = (snapshot * ROWS + down) * cell, right * cell
            shown = blocks[top : top + cell, left : left + cell]
            row = whole[snapshot * cell : (snapshot + 1) * cell]
            assert np.array_equal(shown, row[:, place * cell : (place + 1) * cell])


def test_page_has_pictures_of_the_first_seed_and_addresses_of_the_others(tmp_path):
    resolved = make_study(seeds=3)
    results = read_results(resolved, make_results(tmp_path, resolved))
    pictures = encode_pictures(results)
    assert {run for run, path in results.samples.items() if path in pictures.addresses} == {
        ("digits", variant, 0) for variant in resolved["variants"]
    }
    shown = arrange_samples(results, pictures)["digits"]
    files = shown["data"]["runs"]["1"]["2"]
    assert files["folder"] == "runs/digits/non_saturating/seed2"
    assert files["nearest"] is True
    assert files["steps"] == shown["steps"] == [25, 50, 75, 100]


def test_axis_of_a_board_is_logarithmic_where_scores_span_powers(results, tables):
    board = {"low": 10.0, "high": 1000.0, "logarithmic": True}
    assert [place_on_axis(value, board) for value in (10.0, 100.0, 1000.0)] == pytest.approx(
        [0, 0.5, 1]
    )
    assert place_on_axis(505.0, board | {"logarithmic": False}) == pytest.approx(0.5)
    assert place_on_axis(2.0, {"low": 2.0, "high": 2.0, "logarithmic": True}) == 0
    summary = tables["summary"].copy()
    of_first = (summary["dataset"] == "digits") & (summary["metric"] == FD[0])
    board = build_board(results, summary, (), "digits", FD)
    assert not board["logarithmic"]
    assert not board["rows"][0]["mean"] > 10 * board["floor"]
    rows = summary.loc[of_first & (summary["reference"] == FD[1]), "values"]
    summary.loc[rows.index[0], "values"] = rows.iloc[0].replace(rows.iloc[0].split()[0], "1e5")
    board = build_board(results, summary, (), "digits", FD)
    assert board["logarithmic"]
    assert board["high"] == 1e5
