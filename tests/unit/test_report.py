"""The page: self-contained, escaped, explicit about missing runs, and the same when built again."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from ganbench.jobs import provenance
from ganbench.report import report as report_module
from ganbench.report.bibliography import select_references
from ganbench.report.missing_runs import describe_missing
from ganbench.report.report import write_report
from ganbench.report.reproduction import describe_software, format_study, list_software
from ganbench.report.results import read_results
from ganbench.study import resolve
from report_example import EVIL, FEW_METRICS, make_results, make_study, without_pdf


@pytest.fixture
def write_page(tmp_path, monkeypatch):
    """Writes a study's page without its figures, which take most of the time."""

    def draw_nothing(results, tables, processes):
        sections = ("forests", "profiles", "curves", "tuning", "game", "schedules", "densities")
        return {name: {dataset: [] for dataset in results.datasets} for name in sections} | {
            "theory": [],
            "portraits": [],
        }

    monkeypatch.setattr(report_module, "draw_figures", draw_nothing)

    def write(study, **options) -> str:
        write_report(study, make_results(tmp_path, study, **options), tmp_path / "report")
        return (tmp_path / "report/report.html").read_text(encoding="utf-8")

    return write


def visible_text(page: str) -> str:
    """The text of the page's main part."""
    main = page[page.index("<main>") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)).strip()


@pytest.mark.promise("same-report")
def test_page_tables_and_figures_are_the_same_when_built_again(report, tmp_path):
    with without_pdf():  # test_report_figures.py compares these
        write_report(report.study, report.inputs, tmp_path)
    files = sorted(
        file.relative_to(report.folder)
        for file in report.folder.rglob("*")
        if file.is_file() and file.suffix != ".pdf"
    )
    assert {file.suffix for file in files} >= {".svg", ".csv", ".tex", ".html"}
    for file in files:
        assert (tmp_path / file).read_bytes() == (report.folder / file).read_bytes(), file


class Addresses(HTMLParser):
    """The addresses that a browser would load without a click, and all ids."""

    def __init__(self, page: str):
        super().__init__()
        self.loaded, self.ids = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "srcset", "data", "xlink:href") or (name == "href" and tag != "a"):
                self.loaded.append(value)
            if name == "id":
                self.ids.append(value)


def test_page_loads_nothing_unless_scripts_are_off(report):
    without, pictures = re.subn(r"<noscript>.*?</noscript>", "", report.page, flags=re.DOTALL)
    assert pictures > 10  # files of curves, which the script draws otherwise
    loaded = Addresses(without).loaded
    assert [address for address in loaded if not address.startswith(("data:", "#"))] == []
    assert "url(http" not in report.page
    assert "@import" not in report.page
    assert "Content-Security-Policy\" content=\"default-src 'none';" in report.page


def test_ids_are_unique_on_the_page_and_references_resolve(report):
    ids = Addresses(report.page).ids
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:href="#|url\(#|for=")([\w.-]+)', report.page))
    assert len(references) > 50
    assert references <= set(ids)


def test_sections_follow_in_the_order_of_importance(report):
    assert re.findall(r'<(?:header|section) id="(\w+)"', report.page) == [
        "answer",
        "samples",
        "leaderboard",
        "differences",
        "curves",
        "game",
        "theory",
        "data",
        "again",
        "paper",
        "methods",
    ]


def test_every_figure_has_a_text_alternative(report):
    figures, pictures = report.page.count("<svg"), report.page.count("<img")
    assert figures > 30
    assert len(re.findall(r'<svg[^>]* role="img"[^>]* aria-label="[^"]{12,}"', report.page)) == (
        figures
    )
    assert len(re.findall(r'<img[^>]* alt="[^"]{20,}"', report.page)) == pictures


def test_text_of_a_study_is_escaped(write_page):
    objective = {
        "discriminator": "softplus(-r) + softplus(f)",
        "generator": "-f",
        "title": EVIL,
        "paper": EVIL,
        "known_for": EVIL,
    }
    objectives = {"custom": objective}
    page = write_page(make_study(("custom",), title=EVIL, description=EVIL, objectives=objectives))
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 6  # also in the printed configuration


