"""Pages of made-up studies, and a real browser to open them in."""

import shutil
from pathlib import Path

import pytest
from report_example import draw_curves, write_page

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
]


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The folder of a study's report by its name; each is written when a test first needs it."""
    written: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in written:
            written[name] = write_page(name, tmp_path_factory.mktemp(name))
        return written[name]

    return folder_of


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, folders):
    """Opens a study's page, with the addresses it requests and the messages of its console."""
    contexts = []

    def open_in_new_context(name: str = "whole", *, width: int = 1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.messages = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.messages.append(message.text))
        page.on("pageerror", lambda error: page.messages.append(str(error)))
        page.on("dialog", lambda dialog: page.messages.append(dialog.message))
        page.goto((folders(name) / "report.html").as_uri())
        if options.get("java_script_enabled", True):
            draw_curves(page)
        return page

    yield open_in_new_context
    for context in contexts:
        context.close()
