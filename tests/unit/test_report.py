"""The page: whole, escaped, honest about what is missing, and the same when built again."""

import re
import warnings
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from ganbench.jobs import provenance
from ganbench.report import report as write
from ganbench.report.missing_runs import missing
from ganbench.report.report import write_report
from ganbench.report.reproduction import configuration
from ganbench.report.results import gather
from ganbench.study import resolve as study
from report_example import EVIL, make_results, make_study


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    resolved = make_study(datasets=("digits", "mixture_1d"))
    folder = tmp_path_factory.mktemp("example")
    inputs = make_results(folder, resolved)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a glyph that no font has, a layout that fails
        write_report(resolved, inputs, folder / "report")
    return resolved, inputs, folder / "report"


@pytest.fixture
def page_of(tmp_path, monkeypatch):
    """Writes a study's page without its figures, which take most of the time."""

    def none(results, tables):
        of_datasets = {name: [] for name in results.datasets}
        sections = ("profiles", "curves", "tuning", "game", "densities")
        return {**dict.fromkeys(sections, of_datasets), "theory": []}

    monkeypatch.setattr(write, "draw", none)

    def page(resolved, **options) -> str:
        write_report(resolved, make_results(tmp_path, resolved, **options), tmp_path / "report")
        return (tmp_path / "report/report.html").read_text()

    return page


def text_of(page: str) -> str:
    """What a reader sees of the page's main part."""
    main = page[page.index("<main>") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)).strip()


def test_page_tables_and_figures_are_the_same_when_built_again(example, tmp_path):
    resolved, inputs, folder = example
    write_report(resolved, inputs, tmp_path)
    written = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert {"svg", "pdf", "csv", "tex", "html"} <= {file.suffix[1:] for file in written}
    for file in written:
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes(), file


class _Addresses(HTMLParser):
    """Every address that a browser would fetch by itself, and every id."""

    def __init__(self):
        super().__init__()
        self.fetched, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "srcset", "data", "xlink:href") or (name == "href" and tag != "a"):
                self.fetched.append(value)
            if name == "id":
                self.ids.append(value)


def test_page_asks_nobody(example):
    page = (example[2] / "report.html").read_text()
    found = _Addresses()
    found.feed(page)
    assert [each for each in found.fetched if not each.startswith(("data:", "#"))] == []
    assert "url(http" not in page
    assert "@import" not in page
    assert "Content-Security-Policy\" content=\"default-src 'none';" in page


def test_ids_are_unique_on_the_page_and_references_resolve(example):
    page = (example[2] / "report.html").read_text()
    found = _Addresses()
    found.feed(page)
    assert len(found.ids) == len(set(found.ids))
    references = set(re.findall(r'(?:href="#|url\(#|for=")([\w.-]+)', page))
    assert len(references) > 50
    assert references <= set(found.ids)


def test_sections_stand_in_the_order_of_importance(example):
    page = (example[2] / "report.html").read_text()
    assert re.findall(r'<(?:header|section) id="(\w+)"', page) == [
        *("answer", "leaderboard", "differences", "curves", "game"),
        *("samples", "theory", "data", "again", "methods"),
    ]


def test_every_figure_says_what_it_shows(example):
    page = (example[2] / "report.html").read_text()
    assert page.count("<svg") > 40
    assert len(re.findall(r'<svg[^>]* role="img"[^>]* aria-label="[^"]{12,}"', page)) == (
        page.count("<svg")
    )
    assert len(re.findall(r'<img[^>]* alt="[^"]{20,}"', page)) == page.count("<img")


def test_user_given_text_is_escaped(page_of):
    objective = {"discriminator": "softplus(-r) + softplus(f)", "generator": "-f", "title": EVIL}
    objectives = {"mine": objective | {"paper": EVIL, "known_for": EVIL}}
    page = page_of(make_study(("mine",), title=EVIL, description=EVIL, objectives=objectives))
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 6  # also in the printed configuration


def test_complete_study_says_nothing_of_missing_runs(example):
    words = text_of((example[2] / "report.html").read_text())
    assert "Incomplete" not in words
    assert "Failed:" not in words
    assert "No run diverged or collapsed." in words


def test_diverged_run_is_said_at_the_top_and_stays_in_the_tables(page_of, tmp_path):
    page = page_of(make_study(), diverged=[("digits", "minimax", 3)])
    top = text_of(page[: page.index('<section id="leaderboard"')] + "</main>")
    assert "10 runs, 1 diverged" in top
    assert "Failed: minimax on digits: seed 3 at step 12 diverged." in top
    summary = pd.read_csv(tmp_path / "report/summary.csv")
    assert set(summary[summary.variant == "minimax"].failed) == {1}
    words = text_of(page)
    assert "of 5, 1 failed" in words
    assert "diverged 1 of 5" in words  # the table of failures
    assert "diverged: non-finite generator loss" in words  # the table of runs
    assert "No snapshot: the run ended before the first one." in words


