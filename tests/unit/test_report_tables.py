"""Tables of the report: what they rank, compare and count, and that LaTeX can read them."""

import base64
import io
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from ganbench.report import report as write
from ganbench.report.latex_tables import escaped, latex, papers
from ganbench.report.leaderboard import board, leaderboards, refused
from ganbench.report.matrix import matrices
from ganbench.report.results import gather
from ganbench.report.sample_pictures import ROOM, pictures
from ganbench.wording import duration, interval, number, operations, p_value, whole_percent
from PIL import Image
from report_example import make_results, make_study

FD = ("FD-classifier", "held_out")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    resolved = make_study(("minimax", "hinge", "non_saturating"), ("digits", "mixture_1d"))
    diverged = [("digits", "hinge", seed) for seed in range(5)] + [("digits", "minimax", 4)]
    return gather(resolved, make_results(tmp_path_factory.mktemp("results"), resolved, diverged))


@pytest.fixture(scope="module")
def tables(results):
    return write.evidence(results)


def test_leaderboard_ranks_by_the_primary_metric_above_the_floor(results, tables):
    found = board(results, tables["summary"], (), "digits", FD)
    assert [row["variant"] for row in found["rows"]] == ["minimax", "non_saturating", "hinge"]
    assert [len(row["seeds"]) for row in found["rows"]] == [4, 5, 0]
    assert [row["failed"] for row in found["rows"]] == [1, 0, 5]
    assert found["floor"] == 15.0
    assert found["low"] == 15.0  # the floor is within the axis of the dots


def test_leaderboard_of_a_metric_where_more_is_better_ranks_downwards(results, tables):
    found = board(results, tables["summary"], (), "digits", ("recall-classifier", "held_out"))
    means = [row["mean"] for row in found["rows"] if row["mean"] is not None]
    assert means == sorted(means, reverse=True)


def test_every_metric_has_a_board_and_the_primary_one_comes_first(results, tables):
    boards = [each for each in leaderboards(results, tables["summary"], ())]
    digits = [each["measure"] for each in boards if each["dataset"] == "digits"]
    assert digits[0] == "FD-classifier against held_out"
    assert "FD-classifier against train" in digits  # beside held_out it tells of memorisation
    assert "recall-classifier against train" not in digits
    assert [each["primary"] for each in boards].count(True) == 2


def test_best_snapshot_is_at_least_as_good_as_the_last(results, tables):
    for row in board(results, tables["summary"], (), "digits", FD)["rows"]:
        assert row["best"] is None or row["best"] <= row["mean"]


def test_budget_counts_updates_images_and_operations(results, tables):
    row = board(results, tables["summary"], (), "digits", FD)["rows"][0]
    shown = {unit: each["shown"] for unit, each in row["budget"].items()}
    assert shown == {"D updates": "100", "G updates": "100", "images": "6,400"}
    assert row["flops"] == 100 * 4.1e8
    assert row["work"] == "41 GFLOP"


def test_published_number_stands_beside_where_it_may_and_is_explained_where_not(results, tables):
    number = {"dataset": "digits", "variant": "minimax", "metric": "FD-classifier", "mean": 9.8}
    number |= {"std": 0.9, "source": "A paper", "note": ""}
    beside = number | {"laid_beside": True, "mismatches": []}
    kept_out = [
        number | {"variant": name, "laid_beside": False, "mismatches": ["samples is 100"]}
        for name in ("minimax", "hinge")
    ]
    found = board(results, tables["summary"], [beside, *kept_out], "digits", FD)
    assert [each["mean"] for each in found["published"]] == [9.8]
    assert found["low"] == 9.8
    assert (
        board(results, tables["summary"], [beside], "mixture_1d", ("JSD", "none"))["published"]
        == []
    )
    (reason,) = refused([beside, *kept_out])
    assert reason["variants"] == ["minimax 9.8", "hinge 9.8"]


def test_matrix_mirrors_each_pair_with_the_sign_turned(results, tables):
    (found,) = [
        each
        for each in matrices(results, tables["pairs"])
        if each["dataset"] == "digits" and each["primary"]
    ]
    cells = {
        (row["variant"], other): cell
        for row in found["rows"]
        for other, cell in zip(results.variants, row["cells"], strict=True)
    }
    assert cells["minimax", "minimax"] is None
    there, back = cells["minimax", "non_saturating"], cells["non_saturating", "minimax"]
    assert there["value"] == "−" + back["value"]  # minimax is better: its distance is smaller
    assert (there["kind"], back["kind"]) == ("better", "worse")
    assert (there["sign"], back["sign"]) == ("▲", "▼")
    assert cells["hinge", "minimax"]["kind"] == "missing"


TABULAR = re.compile(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}\n", re.S)
COMMAND = re.compile(
    r"\\(?:toprule|midrule|bottomrule|textbackslash|textasciitilde|textasciicircum|times|pm|[&%$#_{}]|\\)"
)


def check_latex(text: str) -> None:
    """All that LaTeX would stumble over, where LaTeX itself is not installed."""
    bodies = TABULAR.findall(text)
    assert bodies
    rest = TABULAR.sub("", text)
    assert all(line.startswith("% ") for line in rest.splitlines() if line)
    for columns, body in bodies:
        lines = body.strip().split("\n")
        assert (lines[0], lines[2], lines[-1]) == (r"\toprule", r"\midrule", r"\bottomrule")
        for line in [lines[1], *lines[3:-1]]:
            assert line.endswith(r" \\")
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
            plain = COMMAND.sub("", line)
            assert "\\" not in plain
            assert plain.count("$") % 2 == 0
            assert not set(re.sub(r"&|\$[<>-]?\$|\{\}", "", plain)) & set("#%_^~\\{}$<>")
            assert line.isascii()


