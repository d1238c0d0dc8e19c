"""What belongs together on a page: a variant, a run, its curves and samples, and the address."""

import pandas as pd
import pytest
from playwright.sync_api import expect

DOT = '#leaderboard .strip [data-run="digits/1/2"]'


def strokes(page, variant: int) -> set[str]:
    """The colours of a variant's lines in the figures of learning curves."""
    paths = page.locator(f"#curves svg path.variant-{variant}")
    return set(paths.evaluate_all("(paths) => paths.map((path) => getComputedStyle(path).stroke)"))


def fragment(page) -> str:
    return page.evaluate("decodeURIComponent(location.hash)")


def test_dot_of_the_leaderboard_shows_its_run_everywhere(open_page):
    page = open_page()
    colour = strokes(page, 1)
    page.locator(DOT).first.dispatch_event("click")
    chosen = page.locator(".chosen-run")
    assert "non_saturating on digits, seed 2: completed." in chosen.inner_text()
    assert "digits/non_saturating/seed2/scores.csv" in chosen.locator("code").inner_text()
    assert page.locator('.sampled[data-dataset="digits"] .seed').input_value() == "2"
    thick = page.locator('#curves [data-dataset="digits"] path.variant-1.seed-2.of-run')
    assert thick.count() > 3
    assert page.locator("#curves path.of-run:not(.variant-1.seed-2)").count() == 0
    assert strokes(page, 1) == colour
    assert not strokes(page, 0) & colour
    assert len(strokes(page, 0)) == 1  # grey
    chosen.locator(".close").click()
    assert chosen.is_hidden()
    assert page.locator(".of-run").count() == 0
    assert "run=" not in fragment(page)


def test_run_is_shown_by_the_keyboard_too(open_page):
    page = open_page()
    page.locator("#again summary", has_text="18 runs").click()
    page.locator("table.runs tr", has_text="minimax").first.locator("button.show").focus()
    page.keyboard.press("Enter")
    assert "minimax on digits, seed 0" in page.locator(".chosen-run").inner_text()


def test_address_restores_the_view(open_page, folders):
    page = open_page()
    page.uncheck("#variant-2")
    page.check("#by-seconds")
    page.select_option("#metric", "all")
    page.locator('.sampled[data-dataset="digits"] .snapshot').fill("1")
    page.locator(DOT).first.dispatch_event("click")
    address = page.evaluate("location.href")
    again = open_page()
    again.goto("about:blank")
    again.goto(address)
    assert not again.locator("#variant-2").is_checked()
    assert again.locator("#by-seconds").is_checked()
    assert again.locator("#metric").input_value() == "all"
    assert again.locator('.sampled[data-dataset="digits"] output').inner_text() == "50"
    assert "seed 2" in again.locator(".chosen-run").inner_text()
    assert again.locator('.sampled[data-dataset="digits"] .seed').input_value() == "2"


@pytest.mark.parametrize("hash_", ["#run=nothing", "#lit=99&by=eggs&dataset=none", "#run=%E0%A4%A"])
def test_address_that_names_nothing_on_the_page_is_harmless(open_page, folders, hash_):
    page = open_page()
    page.goto("about:blank")
    page.goto((folders("whole") / "report.html").as_uri() + hash_)
    assert page.locator(".chosen-run").is_hidden()
    assert page.locator("#by-generator_steps").is_checked()
    assert page.locator("#dataset").input_value() == "all"
    assert page.locator("body").get_attribute("data-lit") is None
    assert page.messages == []


def test_variant_of_the_leaderboard_is_highlighted_until_it_is_clicked_again(open_page):
    page = open_page()
    button = page.locator("table.board button.lit", has_text="wgan_gp").first
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert fragment(page) == "#lit=2"
    assert not strokes(page, 0) & strokes(page, 2)
    button.click()
    assert fragment(page) == ""
    assert page.locator("body").get_attribute("data-lit") is None


