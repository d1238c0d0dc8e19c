"""The page in a real browser: what it asks for, what a reader can do with it, how it looks."""

from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from report_example import EVIL, PAGES


def visible(page, selector: str) -> int:
    """How many elements a reader sees."""
    return page.locator(selector).filter(visible=True).count()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_asks_for_nothing_and_complains_of_nothing(opened, name):
    page = opened(name)
    page.wait_for_timeout(200)
    assert [url for url in page.asked if not url.startswith("data:")] == [page.url]
    assert page.complaints == []


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("width", [375, 1440])
def test_page_never_scrolls_sideways(opened, name, width):
    page = opened(name, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.select_option("#metric", "all")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_accessibility_violations(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.select_option("#metric", "all")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_page_is_dark_in_the_dark_and_light_in_the_light(opened):
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert min(opened(color_scheme="light").evaluate(paper)) > 240
    assert max(opened(color_scheme="dark").evaluate(paper)) < 40


def test_title_with_a_script_and_quotes_is_text(opened):
    page = opened()
    assert page.locator("h1").inner_text() == EVIL
    assert page.title().startswith(EVIL)


def test_clicked_heading_sorts_and_clicked_again_reverses(opened):
    page = opened()
    board = page.locator("table.board").first
    names = board.locator("tbody th")
    ranked = names.all_inner_texts()
    heading = board.locator("thead button", has_text="mean")
    heading.click()
    assert names.all_inner_texts() == ranked
    assert board.locator('th[aria-sort="ascending"]').count() == 1
    heading.click()
    assert names.all_inner_texts() == ranked[::-1]


def test_unfinished_variant_sorts_last(opened):
    page = opened("failed")
    board = page.locator("table.board").first
    board.locator("thead button", has_text="mean").click()
    assert board.locator("tbody th").all_inner_texts()[-1] == "minimax"


@pytest.mark.parametrize("scripts", [True, False])
def test_dataset_filter_hides_the_other_datasets(opened, scripts):
    page = opened(java_script_enabled=scripts)
    both = visible(page, "[data-dataset]")
    page.select_option("#dataset", "mixture_1d")
    assert visible(page, '[data-dataset="digits"]') == 0
    assert 0 < visible(page, '[data-dataset="mixture_1d"]') < both


@pytest.mark.parametrize("scripts", [True, False])
def test_metric_filter_shows_that_metric_alone(opened, scripts):
    page = opened(java_script_enabled=scripts)
    assert page.locator("#leaderboard .measured h4").filter(visible=True).all_inner_texts() == [
        "FD-classifier against held_out Fréchet distance, lower is better",
        "JSD Jensen–Shannon divergence, lower is better",
    ]
    page.select_option("#metric", label="IS-classifier")
    shown = page.locator(".measured h4").filter(visible=True).all_inner_texts()
    assert len(shown) == 2
    assert all(each.startswith("IS-classifier") for each in shown)
    page.select_option("#metric", "all")
    assert visible(page, ".board") > 8


@pytest.mark.parametrize("scripts", [True, False])
def test_variant_is_switched_off_once_for_all_figures(opened, scripts):
    page = opened(java_script_enabled=scripts)
    places = ("#curves", "#game", "#samples", "#theory", "#differences")
    before = {place: visible(page, f"{place} .variant-0") for place in places}
    assert all(before.values())
    page.uncheck("#variant-0")
    assert {place: visible(page, f"{place} .variant-0") for place in places} == dict.fromkeys(
        places, 0
    )
    assert visible(page, "#curves .variant-1") > 0
    page.locator("#curves .legend label", has_text="minimax").click()  # a legend is a switch too
    assert {place: visible(page, f"{place} .variant-0") for place in places} == before


@pytest.mark.parametrize("scripts", [True, False])
def test_curves_change_their_axis(opened, scripts):
    page = opened(java_script_enabled=scripts)
    figures = page.locator("#curves figure").count()
    for budget, label in (("images", "shown to D"), ("seconds", "seconds of"), ("updates", "of D")):
        page.check(f"#by-{budget}")
        assert visible(page, "#curves figure svg") == figures
        shown = page.locator(f"#curves .by-{budget} text").filter(visible=True, has_text=label)
        assert shown.count() == figures


def downloaded(page, link) -> str:
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.path().read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["summary", "comparisons", "pairs", "rates", "ranks"])
def test_downloaded_tables_are_the_files_of_the_study(opened, folders, name):
    page, folder = opened(), folders("whole")
    link = page.locator(f'a[download="{name}.csv"]')
    assert downloaded(page, link) == (folder / f"{name}.csv").read_text(encoding="utf-8")
    link = page.locator(f'a[download="{name}.tex"]')
    assert downloaded(page, link) == (folder / f"tables/{name}.tex").read_text(encoding="utf-8")


def test_tables_download_with_scripts_off(opened, folders):
    page = opened(java_script_enabled=False)
    link = page.locator('a[download="summary.csv"]')
    assert downloaded(page, link) == (folders("whole") / "summary.csv").read_text(encoding="utf-8")
    assert visible(page, "button") == 0  # nothing that would do nothing


def test_copy_buttons_copy_what_they_stand_beside(opened, folders):
    page = opened()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.get_by_role("button", name="Copy summary as CSV").click()
    assert page.evaluate("window.copied") == (folders("whole") / "summary.csv").read_text()
    page.get_by_role("button", name="Copy Command for the whole study").click()
    assert page.evaluate("window.copied") == "snakemake --cores all --configfile again.yaml"
    page.locator("summary", has_text="BibTeX").click()
    page.get_by_role("button", name="Copy the bibliography").click()
    assert page.evaluate("window.copied").startswith("@inproceedings{goodfellow2014,")
    page.locator("summary", has_text="18 runs").click()
    page.get_by_role("button", name="Copy the command of this run").first.click()
    assert page.evaluate("window.copied").endswith("/digits/minimax/seed0/scores.csv")


def test_copying_works_where_the_browser_grants_no_clipboard(opened):
    page = opened()
    page.evaluate(
        "navigator.clipboard.writeText = async () => { throw new Error('denied'); };"
        "document.execCommand = () => { window.copied = document.activeElement.value; };"
    )
    page.get_by_role("button", name="Copy summary as CSV").click()
    page.wait_for_function("window.copied !== undefined")
    assert page.evaluate("window.copied").startswith("dataset,variant,metric")


def test_saved_figure_is_a_file_of_its_own_without_what_is_switched_off(opened):
    page = opened()
    page.uncheck("#variant-0")
    page.check("#by-seconds")
    text = downloaded(page, page.locator("#curves .save").first)
    root = ElementTree.fromstring(text)
    words = " ".join(
        "".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")
    )
    assert "seconds of training" in words
    assert "non_saturating" in words
    assert "minimax" not in words
    assert 'class="variant-0' not in text
    assert "--faint:" in text


def test_printed_page_shows_what_is_folded_and_hides_what_is_for_clicking(opened):
    page = opened()
    folded = page.locator("#methods pre")
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert visible(page, "nav, .switches, .copy, .save, .tools") == 0
    assert visible(page, "#samples img") == page.locator("#samples img").count()
    printed = page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert 5 < printed.count(b"/Type /Page\n") < 60


def test_page_says_everything_with_scripts_off(opened):
    page, without = opened(), opened(java_script_enabled=False)
    page.locator("button").evaluate_all("(all) => all.forEach((each) => each.remove())")
    for section in ("answer", "differences", "data", "methods"):
        words = without.locator(f"#{section} p").all_inner_texts()
        assert page.locator(f"#{section} p").all_inner_texts() == words


def test_variant_whose_runs_all_failed_shows_as_such_everywhere(opened):
    page = opened("failed")
    said = "of 3, 3 failed"
    row = page.locator("table.board tbody tr").filter(visible=True, has_text="minimax")
    assert said in row.inner_text()
    assert row.get_by_role("img", name="3 failed").count() == 1
    assert page.locator(".matrix").first.locator("td.cell.missing").count() == 4
    assert (
        "seed 0 at step 12, 1 at step 12, 2 at step 12 diverged"
        in page.locator("#curves .caution").inner_text()
    )
    samples = page.locator("#samples figure", has_text="minimax").first.inner_text()
    assert "Diverged at step 12: non-finite generator loss." in samples
    runs = page.locator("table.runs tbody tr", has_text="minimax")
    assert runs.locator("td.bad").count() == 3


def test_missing_run_shows_as_such_everywhere(opened):
    page = opened("failed")
    assert "hinge seed 1 on digits is missing" in page.locator(".notice").inner_text()
    row = page.locator("table.board tbody tr").filter(visible=True, has_text="hinge")
    assert "of 3, 1 missing" in row.inner_text()
    assert "seed 1 missing" in page.locator("#curves .caution").inner_text()
    page.locator("#samples summary", has_text="seed 1").click()
    gone = page.locator("#samples details").nth(1).locator("figure", has_text="hinge")
    assert "Missing: the run left no file." in gone.inner_text()
    assert page.locator("table.runs td.bad", has_text="missing").count() == 1