def test_answer_breaks_within_names_and_shows_no_tag(write_page):
    page = write_page(make_study())
    (answer,) = re.findall(r'<p class="headline">(.*?)</p>', page)
    assert "non_<wbr>saturating" in answer
    assert "&lt;" not in answer


def test_page_of_a_complete_study_mentions_no_failure(write_page):
    text = visible_text(write_page(make_study(datasets=("digits", "mixture_1d"))))
    assert "Incomplete" not in text
    assert "Failed:" not in text
    assert "No run diverged or collapsed." in text


def test_diverged_run_is_named_at_the_top_and_counted_in_the_tables(write_page, tmp_path):
    page = write_page(make_study(), diverged=[("digits", "minimax", 3)])
    top = visible_text(page[: page.index('<section id="samples"')] + "</main>")
    assert "10 runs, 1 diverged" in top
    assert "Which failed" in top
    assert "Best mean score: minimax on digits" in top
    assert "Failed: minimax on digits: seed 3 (step 12) diverged." in top
    summary = pd.read_csv(tmp_path / "report/summary.csv")
    assert set(summary[summary.variant == "minimax"].failed) == {1}
    text = visible_text(page)
    assert "5 1 failed" in text  # leaderboard
    assert "diverged 1 of 5" in text  # table of failures
    assert "diverged: non-finite generator loss" in text  # table of runs
    assert "No samples: the run ended before its first snapshot." in text


def test_missing_runs_and_scores_are_named(tmp_path):
    study = make_study(seeds=2)
    inputs = make_results(tmp_path, study, missing=[("digits", "minimax", 0)])
    scores = pd.read_csv(inputs["scores"][0])
    scores[scores.step != 50].to_csv(inputs["scores"][0], index=False)
    assert describe_missing(read_results(study, inputs)) == [
        "minimax seed 1 on digits has no scores at step 50",
        "minimax seed 0 on digits is missing",
    ]


def test_metric_that_an_objective_does_not_have_is_not_missing(tmp_path):
    """The optimal discriminator of some is unknown; a score without a number is missing."""
    study = make_study(seeds=2)
    inputs = make_results(tmp_path, study)
    for file in inputs["scores"]:
        scores = pd.read_csv(file)
        scores[(scores.metric != "KID-classifier") | (scores.variant != "minimax")].to_csv(
            file, index=False
        )
    assert describe_missing(read_results(study, inputs)) == []
    scores = pd.read_csv(inputs["scores"][0])
    last = (scores.step == scores.step.max()) & (scores.metric == "FD-classifier")
    scores.assign(value=scores.value.mask(last)).to_csv(inputs["scores"][0], index=False)
    sentence = describe_missing(read_results(study, inputs))[0]
    assert sentence.startswith("minimax seed 0 on digits has no FD-classifier against")


def test_page_calls_a_comparison_that_shows_nothing_inconclusive(write_page, tmp_path):
    page = write_page(make_study(seeds=2))
    words = set(re.findall(r'<span class="verdict inconclusive">([^<]*)</span>', page))
    assert words == {"inconclusive"}
    assert re.search(r'<td class="cell inconclusive" title="inconclusive; declared', page)
    table = pd.read_csv(tmp_path / "report/comparisons.csv")
    assert set(table["verdict"]) == {"inconclusive"}
    assert set(table["role"]) == {"declared", "exploratory"}


def test_page_says_which_verdicts_are_not_protected(write_page):
    text = visible_text(write_page(make_study(seeds=2)))
    assert "All other verdicts are exploratory and not protected" in text
    assert "Exploratory: the same contrasts by other metrics" in text


