"""The verdict of a finished study, read from its report."""

from html.parser import HTMLParser
from pathlib import Path

HEAD = 64_000
"""Characters of a page within which its description stands."""


class _Description(HTMLParser):
    """Keeps the content of <meta name="description">."""

    text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "meta" and attributes.get("name") == "description":
            self.text = attributes.get("content") or ""


def read_headline(page: Path) -> str:
    """The headline of a report, which the page has as its description; '' without a page."""
    parser = _Description()
    try:
        with page.open(encoding="utf-8") as file:
            parser.feed(file.read(HEAD))
    except (OSError, UnicodeDecodeError):
        return ""
    return parser.text
