"""The page: whole, escaped, honest about what is missing, and the same when built again."""

import re
import warnings
from html.parser import HTMLParser

import pandas as pd
import pytest
import yaml
from ganbench import study
from ganbench.evidence import statistics
from ganbench.report import write_report
from ganbench.report.again import configuration
from ganbench.report.drawing import PALETTE, border, colour
from ganbench.report.leaderboard import leaderboard
from ganbench.report.numbers import chance, duration, interval, short
from ganbench.report.page import TEMPLATES
from ganbench.report.results import gather, missing
from ganbench.report.tables import latex
from report_example import make_results, make_study


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    resolved = make_study(datasets=("digits", "mixture_1d"))
    folder = tmp_path_factory.mktemp("example")
    inputs = make_results(folder, resolved)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a glyph that no font has, a layout that fails
        write_report(resolved, inputs, folder / "report")
    return resolved, inputs, folder / "report"


def page_of(folder, resolved, **options) -> str:
    write_report(resolved, make_results(folder, resolved, **options), folder / "report")
    return (folder / "report/report.html").read_text()


def text_of(page: str) -> str:
    """What a reader sees of the page's main part."""
    main = page[page.index("<main>") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)).strip()


def test_page_and_tables_are_the_same_when_built_again(example, tmp_path):
    resolved, inputs, folder = example
    write_report(resolved, inputs, tmp_path)
    written = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert len(written) > 25
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
    references = set(re.findall(r'(?:href="#|url\(#)([\w.-]+)', page))
    assert references <= set(found.ids)


def test_every_figure_says_what_it_shows(example):
    page = (example[2] / "report.html").read_text()
    assert page.count("<svg") > 15
    assert page.count("<figcaption>") == page.count("<figure")
    assert len(re.findall(r'<svg[^>]* role="img"[^>]* aria-label="[^"]{20,}"', page)) == (
        page.count("<svg")
    )
    assert len(re.findall(r'<img[^>]* alt="[^"]{20,}"', page)) == page.count("<img")


def test_every_seed_is_drawn_and_belongs_to_its_variant(example):
    figure = (example[2] / "figures/curve-digits-fd-classifier.svg").read_text()
    for index in (0, 1):
        # five seeds, their mean against held_out and against train
        assert figure.count(f'class="variant-{index}"') == 5 + 2


def test_user_given_text_is_escaped(tmp_path):
    evil = "<script>alert('x')</script> & \"quotes\""
    objective = {"discriminator": "softplus(-r) + softplus(f)", "generator": "-f", "title": evil}
    objectives = {"mine": objective | {"paper": evil, "known_for": evil}}
    resolved = make_study(("mine",), title=evil, description=evil, objectives=objectives)
    page = page_of(tmp_path, resolved)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 5


def test_complete_study_says_nothing_of_missing_runs(example):
    assert "Incomplete" not in text_of((example[2] / "report.html").read_text())


def test_diverged_run_is_the_first_thing_the_page_says_and_stays_in_the_tables(tmp_path):
    resolved = make_study()
    page = page_of(tmp_path, resolved, diverged=[("digits", "minimax", 3)])
    assert text_of(page).startswith(
        "Incomplete: minimax seed 3 on digits diverged at step 12 (non-finite generator loss)."
    )
    summary = pd.read_csv(tmp_path / "report/summary.csv")
    assert set(summary[summary.variant == "minimax"].failed) == {1}
    assert "diverged: non-finite generator loss" in text_of(page)
    assert "No snapshot: the run ended before the first one." in text_of(page)
    figure = (tmp_path / "report/figures/game-digits-g-loss.svg").read_text()
    assert figure.count('class="variant-0"') == 5 + 1 + 1  # five seeds, the mean, the cross


def test_missing_runs_and_scores_are_named(tmp_path):
    resolved = make_study(seeds=2)
    inputs = make_results(tmp_path, resolved)
    for name in ("runs", "histories", "scores", "samples"):
        inputs[name] = inputs[name][1:]  # minimax seed 0 is not there
    scores = pd.read_csv(inputs["scores"][0])
    scores[scores.step != 50].to_csv(inputs["scores"][0], index=False)
    assert missing(gather(resolved, inputs)) == [
        "minimax seed 1 on digits has no scores at step 50",
        "minimax seed 0 on digits is missing",
    ]


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