def test_missing_runs_and_scores_are_named(tmp_path):
    resolved = make_study(seeds=2)
    inputs = make_results(tmp_path, resolved, gone=[("digits", "minimax", 0)])
    scores = pd.read_csv(inputs["scores"][0])
    scores[scores.step != 50].to_csv(inputs["scores"][0], index=False)
    assert missing(gather(resolved, inputs)) == [
        "minimax seed 1 on digits has no scores at step 50",
        "minimax seed 0 on digits is missing",
    ]


def test_missing_run_stands_in_every_place_where_it_would_have_been(page_of):
    page = page_of(make_study(seeds=2), gone=[("digits", "minimax", 0)])
    words = text_of(page)
    assert "Incomplete: minimax seed 0 on digits is missing." in words
    assert "of 2, 1 missing" in words  # leaderboard
    assert "Missing: the run left no file." in words  # samples
    assert "minimax: seed 0 missing." in words  # curves
    assert re.search(r"minimax 0 missing.*digits/minimax/seed0/scores.csv", words)  # cells


def test_metric_that_only_some_snapshots_have_is_named(tmp_path):
    resolved = make_study(seeds=1)
    inputs = make_results(tmp_path, resolved)
    scores = pd.read_csv(inputs["scores"][1])
    kid = (scores.metric == "KID-classifier") & (scores.reference == "held_out")
    scores.loc[kid & (scores.step == 100), "value"] = float("nan")
    scores[~(kid & (scores.step == 25))].to_csv(inputs["scores"][1], index=False)
    assert missing(gather(resolved, inputs)) == [
        "non_saturating seed 0 on digits has no KID-classifier against held_out at step 25, 100"
    ]


def test_printed_configuration_resolves_to_the_same_study(tmp_path):
    mine = {"discriminator": "softplus(-r) + softplus(f)", "generator": "-k*f", "year": 2026}
    given = {"mine": {**mine, "constants": {"k": 2}}, "least_squares": {"constants": {"a": -1}}}
    variants, datasets = ("mine", "least_squares", "minimax"), ("digits", "mixture_1d")
    resolved = make_study(variants, datasets, objectives=given, title='"Mine": yes & no #1')
    results = gather(resolved, make_results(tmp_path, resolved))
    text = configuration(results)
    assert study.resolve(yaml.safe_load(text), "again.yaml") == resolved
    assert list(yaml.safe_load(text)["variants"]) == list(variants)


def test_page_holds_its_tables_whole(example):
    folder = example[2]
    page = (folder / "report.html").read_text()
    for name in ("summary", "comparisons", "pairs", "rates", "ranks"):
        for kind, file in (("csv", f"{name}.csv"), ("tex", f"tables/{name}.tex")):
            (address,) = re.findall(rf'download="{name}.{kind}" href="data:[^,]*,([^"]*)"', page)
            assert unquote(address) == (folder / file).read_text(encoding="utf-8")


def test_every_run_has_the_command_that_makes_it_alone(example):
    words = text_of((example[2] / "report.html").read_text())
    for dataset, variant, seed in study.list_runs(example[0]):
        target = f"results/example/runs/{dataset}/{variant}/seed{seed}/scores.csv"
        assert f"snakemake --cores 1 --configfile again.yaml {target}" in words


def test_page_says_which_lock_file_and_how_long(example):
    _, inputs, folder = example
    words = text_of((folder / "report.html").read_text())
    assert provenance.sha256_file(inputs["lock"][0]) in words
    assert "train 20 4 min 12 s 12 s 750 MiB" in words  # 20 jobs of 12.5 s


def test_bibliography_holds_what_the_study_uses_and_no_more(page_of):
    page = page_of(make_study(("minimax", "wgan_gp")))
    for key in ("goodfellow2014", "gulrajani2017", "arjovsky2017", "heusel2017", "alpaydin1998"):
        assert f"{{{key}," in page
    for key in ("mao2017", "lin1991", "szegedy2016", "liu2015", "grnarova2019"):
        assert f"{{{key}," not in page
    assert "keywords" not in page


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": 1},
        {"variants": ("minimax",)},
        {"variants": tuple(f"variant_{number}" for number in range(12))},
        {"datasets": ("mixture_1d",)},
    ],
)
def test_page_copes_with_few_and_many(page_of, options):
    words = text_of(page_of(make_study(**options)))
    for variant in options.get("variants", ("minimax", "non_saturating")):
        assert variant in words
    assert not {"nan", "None", "inf"} & set(re.split(r"[\s,;()]+", words))


def test_page_copes_with_a_variant_whose_runs_all_diverged(page_of):
    gone = [("digits", "minimax", seed) for seed in range(5)]
    words = text_of(page_of(make_study(), diverged=gone))
    assert "10 runs, 5 diverged" in words
    assert "of 5, 5 failed" in words


def test_page_of_a_study_whose_every_run_diverged_is_still_written(page_of):
    gone = [("digits", variant, 0) for variant in ("minimax", "non_saturating")]
    assert "2 runs, 2 diverged" in text_of(page_of(make_study(seeds=1), diverged=gone))


def test_published_numbers_that_differ_in_protocol_are_refused_with_the_reason(page_of):
    words = text_of(page_of(make_study(datasets=("mnist",))))
    assert "Published numbers that are not shown, and why" in words
    assert "extractor is classifier, published with inception-v3-compat" in words
    assert ", published 9.8" not in words
