"""Pages of made-up studies, and a real browser to open them in."""

import shutil
from pathlib import Path

import pytest
from report_example import write_page

LAUNCH = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
LAUNCH += ("--disable-background-networking",)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The folder of a study's report, made when it is first asked for."""
    made: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in made:
            made[name] = write_page(name, tmp_path_factory.mktemp(name))
        return made[name]

    return folder_of


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(LAUNCH))
        yield started
        started.close()


@pytest.fixture
def opened(browser, folders):
    """Opens a study's page; the page knows what it asked for and what it complained of."""
    contexts = []

    def open_page(name: str = "whole", *, width: int = 1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        page.goto((folders(name) / "report.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