def test_missing_run_is_shown_wherever_it_belongs(write_page):
    page = write_page(make_study(seeds=2), missing=[("digits", "minimax", 0)])
    text = visible_text(page)
    assert "Incomplete: minimax seed 0 on digits is missing." in text
    assert "2 1 missing" in text  # leaderboard
    assert "Missing: the run left no files." in text  # samples
    assert "minimax: seed 0 is missing." in text  # curves
    assert re.search(r"minimax 0 missing.*digits/minimax/seed0/scores.csv", text)  # table of runs


def test_metric_that_only_some_snapshots_lack_is_named(tmp_path):
    study = make_study(seeds=1)
    inputs = make_results(tmp_path, study)
    scores = pd.read_csv(inputs["scores"][1])
    kid = (scores.metric == "scaled_KD-classifier") & (scores.reference == "held_out")
    scores.loc[kid & (scores.step == 100), "value"] = float("nan")
    scores[~(kid & (scores.step == 25))].to_csv(inputs["scores"][1], index=False)
    assert describe_missing(read_results(study, inputs)) == [
        "non_saturating seed 0 on digits has no scaled_KD-classifier against held-out images at "
        "steps 25, 100"
    ]


def test_metric_of_training_is_not_missing_where_no_row_of_the_history_was_due(tmp_path):
    study = make_study(training={"steps": 100, "snapshots": 4, "history_interval": 30})
    results = read_results(study, make_results(tmp_path, study))
    fakes = results.scores[results.scores["metric"] == "d_fake"]
    assert fakes["value"].isna().any()  # at step 25
    assert fakes["value"].notna().any()
    assert describe_missing(results) == []


def test_printed_configuration_resolves_to_the_same_study(tmp_path):
    custom = {"discriminator": "softplus(-r) + softplus(f)", "generator": "-k*f", "year": 2026}
    objectives = {
        "custom": custom | {"constants": {"k": 2}},
        "least_squares": {"constants": {"a": -1}},
    }
    variants, datasets = ("custom", "least_squares", "minimax"), ("digits", "mixture_1d")
    study = make_study(variants, datasets, objectives=objectives, title='"Mine": yes & no #1')
    text = format_study(read_results(study, make_results(tmp_path, study)))
    assert resolve.resolve(yaml.safe_load(text), "again.yaml") == study
    assert list(yaml.safe_load(text)["variants"]) == list(variants)


def test_page_embeds_its_tables(report):
    for name in ("summary", "comparisons", "pairs", "rates"):
        for form, file in (("csv", f"{name}.csv"), ("tex", f"tables/{name}.tex")):
            pattern = rf'download="{name}.{form}" href="data:[^,]*,([^"]*)"'
            (content,) = re.findall(pattern, report.page)
            assert unquote(content) == (report.folder / file).read_text(encoding="utf-8")


def test_every_run_has_the_command_that_makes_it_alone(report):
    text = visible_text(report.page)
    for dataset, variant, seed in resolve.list_runs(report.study):
        target = f"results/example/runs/{dataset}/{variant}/seed{seed}/scores.csv"
        assert f"snakemake --cores 1 --configfile again.yaml {target}" in text


def test_page_names_the_lock_file_and_the_running_times(report):
    text = visible_text(report.page)
    assert provenance.sha256_file(report.inputs["lock"][0]) in text
    assert "train 12 2 min 12 s 12 s 750 MiB" in text  # 12 jobs of 12.5 s


def test_page_says_the_schedules_of_each_variant(write_page):
    study, warm_up = make_study(), {"kind": "constant", "warm_up": 0.05}
    study["runs"]["digits"]["non_saturating"]["schedule"] = {"optimizer.lr": warm_up}
    text = visible_text(write_page(study))
    assert "of its half-life. non_saturating optimizer.lr rising from 0 over the first 5 %." in text


@pytest.mark.promise("same-report")
def test_runs_trained_under_another_declaration_are_named_above_the_answer(tmp_path):
    study = make_study()
    inputs = make_results(tmp_path, study, metrics=FEW_METRICS)
    record = json.loads(inputs["runs"][0].read_text())
    inputs["runs"][0].write_text(json.dumps(record | {"declaration": "0" * 64}))
    with without_pdf():
        write_report(study, inputs, tmp_path / "report")
    text = visible_text((tmp_path / "report/report.html").read_text())
    notice = text.index("Another declaration: 1 run trained under the declaration 0000")
    assert text.index("ganbench") < notice < text.index("On digits, ")


