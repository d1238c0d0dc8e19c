"""The samples of a page: snapshots, seeds, and two variants held against each other."""

import shutil

import pytest
from ganbench.report import sample_pictures
from ganbench.report.report import write_report
from playwright.sync_api import expect
from report_example import FEW_METRICS, make_results, make_study, without_pdf

DIGITS = '#samples .sampled[data-dataset="digits"]'


def shown_row(page, variant: str) -> str:
    """The part of a variant's picture that the page shows, as the browser computes it."""
    block = page.locator(f"{DIGITS} figure", has_text=variant).first.locator(".block")
    return block.evaluate("(block) => getComputedStyle(block).objectPosition")


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scripts", [True, False])
def test_last_samples_of_the_first_seed_show_and_are_large(open_page, scripts, width):
    page = open_page(java_script_enabled=scripts, width=width)
    blocks = page.locator(f"{DIGITS} figure .block").filter(visible=True)
    assert blocks.count() == 4  # three variants and real samples
    for box in (blocks.nth(place).bounding_box() for place in range(4)):
        assert box["width"] > 140
        assert box["height"] == pytest.approx(box["width"] * 3 / 4, abs=1)
    assert page.locator(".controls").first.is_visible() == scripts
    if scripts:
        assert shown_row(page, "minimax") == "0px 100%"


def test_slider_shows_the_snapshots_of_all_variants(open_page):
    page = open_page()
    slider = page.locator(f"{DIGITS} .snapshot")
    for place, (step, position) in enumerate(
        [("25", "0px 0%"), ("50", "0px 33.3333%"), ("75", "0px 66.6667%"), ("100", "0px 100%")]
    ):
        slider.fill(str(place))
        assert page.locator(f"{DIGITS} output").inner_text() == step
        assert shown_row(page, "minimax") == shown_row(page, "wgan_gp") == position


def test_another_seed_is_loaded_from_its_file_and_the_first_again(open_page):
    page = open_page()
    page.select_option(f"{DIGITS} .seed", "2")
    canvas = page.locator(f"{DIGITS} figure canvas")
    expect(page.locator(f"{DIGITS} canvas")).to_have_count(6)
    requested = {url for url in page.requested if "seed2" in url}
    assert len(requested) == 6  # samples and nearest images of three variants
    assert all("/digits/" in url for url in requested)
    assert canvas.first.evaluate("(canvas) => [canvas.width, canvas.height]") == [36, 108]
    assert page.locator(f"{DIGITS} .absent").is_hidden()
    page.select_option(f"{DIGITS} .seed", "0")
    expect(page.locator(f"{DIGITS} canvas")).to_have_count(0)
    assert page.locator(f"{DIGITS} figure img").filter(visible=True).count() == 4
    assert page.messages == []


def test_page_without_its_files_says_which_pictures_are_missing(open_page, folders, tmp_path):
    page = open_page()
    shutil.copy(folders("whole") / "report.html", tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    page.select_option(f"{DIGITS} .seed", "1")
    absent = page.locator(f"{DIGITS} .absent")
    absent.wait_for()
    assert "runs/digits/minimax/seed1/samples.png and 5 more" in absent.inner_text()
    page.select_option(f"{DIGITS} .seed", "0")
    absent.wait_for(state="hidden")
    assert page.locator(f"{DIGITS} figure img").filter(visible=True).count() == 4


def test_two_variants_are_held_against_each_other(open_page):
    page = open_page()
    figures = page.locator(f"{DIGITS} figure").filter(visible=True)
    before = figures.first.locator(".block").bounding_box()["width"]
    page.locator(f"{DIGITS} .hold").first.select_option(label="wgan_gp")
    assert [text.strip() for text in figures.all_inner_texts()] == ["wgan_gp", "real samples"]
    page.locator(f"{DIGITS} .hold").last.select_option(label="minimax")
    assert [text.strip() for text in figures.all_inner_texts()] == ["minimax", "wgan_gp"]
    assert figures.first.locator(".block").bounding_box()["width"] > 1.4 * before
    page.locator(f"{DIGITS} .hold").first.select_option("")
    assert figures.count() == 4


def test_earlier_snapshots_are_loaded_where_the_page_has_the_last_ones_only(
    browser, tmp_path, monkeypatch
):
    monkeypatch.setattr(sample_pictures, "ROOM", 1)
    study = make_study(("minimax",), seeds=1)
    inputs = make_results(tmp_path, study, metrics=FEW_METRICS)
    with without_pdf():
        write_report(study, inputs, tmp_path / "report")
    (tmp_path / "report/runs").symlink_to(tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "report/report.html").as_uri())
    image = page.locator(f"{DIGITS} figure", has_text="minimax").first.locator("img.block")
    size = image.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert size == [4 * 9, 3 * 9]
    slider = page.locator(f"{DIGITS} .snapshot")
    slider.fill("1")
    canvas = page.locator(f"{DIGITS} canvas")
    expect(canvas).to_have_count(1)
    assert canvas.evaluate("(canvas) => [canvas.width, canvas.height]") == [4 * 9, 4 * 3 * 9]
    assert shown_row(page, "minimax") == "0px 33.3333%"
    slider.fill("3")
    assert shown_row(page, "minimax") == "0px 100%"
    page.close()