def test_one_huge_value_does_not_flatten_the_others_and_is_counted(tmp_path):
    resolved = make_study(seeds=2)
    inputs = make_results(tmp_path, resolved)
    many = pd.concat([pd.read_csv(inputs["histories"][0])] * 30)
    many["images"] = range(len(many))
    many.iloc[7, many.columns.get_loc("g_loss")] = 1e6
    many.to_csv(inputs["histories"][0], index=False)
    write_report(resolved, inputs, tmp_path / "report")
    page = text_of((tmp_path / "report/report.html").read_text())
    assert page.count("values lie outside the axis") == 1
    assert "1 of 330 values lie outside the axis" in page


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": 1},
        {"variants": ("minimax",)},
        {"variants": tuple(f"variant_{number}" for number in range(12))},
        {"datasets": ("mixture_1d",)},
    ],
)
def test_page_copes_with_few_and_many(tmp_path, options):
    page = page_of(tmp_path, make_study(**options))
    for variant in options.get("variants", ("minimax", "non_saturating")):
        assert variant in text_of(page)
    assert "nan" not in text_of(page).lower().replace("nand", "").split()


def test_page_copes_with_a_variant_whose_runs_all_diverged(tmp_path):
    gone = [("digits", "minimax", seed) for seed in range(5)]
    page = page_of(tmp_path, make_study(), diverged=gone)
    assert "5 of 10 runs diverged" in text_of(page)


def test_page_of_a_study_whose_every_run_diverged_is_still_written(tmp_path):
    resolved = make_study(seeds=1)
    gone = [("digits", variant, 0) for variant in ("minimax", "non_saturating")]
    assert "2 of 2 runs diverged" in text_of(page_of(tmp_path, resolved, diverged=gone))


def test_leaderboard_ranks_by_the_primary_metric_and_shows_the_floor(example):
    resolved, inputs, _ = example
    results = gather(resolved, inputs)
    board = leaderboard(results, statistics.summarise(results.scores, results.runs), "digits")
    means = [row["cells"][0]["mean"] for row in board["rows"]]
    assert means == sorted(means)
    assert board["measures"][0]["metric"] == "FD-classifier"
    assert board["floors"][0] == 15.0
    assert [len(row["seeds"]) for row in board["rows"]] == [5, 5]
    page = text_of((example[2] / "report.html").read_text())
    assert "real samples 15" in page


def test_figures_follow_the_theme_on_the_page_and_stand_alone_as_files(example):
    page = (example[2] / "report.html").read_text()
    assert "currentColor" in page
    for file in (example[2] / "figures").iterdir():
        assert "currentColor" not in file.read_text()
        assert "var(--" not in file.read_text()
    curve = (example[2] / "figures/curve-digits-fd-classifier.svg").read_text()
    assert ">minimax</text>" in curve  # a legend, which the page has outside its figures
    assert ">non_saturating</text>" in curve


def test_page_of_a_small_study_is_small(tmp_path):
    training = {"steps": 8000, "snapshots": 5, "history_interval": 80}  # 100 history rows a run
    page = page_of(tmp_path, make_study(training=training))
    assert len(page.encode()) < 500_000


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


def test_latex_escapes_what_latex_would_run():
    table = pd.DataFrame({"a_b": ["50 % & more", r"\input{x}"], "value": [1.23456, float("nan")]})
    shown = latex(table)
    assert r"a\_b & value \\" in shown
    assert r"50 \% \& more & 1.235 \\" in shown
    assert r"\textbackslash{}input\{x\} & -- \\" in shown
    assert shown.startswith("\\begin{tabular}{lr}\n\\toprule\n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (-1.23456, "−1.23"), (12345.6, "12346"), (0.000123456, "0.000123")],
)
def test_numbers_are_short_and_have_a_true_minus(value, shown):
    assert short(value) == shown


def test_value_and_interval_have_the_decimals_that_the_interval_deserves():
    assert interval(25.8748, 16.8509, 34.8987) == ("25.9", "16.9 to 34.9")
    assert interval(-0.0667, -1.234, 1.1) == ("−0.07", "−1.23 to 1.10")
    assert interval(25.8748, None, None) == ("25.9", "")


@pytest.mark.parametrize(
    ("p", "shown"), [(None, "–"), (0.0567, "0.057"), (0.0002, "< 0.001"), (1.0, "1.000")]
)
def test_chances_have_three_decimals(p, shown):
    assert chance(p) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(42.4, "42 s"), (180, "3 min"), (9000, "2.5 h")])
def test_durations_read_as_people_say_them(seconds, shown):
    assert duration(seconds) == shown


def test_measured_gradient_weights_are_drawn_over_the_derived_line(example):
    figure = (example[2] / "figures/gradient-weights.svg").read_text()
    pieces = max(path.count("M ") for path in re.findall(r'd="([^"]*)"', figure))
    assert pieces > 50  # one a row of history: 5 seeds, 10 rows, two datasets
