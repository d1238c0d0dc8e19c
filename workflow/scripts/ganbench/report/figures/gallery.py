"""Figures in nested dicts and lists: all of them drawn at once, or in a row."""

import gc
from collections.abc import Callable
from typing import Any

from ganbench.report.figures.drawing import Drawing
from ganbench.report.figures.processes import compute_all


def draw_all(sketches: Any, processes: int) -> Any:
    """The same nested dicts and lists with a drawing in the place of every sketch."""
    # figures have many objects, which Python's collector would walk over and over
    gc.set_threshold(50_000, 20, 100)
    drawings = iter(compute_all(_list_leaves(sketches), processes))
    return _replace_leaves(sketches, lambda _: next(drawings))


def list_drawings(figures: Any) -> list[Drawing]:
    """Every drawing, in their order."""
    return _list_leaves(figures)


def _list_leaves(figures: Any) -> list[Any]:
    leaves: list[Any] = []
    _replace_leaves(figures, leaves.append)
    return leaves


def _replace_leaves(figures: Any, replace: Callable[[Any], Any]) -> Any:
    match figures:
        case dict():
            return {key: _replace_leaves(inner, replace) for key, inner in figures.items()}
        case list():
            return [_replace_leaves(inner, replace) for inner in figures]
    return replace(figures)