def test_every_table_is_latex_that_compiles(results, tables, tmp_path):
    written = papers(results, tables)
    assert set(written) == {"summary", "comparisons", "pairs", "rates", "ranks", "noise"}
    for text in written.values():
        check_latex(text)
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine:
        body = "\n\n".join(written.values())
        (tmp_path / "all.tex").write_text(
            "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\tiny\n"
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


def test_latex_escapes_what_latex_would_run():
    table = pd.DataFrame({"a_b": ["50 % & more", r"\input{x}"], "value": ["−1.5", "< 0.001"]})
    shown = latex(table, ["a_b"])
    assert r"a\_b & value \\" in shown
    assert r"50 \% \& more & $-$1.5 \\" in shown
    assert r"\textbackslash{}input\{x\} & $<$ 0.001 \\" in shown
    assert shown.startswith("\\begin{tabular}{lr}\n\\toprule\n")
    check_latex(shown)


def test_what_has_no_place_in_latex_is_refused_by_the_check():
    with pytest.raises(AssertionError):
        check_latex(latex(pd.DataFrame({"a": ["x"]})).replace("x", "a_b"))
    with pytest.raises(AssertionError):
        check_latex(latex(pd.DataFrame({"a": ["x"]})).replace("x", "x & y"))
    assert escaped("~^") == r"\textasciitilde{}\textasciicircum{}"


def test_failed_runs_are_counted_in_the_table_for_papers(results, tables):
    assert "-- & " not in papers(results, tables)["rates"]
    assert "of 5, 1 failed" in papers(results, tables)["summary"]


def test_numbers_of_the_summary_are_read_back_as_they_were(results, tables, tmp_path):
    tables["summary"].to_csv(tmp_path / "summary.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "summary.csv"), tables["summary"])


def test_learning_curves_know_what_each_score_had_cost(results):
    row = results.curves.query("dataset == 'digits' and variant == 'minimax' and seed == 0")
    row = row[row["step"] == 50].iloc[0]
    past = results.history.query("dataset == 'digits' and variant == 'minimax' and seed == 0")
    assert row["updates"] == 50
    assert row["seconds"] == past[past["step"] == 50]["seconds"].iloc[0]


def test_score_of_a_repeated_snapshot_is_the_mean_of_its_repeats(tmp_path):
    resolved = make_study(("minimax",), seeds=1)
    inputs = make_results(tmp_path, resolved)
    scores = pd.read_csv(inputs["scores"][0])
    again = scores[scores["step"] == 100].assign(repeat=1, value=lambda table: table["value"] + 2)
    pd.concat([scores, again]).to_csv(inputs["scores"][0], index=False)
    found = gather(resolved, inputs).curves
    assert len(found) == len(scores)
    last = found[found["step"] == 100]["value"].to_numpy()
    assert last == pytest.approx(scores[scores["step"] == 100]["value"].to_numpy() + 1)


def test_pictures_are_as_they_were_where_they_fit_and_compressed_where_not(tmp_path, monkeypatch):
    resolved = make_study(("minimax",), seeds=1)
    results = gather(resolved, make_results(tmp_path, resolved))
    found = pictures(results)
    assert found.quality is None
    assert sum(map(len, found.addresses.values())) < ROOM
    assert all(each.startswith("data:image/png;base64,") for each in found.addresses.values())
    monkeypatch.setattr("ganbench.report.sample_pictures.ROOM", 3000)
    found = pictures(results)
    assert found.quality in (80, 65, 50, 35)
    assert all(each.startswith("data:image/webp;base64,") for each in found.addresses.values())


def test_page_shows_the_first_ten_latents_of_every_row(tmp_path):
    resolved = make_study(("minimax",), seeds=1)
    results = gather(resolved, make_results(tmp_path, resolved))
    (path,) = results.samples.values()
    whole = np.asarray(Image.open(path))
    content = base64.b64decode(pictures(results).addresses[path].split(",")[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), whole[:, : 10 * 9 - 1])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (-1.23456, "−1.23"), (12345.6, "12346"), (0.000123456, "0.000123")],
)
def test_numbers_are_short_and_have_a_true_minus(value, shown):
    assert number(value) == shown


def test_value_and_interval_have_the_decimals_that_the_interval_deserves():
    assert interval(25.8748, 16.8509, 34.8987) == ("25.9", "16.9 to 34.9")
    assert interval(-0.0667, -1.234, 1.1) == ("−0.07", "−1.23 to 1.10")
    assert interval(25.8748, None, None) == ("25.9", "")


@pytest.mark.parametrize(
    ("p", "shown"), [(None, "–"), (0.0567, "0.057"), (0.0002, "< 0.001"), (1.0, "1.000")]
)
def test_chances_have_three_decimals(p, shown):
    assert p_value(p) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(42.4, "42 s"), (180, "3 min"), (9000, "2.5 h")])
def test_durations_read_as_people_say_them(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(3.28e12, "3.28 TFLOP"), (4.1e10, "41 GFLOP"), (12, "12 FLOP"), (None, "–")],
)
def test_operations_have_a_prefix(count, shown):
    assert operations(count) == shown


def test_shares_are_whole_percentages():
    assert [whole_percent(each) for each in (0.2, None, float("nan"), 1)] == [
        "20 %",
        "–",
        "–",
        "100 %",
    ]