def place_of(page, plot, seed: int) -> list[float]:
    """Where on the screen the first point of a seed of the first variant is."""
    plot.scroll_into_view_if_needed()
    return plot.evaluate(
        """(place, seed) => {
          const { lines, frame } = drawnPlots.get(place), [{ x, y }] = lines[0].seeds[seed].points;
          const box = place.firstElementChild.getBoundingClientRect();
          return [box.left + frame.toX(x), box.top + frame.toY(y)];
        }""",
        seed,
    )


def test_value_of_the_nearest_point_shows_on_hover(open_page, folders):
    page = open_page()
    plot = page.locator("#curves .plot").first
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # sections near it are laid out meanwhile, and may move it
    page.mouse.move(*place_of(page, plot, 1))
    tip = page.locator(".tip")
    expect(tip).to_be_visible()
    scores = pd.read_csv(folders("whole") / "scores.csv")
    run = (scores["variant"] == "minimax") & (scores["seed"] == 1) & (scores["step"] == 25)
    chosen = run & (scores["metric"] == "FD-classifier") & (scores["reference"] == "held_out")
    (value,) = scores[chosen & (scores["dataset"] == "digits")]["value"]
    assert tip.inner_text() == f"minimax, seed 1: {value:.3g} at 25"
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_click_on_a_curve_highlights_its_variant_above_the_others(open_page):
    page = open_page()
    plot = page.locator("#game .plot").first
    plot.scroll_into_view_if_needed()
    plot.locator("svg").wait_for()
    page.wait_for_timeout(500)  # sections near it are laid out meanwhile, and may move it
    point = place_of(page, plot, 0)
    page.mouse.click(*point)
    assert fragment(page) == "#lit=0"
    assert not strokes(page, 0) & strokes(page, 1)
    last = page.locator("#curves .plot .lines > :last-child").first
    assert last.get_attribute("class").startswith("variant-0 ")
    page.mouse.click(*point)
    assert fragment(page) == ""


def test_headings_have_links_and_the_first_tab_skips_to_the_leaderboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["x"] >= 0
    headings = page.locator("main section h2, main section h3")
    assert headings.locator(".anchor").count() == headings.count() > 20
    assert page.locator("#curves h2 .anchor").get_attribute("href") == "#curves"


MARKS = "main h2 .anchor, main h3 .anchor, figcaption .anchor"


def count_opaque(page) -> int:
    opacities = "(marks) => marks.filter((mark) => getComputedStyle(mark).opacity === '1').length"
    return page.locator(MARKS).evaluate_all(opacities)


def test_links_show_on_hover_and_focus_and_always_on_a_touch_screen(open_page):
    page = open_page()
    page.mouse.move(1, 1)
    assert count_opaque(page) == 0
    page.locator("#curves h3").first.hover()
    assert count_opaque(page) == 1
    page.mouse.move(1, 1)
    page.locator("#curves figcaption .anchor").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert count_opaque(page) == 1
    touch = open_page(width=375, has_touch=True, is_mobile=True)
    assert count_opaque(touch) == touch.locator(MARKS).count() > 30


def test_link_of_a_heading_keeps_the_view_and_leads_to_the_heading(open_page):
    page = open_page()
    page.locator("#failures .anchor").click()
    page.wait_for_timeout(50)
    assert fragment(page) == "#failures"
    page.check("#by-seconds")
    assert fragment(page) == "#by=seconds&at=failures"
    page.locator("#game-mixture_1d .anchor").click()
    page.wait_for_timeout(50)
    address = page.evaluate("location.href")
    assert address.endswith("#by=seconds&at=game-mixture_1d")
    again = open_page()
    again.goto("about:blank")
    again.goto(address)
    assert again.locator("#by-seconds").is_checked()
    assert abs(again.locator("#game-mixture_1d").bounding_box()["y"]) < 60
    again.check("#by-generator_steps")
    assert fragment(again) == "#game-mixture_1d"


def test_copying_is_announced(open_page):
    page = open_page()
    page.evaluate("navigator.clipboard.writeText = async () => {}")
    page.get_by_role("button", name="Copy summary as CSV").click()
    expect(page.locator(".announced")).to_have_text("summary as CSV: copied")
