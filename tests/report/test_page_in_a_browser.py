"""The page in a real browser: what it loads, what a reader can do with it, how it looks."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from report_example import EVIL, PAGES, draw_curves


def count_visible(page, selector: str) -> int:
    """The number of elements that a reader sees."""
    return page.locator(selector).filter(visible=True).count()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_loads_nothing_and_reports_no_errors(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(200)
    assert [url for url in page.requested if not url.startswith("data:")] == [page.url]
    assert page.messages == []


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("width", [375, 1440])
def test_page_never_scrolls_sideways(open_page, name, width):
    page = open_page(name, width=width)
    page.evaluate(
        "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
    )
    page.select_option("#metric", "all")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_accessibility_violations(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
    )
    page.select_option("#metric", "all")
    # beyond their colours, both schemes have the same elements
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    result = Axe().run(page, options=options)
    assert result.violations_count == 0, result.generate_report()


def test_page_follows_the_colour_scheme(open_page):
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert min(open_page(color_scheme="light").evaluate(paper)) > 240
    assert max(open_page(color_scheme="dark").evaluate(paper)) < 40


def test_title_with_a_script_and_quotes_is_text(open_page):
    page = open_page()
    assert page.locator("h1").inner_text() == EVIL
    assert page.title().startswith(EVIL)


def test_click_on_a_heading_sorts_and_a_second_click_reverses(open_page):
    page = open_page()
    board = page.locator("table.board").first
    names = board.locator("tbody th")
    ranked = names.all_inner_texts()
    heading = board.locator("thead button", has_text="mean")
    heading.click()
    assert names.all_inner_texts() == ranked
    assert board.locator('th[aria-sort="ascending"]').count() == 1
    heading.click()
    assert names.all_inner_texts() == ranked[::-1]


def test_budgets_have_columns_only_where_variants_differ(open_page):
    page = open_page()  # wgan_gp has five updates of D for one of G
    headings = page.locator("table.board").first.locator("thead th").all_inner_texts()
    columns = [heading.split("\n")[0].strip(" ↕") for heading in headings]
    assert columns[3:] == ["best snapshot", "runs", "D updates", "images", "time", "FLOPs"]
    assert "Every variant used 100 G updates in a run." in page.locator("#leaderboard").inner_text()
    equal = open_page("pair")
    headings = equal.locator("table.board").first.locator("thead th").all_inner_texts()
    assert len(headings) == 7
    notes = equal.locator("#leaderboard").inner_text()
    assert "Every variant used 100 D updates, 100 G updates, 6,400 images in a run." in notes


def test_unfinished_variant_sorts_last(open_page):
    page = open_page("failed")
    board = page.locator("table.board").first
    board.locator("thead button", has_text="mean").click()
    assert board.locator("tbody th").all_inner_texts()[-1] == "minimax"


@pytest.mark.parametrize("scripts", [True, False])
def test_dataset_filter_hides_the_other_datasets(open_page, scripts):
    page = open_page(java_script_enabled=scripts)
    both = count_visible(page, "[data-dataset]")
    page.select_option("#dataset", "mixture_1d")
    assert count_visible(page, '[data-dataset="digits"]') == 0
    assert 0 < count_visible(page, '[data-dataset="mixture_1d"]') < both


@pytest.mark.parametrize("scripts", [True, False])
def test_metric_filter_shows_that_metric_alone(open_page, scripts):
    page = open_page(java_script_enabled=scripts)
    assert page.locator("#leaderboard .measured h4").filter(visible=True).all_inner_texts() == [
        "Fréchet distance against held-out images FD-classifier, lower is better",
        "Jensen–Shannon divergence JSD, lower is better",
    ]
    page.select_option("#metric", label="Inception score")
    headings = page.locator(".measured h4").filter(visible=True).all_text_contents()
    assert len(headings) == 2
    assert all(heading.startswith("Inception score") for heading in headings)
    page.select_option("#metric", "all")
    assert count_visible(page, ".board") > 8


@pytest.mark.parametrize("scripts", [True, False])
def test_variant_is_switched_off_in_all_figures_at_once(open_page, scripts):
    page = open_page(java_script_enabled=scripts)
    places = ("#curves", "#game", "#samples", "#theory", "#differences")
    before = {place: count_visible(page, f"{place} .variant-0") for place in places}
    assert all(before.values())
    page.uncheck("#variant-0")
    assert {place: count_visible(page, f"{place} .variant-0") for place in places} == dict.fromkeys(
        places, 0
    )
    assert count_visible(page, "#curves .variant-1") > 0
    page.locator("#curves .legend label", has_text="minimax").click()  # a legend is a switch too
    if scripts:
        draw_curves(page)
    assert {place: count_visible(page, f"{place} .variant-0") for place in places} == before


def test_curves_change_their_axis(open_page):
    page = open_page()
    figures = page.locator("#curves figure").count()
    labels = {
        "generator_steps": "updates of G",
        "images": "shown to D",
        "seconds": "seconds of",
        "updates": "updates of D",
    }
    for budget, label in labels.items():
        page.check(f"#by-{budget}")
        draw_curves(page)
        expect(page.locator("#curves .plot text", has_text=label)).to_have_count(figures)
        assert count_visible(page, "#curves figure svg") == figures
    assert page.locator("#game .plot text", has_text="updates of G").count() > 8  # as before


def test_without_scripts_curves_are_files_and_the_primary_metric_is_drawn(open_page):
    page = open_page(java_script_enabled=False)
    drawn = page.locator("#curves .plot svg")
    assert drawn.count() == 2  # the primary metric of each dataset
    pictures = page.locator(".plot img")
    assert pictures.count() == page.locator(".plot").count() - 2 > 20
    pictures.first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.plot img').naturalWidth > 0")
    assert "files in the folder figures beside this page" in page.locator("#curves").text_content()
    assert count_visible(page, ".budgets, .legend.budget") == 0  # they would have no effect


def test_axis_follows_the_variants_that_are_shown(open_page):
    page = open_page()
    top = "drawnPlots.get(plotPlaces[0]).frame.high"
    whole = page.evaluate(top)
    page.uncheck("#variant-2")  # the worst one
    draw_curves(page)
    assert page.evaluate(top) < 0.95 * whole
    page.check("#variant-2")
    draw_curves(page)
    assert page.evaluate(top) == whole


@pytest.mark.parametrize(
    ("dataset", "metric"),
    [
        ("digits", "FD-classifier"),
        ("digits", "recall-classifier"),
        ("digits", "scaled_KD-classifier"),
        ("mixture_1d", "JSD"),
    ],
)
def test_values_of_a_figure_are_a_table_that_agrees_with_the_summary(
    open_page, folders, dataset, metric
):
    page = open_page()
    button = page.locator(f"button.values[data-name='curve-{dataset}-{metric.lower()}']")
    button.press("Enter")
    rows = page.locator("#curves .tabulated tbody tr")
    summary = pd.read_csv(folders("whole") / "summary.csv")
    chosen = (summary["metric"] == metric) & (summary["reference"] != "train")
    means = summary[chosen & (summary["dataset"] == dataset)].set_index("variant")["centre"]
    assert rows.count() == len(means) == 3
    for row in rows.all():
        cells = row.locator("th, td").all_inner_texts()
        assert cells[1] == "3"
        assert float(cells[-1]) == pytest.approx(means[cells[0]], rel=5e-3)
    button.press("Enter")
    assert rows.count() == 0


def test_twenty_names_at_the_ends_of_lines_are_legible_and_apart(open_page):
    page = open_page("many")
    names = page.locator("#curves .large text[class^=variant-]")
    boxes = sorted((name.bounding_box() for name in names.all()), key=lambda box: box["y"])
    assert len(boxes) == 20
    assert min(box["height"] for box in boxes) > 9
    middles = [box["y"] + box["height"] / 2 for box in boxes]
    assert min(b - a for a, b in pairwise(middles)) > 8


def test_text_of_curves_is_as_large_on_a_phone(open_page):
    page = open_page(width=375)
    for text in page.locator("#curves .plot >> nth=0 >> text").all():
        assert text.bounding_box()["height"] > 10
    assert page.locator("#curves .large text[class^=variant-]").count() == 0  # the legend has them


def test_curves_that_nobody_has_seen_are_drawn_for_print(open_page):
    page = open_page()
    page.evaluate(
        "for (const place of plotPlaces) { place.replaceChildren(); stalePlots.add(place); }"
    )
    page.pdf()
    assert page.locator(".plot:not(:has(svg))").count() == 0


def download(page, link) -> str:
    with page.expect_download() as download_info:
        link.click()
    return download_info.value.path().read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["summary", "comparisons", "pairs", "rates"])
def test_downloaded_tables_are_the_files_of_the_study(open_page, folders, name):
    page, folder = open_page(), folders("whole")
    link = page.locator(f'a[download="{name}.csv"]')
    assert download(page, link) == (folder / f"{name}.csv").read_text(encoding="utf-8")
    link = page.locator(f'a[download="{name}.tex"]')
    assert download(page, link) == (folder / f"tables/{name}.tex").read_text(encoding="utf-8")


def test_tables_download_with_scripts_off(open_page, folders):
    page = open_page(java_script_enabled=False)
    link = page.locator('a[download="summary.csv"]')
    assert download(page, link) == (folders("whole") / "summary.csv").read_text(encoding="utf-8")
    assert count_visible(page, "button") == 0  # it would have no effect


def test_copy_buttons_copy_what_is_next_to_them(open_page, folders):
    page = open_page()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.get_by_role("button", name="Copy summary as CSV").click()
    assert page.evaluate("window.copied") == (folders("whole") / "summary.csv").read_text()
    page.get_by_role("button", name="Copy Command for the whole study").click()
    assert page.evaluate("window.copied") == "snakemake --cores all --configfile again.yaml"
    page.locator("summary", has_text="BibTeX").click()
    page.get_by_role("button", name="Copy the bibliography").click()
    copied = page.evaluate("window.copied")
    assert copied.startswith("@software{ganbench,")
    assert "@inproceedings{goodfellow2014," in copied
    page.locator("summary", has_text="18 runs").click()
    page.get_by_role("button", name="Copy the command of this run").first.click()
    assert page.evaluate("window.copied").endswith("/digits/minimax/seed0/scores.csv")


def test_copying_works_if_the_browser_denies_the_clipboard(open_page):
    page = open_page()
    page.evaluate(
        "navigator.clipboard.writeText = async () => { throw new Error('denied'); };"
        "document.execCommand = () => { window.copied = document.activeElement.value; };"
    )
    page.get_by_role("button", name="Copy summary as CSV").click()
    page.wait_for_function("window.copied !== undefined")
    assert page.evaluate("window.copied").startswith("dataset,variant,metric")


def test_saved_figure_stands_alone_and_lacks_what_is_switched_off(open_page):
    page = open_page()
    page.uncheck("#variant-0")
    page.check("#by-seconds")
    draw_curves(page)
    text = download(page, page.locator("#curves .save").first)
    root = ElementTree.fromstring(text)
    texts = " ".join(
        "".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")
    )
    assert "seconds of training" in texts
    assert "non_saturating" in texts
    assert "minimax" not in texts
    assert 'class="variant-0' not in text
    assert "--faint:" in text


def test_printed_page_unfolds_everything_and_has_no_controls(open_page):
    page = open_page()
    folded = page.locator("#methods pre")
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert count_visible(page, "nav, .switches, .copy, .save, .tools, .show, .skip, .anchor") == 0
    assert count_visible(page, "#samples img") == page.locator("#samples img").count()
    printed = page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert 5 < printed.count(b"/Type /Page\n") < 60


def test_page_has_the_same_text_with_scripts_off(open_page):
    page, without = open_page(), open_page(java_script_enabled=False)
    page.locator("button").evaluate_all("(all) => all.forEach((button) => button.remove())")
    for section in ("answer", "differences", "data", "methods"):
        paragraphs = without.locator(f"#{section} p").all_inner_texts()
        assert page.locator(f"#{section} p").all_inner_texts() == paragraphs


def test_variant_whose_runs_all_failed_is_marked_everywhere(open_page):
    page = open_page("failed")
    row = page.locator("table.board tbody tr").filter(visible=True, has_text="minimax")
    assert "3 3 failed" in " ".join(row.inner_text().split())
    assert row.get_by_role("img", name="3 failed").count() == 1
    assert page.locator(".matrix").first.locator("td.cell.missing").count() == 4
    caution = page.locator("#curves .caution").text_content()
    assert "seeds 0 (step 12), 1 (step 12) and 2 (step 12) diverged" in caution
    samples = page.locator("#samples figure", has_text="minimax").first.inner_text()
    assert "Diverged at step 12: non-finite generator loss." in samples
    runs = page.locator("table.runs tbody tr", has_text="minimax")
    assert runs.locator("td.bad").count() == 3


def test_missing_run_is_marked_everywhere(open_page):
    page = open_page("failed")
    assert "hinge seed 1 on digits is missing" in page.locator(".notice").inner_text()
    row = page.locator("table.board tbody tr").filter(visible=True, has_text="hinge")
    assert "3 1 missing" in " ".join(row.inner_text().split())
    assert "seed 1 is missing" in page.locator("#curves .caution").text_content()
    page.select_option("#samples .seed", "1")
    samples = page.locator("#samples figure", has_text="hinge").first
    samples.get_by_text("Missing: the run left no files.").wait_for()
    assert samples.locator(".block").count() == 0
    assert page.locator("table.runs td.bad", has_text="missing").count() == 1


def test_metric_that_a_chosen_dataset_lacks_leaves_its_primary_one(open_page):
    page = open_page()
    page.select_option("#metric", label="Inception score")
    page.select_option("#dataset", "mixture_1d")
    headings = page.locator("#leaderboard .measured h4").filter(visible=True).all_inner_texts()
    assert headings == ["Jensen–Shannon divergence JSD, lower is better"]
    lacking = "The chosen metric is not measured on mixture_1d"
    assert lacking in page.locator("#leaderboard .lacking").filter(visible=True).inner_text()
    assert count_visible(page, "#curves figure") > 0  # the choice is of tables
    page.select_option("#dataset", "digits")
    assert count_visible(page, ".lacking") == 0


@pytest.mark.parametrize("name", ["whole", "one"])
def test_controls_are_large_enough_for_a_thumb_on_a_phone(open_page, name):
    page = open_page(name, width=375, has_touch=True)
    controls = page.locator("button, select, summary, nav a, .tools a, .controls input")
    for control in controls.filter(visible=True).all():
        assert control.bounding_box()["height"] >= 40, control.inner_text()
    for box in page.locator(".switches input").filter(visible=True).all():
        assert box.bounding_box()["height"] > 23.9


def test_points_are_shown_with_an_axis_and_images_by_class(open_page):
    page = open_page()
    captions = page.locator("#data .examples figcaption").all_text_contents()
    assert captions == [
        "Real training samples, in the order of their classes.",
        "Histogram of the training points: x, from −3 to 3.",
    ]
    assert page.locator("#data .points .ticks span").all_text_contents() == ["−3", "0", "3"]
    ticks = page.locator('.sampled[data-dataset="mixture_1d"] figure .ticks')
    assert ticks.count() == 4  # three variants and real points


@pytest.mark.parametrize(("name", "width"), [("one", 700), ("one", 1000), ("whole", 700)])
def test_nothing_is_cut_off_at_the_edge_of_a_printed_page(open_page, name, width):
    page = open_page(name, width=width)
    page.emulate_media(media="print")
    cut = page.evaluate(
        """() => [...document.querySelectorAll("main pre, main .formula, td.command, main .scroll")]
          .filter((element) => element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.textContent)"""
    )
    assert cut == []


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(("name", "width"), [("whole", 1440), ("failed", 1440), ("failed", 375)])
def test_first_screen_has_the_answer_and_the_forest_plot(open_page, name, width, scripts):
    page = open_page(name, width=width, java_script_enabled=scripts)
    answer = page.locator(".headline").inner_text()
    assert answer.startswith("On digits, against minimax by FD-classifier: ")
    assert len(answer.split()) <= 30 * len(PAGES[name].get("datasets", ["digits"]))
    forest = page.locator(".forests svg").first
    assert forest.is_visible()
    box = forest.bounding_box()
    assert box["y"] + box["height"] < 900
    assert box["x"] + box["width"] <= width
    for words in ("non_saturating against minimax", "← first is better", "second is better →"):
        text = forest.locator("text", has_text=words)
        assert text.bounding_box()["height"] > 9  # legible without zooming
    assert page.locator(".numbers").count() == 0  # tables have those of several contrasts
    following = "main > header ~ section"
    assert page.locator(following).first.get_attribute("id") == "samples"


@pytest.mark.parametrize("scripts", [True, False])
def test_every_figure_has_a_link_that_leads_to_it(open_page, scripts):
    page = open_page("pair", java_script_enabled=scripts)
    links = page.locator(".figure-link")
    assert links.count() == page.locator("figcaption .save").count() > 5
    link = page.locator("#curves .figure-link").first
    page.goto(f"{page.url}{link.get_attribute('href')}")
    drawing = page.locator("#curves figure svg").first
    drawing.wait_for()
    assert -200 < drawing.bounding_box()["y"] < 500


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_has_its_table_paragraph_and_citation(open_page, folders, scripts):
    page = open_page(java_script_enabled=scripts)
    for name in ("paper.tex", "paper.md"):
        text = download(page, page.locator(f'a[download="{name}"]'))
        assert text == (folders("whole") / "tables" / name).read_text(encoding="utf-8")
    passages = page.locator("#paper pre").all_inner_texts()
    assert "Settings of minimax, non_saturating on digits: dcgan" in passages[0]
    assert passages[1].startswith("@software{ganbench,")
    foot = page.locator("footer").inner_text()
    assert re.search("ganbench 0.1.0, commit (c0ffee)+c0ff; lock file .* declaration", foot)


@pytest.mark.parametrize("scripts", [True, False])
def test_best_snapshots_are_folded_and_said_to_decide_nothing(open_page, scripts):
    page = open_page(java_script_enabled=scripts)
    folded = page.locator("#leaderboard details", has_text="best_steps.csv").first
    assert not folded.locator("table").is_visible()
    folded.locator("summary").click()
    assert folded.locator("tbody tr").count() == 3
    assert "every verdict is about the last snapshot" in folded.inner_text()


def test_numbers_of_the_answer_are_folded(open_page):
    page = open_page("pair")
    numbers = page.locator(".numbers li")
    assert not numbers.is_visible()
    page.click(".numbers summary")
    assert "times, 95 % interval" in numbers.inner_text()


ROWS = """(grid) => { const rows = {}; for (const figure of grid.children) {
  const top = Math.round(figure.getBoundingClientRect().bottom);
  rows[top] = (rows[top] ?? 0) + !figure.matches(".large"); } return Object.values(rows); }"""


@pytest.mark.parametrize("width", [1440, 1100])
def test_no_figure_is_left_alone_in_the_last_row(open_page, width):
    page = open_page(width=width)
    galleries = page.locator(".gallery:not(.wide, .maps)")
    rows = [gallery.evaluate(ROWS.replace("bottom", "top")) for gallery in galleries.all()]
    assert any(len(sizes) > 2 and sizes[-1] == 2 for sizes in rows)  # seven small ones
    assert not [sizes for sizes in rows if sum(sizes) > 2 and sizes[-1] == 1]


def test_seven_pictures_of_samples_take_two_rows_of_four_and_three(open_page):
    page = open_page("many")
    samples = page.locator("#samples .samples").first
    samples.evaluate("(grid) => { while (grid.children.length > 7) grid.children[0].remove(); }")
    assert samples.evaluate(ROWS) == [4, 3]
