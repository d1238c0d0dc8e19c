"""The tables that the page itself holds, to be saved and copied; larger ones lie beside it."""

from collections.abc import Mapping
from urllib.parse import quote

ROOM = 75_000
"""Characters that all tables of a page may take together."""


def make_address(text: str, kind: str) -> str:
    """`text` as a data URL that a browser can save as a file."""
    return f"data:{kind};charset=utf-8,{quote(text, safe=',;:()/=+-.')}"


def choose_attached(csv: Mapping[str, str], latex: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The CSV and the LaTeX of the tables, by name, for which the page has room, smallest first."""
    sizes = {name: len(make_address(text + latex[name], "")) for name, text in csv.items()}
    attached, taken = set(), 0
    for name in sorted(sizes, key=sizes.__getitem__):
        taken += sizes[name]
        if taken <= ROOM:
            attached.add(name)
    return {name: (text, latex[name]) for name, text in csv.items() if name in attached}
