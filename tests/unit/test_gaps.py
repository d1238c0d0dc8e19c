"""Columns with gaps: one run diverged, another stopped early, and the report says so in words."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from ganbench.report.figures.curves import average_seeds
from ganbench.report.figures.game_curves import MOST_ROWS, thin_out
from ganbench.report.figures.learning_curves import sketch_learning_curves
from ganbench.report.latex_tables import format_tables
from ganbench.report.report import make_tables, write_report
from ganbench.report.reproduction import collect_values, summarise_stages
from ganbench.report.results import read_results
from report_example import FEW_METRICS, STOPPED, make_results, make_study, without_pdf

DIVERGED, EARLY = ("digits", "minimax", 1), ("digits", "minimax", 2)
NO_WORDS = {"nan", "NaN", "None", "NaT", "inf"}


@pytest.fixture
def study():
    return make_study(seeds=4)


@pytest.fixture
def inputs(study, tmp_path):
    return make_results(
        tmp_path / "runs", study, diverged=[DIVERGED], stopped=[EARLY], metrics=FEW_METRICS
    )


def test_page_of_a_study_with_gaps_prints_no_missing_value_as_text(study, inputs, tmp_path):
    page = write_text_of_page(study, inputs, tmp_path)
    (table,) = re.findall(r'<table class="sortable runs">.*?</table>', page, re.S)
    assert re.findall(r"<td[^>]*>((?:completed|diverged).*?)</td>", table)[:4] == [
        "completed",
        "diverged: non-finite generator loss",
        f"completed: {STOPPED}",
        "completed",
    ]
    attributes = re.findall(r' data-value="([^"]*)"', page)
    words = re.split(r"[\s,;:()]+", re.sub(r"<[^>]*>", " ", page[page.index("<main>") :]))
    assert not NO_WORDS & {*attributes, *words}


def write_text_of_page(study, inputs, tmp_path) -> str:
    """The page without its figures, and without the tables that it embeds for download."""
    with without_pdf():
        write_report(study, inputs, tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    return re.sub(r"<script>.*?</script>|<pre.*?</pre>|<svg.*?</svg>", "", page, flags=re.S)


def test_run_that_lacks_a_key_of_others_is_listed_without_it(study, inputs):
    record = json.loads(inputs["runs"][0].read_text())
    del record["machine"], record["flops"]
    inputs["runs"][0].write_text(json.dumps(record))
    runs = read_results(study, inputs).runs
    assert runs.loc[0, "flops"] is None
    assert collect_values(runs, "machine") == {"system": ["Linux"], "cores": [2]}


def test_mean_over_seeds_ends_where_the_first_run_stopped():
    rows = pd.DataFrame(
        {
            "variant": "minimax",
            "seed": [0, 0, 0, 1, 1, 2, 2, 2],
            "step": [1, 2, 3, 1, 2, 1, 2, 3],
            "images": [10, 20, 30, 10, 20, 10, 20, 30],
            "value": [1.0, 2.0, 9.0, 3.0, 6.0, np.nan, np.inf, np.nan],
        }
    )
    longer = rows[rows["seed"] == 0].assign(variant="hinge")
    nothing = rows[rows["seed"] == 2].assign(variant="wgan")
    means = average_seeds(pd.concat([rows, longer, nothing]), ["images"], "value")
    assert {name: mean.to_dict("list") for name, mean in means.items()} == {
        "minimax": {"images": [10, 20], "value": [2.0, 4.0]},
        "hinge": {"images": [10, 20, 30], "value": [1.0, 2.0, 9.0]},
        "wgan": {"images": [], "value": []},
    }
    assert means["minimax"].index.tolist() == [1, 2]


def test_rows_of_a_shorter_run_are_at_the_steps_of_the_others():
    lengths = {0: 3 * MOST_ROWS + 1, 1: 2 * MOST_ROWS, 2: 1}
    history = pd.concat(
        pd.DataFrame({"variant": "minimax", "seed": seed, "step": range(1, length + 1)})
        for seed, length in lengths.items()
    )
    steps = {seed: set(rows["step"]) for seed, rows in thin_out(history).groupby("seed")}
    assert max(steps[0]) == lengths[0]
    assert len(steps[0]) <= MOST_ROWS + 1
    assert steps[1] - steps[0] <= {lengths[1]}
    assert lengths[1] in steps[1]
    assert len(steps[1]) > MOST_ROWS / 2
    assert steps[2] == {1}


def test_caption_of_a_curve_gives_the_mean_of_the_table(study, inputs):
    """A snapshot of which one repeat has no score has none, and an infinite score is none."""
    for place, value in ((0, np.nan), (3, np.inf)):
        scores = pd.read_csv(inputs["scores"][place])
        last = scores[(scores["step"] == 100) & (scores["metric"] == "FD-classifier")]
        repeats = pd.concat([scores, last.assign(repeat=1, value=value)])
        repeats.to_csv(inputs["scores"][place], index=False)
    results = read_results(study, inputs)
    summary = make_tables(results)["summary"].set_index(["variant", "metric", "reference"])
    row = summary.loc["minimax", "FD-classifier", "held_out"]
    assert (row["n"], row["failed"]) == (1, 3)
    with without_pdf():
        curve = sketch_learning_curves(results, "digits")[0]()["images"]
    assert f"minimax {row['mean']:.3g}" in curve.caption


def test_estimate_without_interval_has_no_parentheses_in_latex(tmp_path):
    study = make_study(seeds=1)
    results = read_results(study, make_results(tmp_path, study, metrics=("FD",)))
    latex = format_tables(results, make_tables(results))
    assert "collapsed & 0 & 0 & -- \\" in latex["rates"]
    assert not [name for name, text in latex.items() if "(--" in text]


def test_job_whose_memory_was_not_measured_counts_with_its_time(study, inputs):
    inputs["benchmarks"][0].write_text("s\th:m:s\tmax_rss\n20.0\t0:00:20\t-\n")
    inputs["benchmarks"][1].write_text("s\th:m:s\tmax_rss\n30.0\t0:00:30\tNA\n")
    (stage,) = summarise_stages(read_results(study, inputs))
    assert (stage["jobs"], stage["longest"], stage["memory"]) == (8, "30 s", "750 MiB")
