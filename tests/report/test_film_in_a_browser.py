"""The densities over training: scrubbed, played, and still where scripts or motion are unwanted."""

from playwright.sync_api import expect

FILM = '#game [data-dataset="mixture_1d"] .film'
CURVE = f"{FILM} figure >> nth=0 >> .generated"


def test_slider_and_seed_change_the_curves(open_page):
    page = open_page()
    last = page.locator(CURVE).get_attribute("d")
    assert last.startswith("M34.0 ")
    page.locator(f"{FILM} .snapshot").fill("0")
    first = page.locator(CURVE).get_attribute("d")
    assert page.locator(f"{FILM} output").inner_text() == "25"
    page.select_option(f"{FILM} .seed", "2")
    assert len({last, first, page.locator(CURVE).get_attribute("d")}) == 3
    assert page.locator(f"{FILM} figure").count() == 3  # all variants side by side


def test_film_plays_to_its_end_and_can_be_stopped(open_page):
    page = open_page()
    play, slider = page.locator(f"{FILM} .play"), page.locator(f"{FILM} .snapshot")
    play.click()
    assert play.inner_text() == "pause"
    assert slider.input_value() == "0"  # it starts again from the end
    expect(slider).to_have_value("1")
    play.click()
    assert play.inner_text() == "play"
    slider.fill("2")
    play.click()
    expect(play).to_have_text("play")
    assert slider.input_value() == "3"


def test_film_does_not_play_where_motion_is_unwanted(open_page):
    page = open_page(reduced_motion="reduce")
    assert page.locator(f"{FILM} .play").is_hidden()
    page.locator(f"{FILM} .snapshot").fill("1")
    assert page.locator(f"{FILM} output").inner_text() == "50"


def test_still_pictures_stand_in_for_the_film_without_scripts_and_in_print(open_page):
    page = open_page(java_script_enabled=False)
    stills = '#game [data-dataset="mixture_1d"] .stills svg'
    assert page.locator(FILM).is_hidden()
    assert page.locator(stills).filter(visible=True).count() == 3
    printed = open_page()
    assert printed.locator(stills).filter(visible=True).count() == 0
    printed.emulate_media(media="print")
    assert printed.locator(FILM).is_hidden()
    assert printed.locator(stills).filter(visible=True).count() == 3
