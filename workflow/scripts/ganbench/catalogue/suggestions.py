"""What a person may have meant by a name that is none."""

import difflib
from collections.abc import Iterable

LEAST = 0.7
"""How alike two names must be: `cpu` is no suggestion for `gpu`."""


def suggest(word: object, names: Iterable[object], least: float = LEAST) -> str:
    """The name that is spelt most like a word, as a question: "; did you mean 'hinge'?"; or ''."""
    name = find_closest(word, names, least)
    return "" if name is None else f"; did you mean {name!r}?"


def find_closest(word: object, names: Iterable[object], least: float = LEAST) -> str | None:
    """The name that is spelt most like a word, apart from case; None where none is alike."""
    by_spelling = {str(name).lower(): str(name) for name in names}
    close = difflib.get_close_matches(str(word).lower(), by_spelling, n=1, cutoff=least)
    return by_spelling[close[0]] if close else None