def test_report_names_the_commits_that_trained_its_runs(write_page, tmp_path):
    study = make_study(seeds=2)
    page = write_page(study)
    words = f"ganbench 0.1.0, commit {'c0ffee' * 6}c0ff"
    assert f"software {words} lock file" in visible_text(page)
    assert "version = {0.1.0}" in page
    assert f"note = {{{words}}}" in page
    software = json.loads((tmp_path / "report/study.json").read_text())["software"]
    assert software == [{"version": "0.1.0", "commit": "c0ffee" * 6 + "c0ff", "clean": True}]


def test_report_of_runs_of_several_checkouts_names_each_as_far_as_it_is_known(tmp_path):
    study = make_study(seeds=3)
    inputs = make_results(tmp_path, study)
    changed = {"version": "0.2.0", "commit": "a" * 40, "clean": False}
    tarball = {"version": "0.2.0", "commit": None, "clean": None}
    for file, software in zip(inputs["runs"], (changed, changed, tarball, None), strict=False):
        run = json.loads(file.read_text())
        file.write_text(json.dumps({**run, "software": software}))
    results = read_results(study, inputs)
    assert [describe_software(entry) for entry in list_software(results.runs)] == [
        f"ganbench 0.2.0, commit {'a' * 40}, with uncommitted changes",
        "ganbench 0.2.0",
        f"ganbench 0.1.0, commit {'c0ffee' * 6}c0ff",
    ]
    bibtex = select_references(results, published=False)
    assert "version = {0.2.0, 0.1.0}" in bibtex
    assert bibtex.count(", commit ") == 2


def test_bibliography_has_what_the_study_uses_and_no_more(write_page):
    study = make_study(("minimax", "wgan_gp"))
    study["runs"]["digits"]["minimax"]["augment"] = {"name": "diffaugment"}
    page = write_page(study)
    for key in (
        "zhao2020",
        "goodfellow2014",
        "gulrajani2017",
        "arjovsky2017",
        "heusel2017",
        "alpaydin1998",
    ):
        assert f"{{{key}," in page
    for key in ("mao2017", "lin1991", "szegedy2016", "liu2015", "grnarova2019"):
        assert f"{{{key}," not in page
    assert "keywords" not in page


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"seeds": 1}, id="one seed"),
        pytest.param({"variants": ("minimax",)}, id="one variant"),
        pytest.param(
            {"variants": tuple(f"variant_{number}" for number in range(12)), "seeds": 2},
            id="twelve variants",
        ),
        pytest.param({"datasets": ("mixture_1d",)}, id="points"),
    ],
)
def test_page_copes_with_few_and_many(write_page, options):
    text = visible_text(write_page(make_study(**options)))
    for variant in options.get("variants", ("minimax", "non_saturating")):
        assert variant in text
    assert not {"nan", "None", "inf"} & set(re.split(r"[\s,;()]+", text))


def test_page_copes_with_a_variant_whose_runs_all_diverged(write_page):
    diverged = [("digits", "minimax", seed) for seed in range(5)]
    text = visible_text(write_page(make_study(), diverged=diverged))
    assert "10 runs, 5 diverged" in text
    assert "5 5 failed" in text


def test_page_of_a_study_whose_every_run_diverged_is_written(write_page):
    diverged = [("digits", variant, 0) for variant in ("minimax", "non_saturating")]
    assert "2 runs, 2 diverged" in visible_text(write_page(make_study(seeds=1), diverged=diverged))


def test_published_numbers_of_another_protocol_are_left_out_with_the_reason(write_page):
    text = visible_text(write_page(make_study(datasets=("mnist",))))
    assert "Published numbers that are not comparable, and why" in text
    assert re.search("extractor: inception-v3-compat .* classifier here", text)
    assert ", published 9.8" not in text
