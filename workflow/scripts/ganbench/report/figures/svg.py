"""Matplotlib's SVG adapted to a page: short paths, shared styles, the colours of the page."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np

from ganbench.report.figures.png import PNG_ADDRESS, shorten_png

INK, FAINT = "#1b1e23", "#c6cad1"
"""The colours of text and of grid lines in files; the page replaces them by those of its theme."""

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

FILE_LEGEND = "file-legend"
"""The id of a legend below a figure, which only files have."""

TOLERANCE = 1.0
"""By how much a line may move when points are left out, in tenths of a point: a quarter of a pixel
on most screens."""

_DROPPED = re.compile(r"(font-family|stroke-linejoin|stroke-linecap: butt)\b[^;]*;?\s*")
_FONT = re.compile(r"font: (?:(bold|[6-9]00) )?([\d.]+)px [^;]*")
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")
_NAMESPACES = re.compile(r' xmlns(:xlink)?="[^"]*"')  # which HTML does not need


@dataclass(frozen=True)
class Inline:
    """An `<svg>` element for a page, and the rules of the style classes that it uses."""

    svg: str
    styles: dict[str, str]


def make_inline(
    text: str, name: str, description: str, height: float, attributes: Mapping[str, str]
) -> Inline:
    """The SVG that matplotlib wrote as `text`, for a page with many figures.

    It is cut to `height` points, without the legend below. `name` makes its ids unique there.
    Groups whose id begins with `variant-0-` get the class `variant-0`, by which the page switches
    variants on and off; so do `label-`, `title-`.
    The element gets the further `attributes`.
    """
    root = ElementTree.fromstring(text[text.index("<svg") :])
    width = float(root.attrib["viewBox"].split()[2])
    _flatten(root)
    _name_references(root, "i" + hashlib.sha256(name.encode()).hexdigest()[:6])
    styles: dict[str, str] = {}
    for element in root.iter():
        _shorten(element)
        style = _adapt_style(element.attrib.pop("style", ""))
        if style:
            short = "c" + hashlib.sha256(style.encode()).hexdigest()[:8]
            styles[short] = style
            element.set("class", " ".join(filter(None, [element.get("class"), short])))
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width * 4 / 3:.0f}",
        "role": "img",
        "aria-label": description,
        **attributes,
    }
    svg = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    svg = _NAMESPACES.sub("", svg).replace(" xlink:href=", " href=")
    return Inline(re.sub(r">\s+<", "><", svg).replace(" />", "/>"), styles)


def _flatten(parent: ElementTree.Element) -> None:
    """Removes what draws nothing, and replaces groups by their contents."""
    children: list[ElementTree.Element] = []
    for child in list(parent):
        tag = child.tag.removeprefix(f"{{{SVG}}}")
        if tag in ("metadata", "style") or _is_invisible(child) or child.get("id") == FILE_LEGEND:
            continue
        _flatten(child)
        if tag != "g" or child.get("clip-path") or child.get("transform"):
            children += [child] if tag != "defs" or len(child) else []
            continue
        match = re.match(r"(variant-\d+|label|title)-", child.get("id", ""))
        for inner in child:
            if match:
                inner.set("class", match[1])
            children.append(inner)
    parent[:] = children
    if not parent.tag.endswith("}text"):
        parent.text = None


def _is_invisible(element: ElementTree.Element) -> bool:
    """Whether this is a path without fill and stroke: the background of a figure or of its axes."""
    style = element.get("style", "")
    return element.tag.endswith("}path") and style == "fill: none"


def _name_references(root: ElementTree.Element, prefix: str) -> None:
    """Shortens the ids that something refers to, and removes all others."""
    referenced: dict[str, str] = {}
    for element in root.iter():
        for key in ("clip-path", f"{{{XLINK}}}href"):
            value = element.get(key, "")
            match = _REFERENCE.search(value)
            if match and not value.startswith("data:"):
                short = referenced.setdefault(match[1], f"{prefix}{len(referenced)}")
                element.set(key, value.replace(match[1], short))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in referenced:
            element.set("id", referenced[name])


def _shorten(element: ElementTree.Element) -> None:
    """Rounds all coordinates of an element, and stores its picture, if it has one, in few bytes."""
    for key, value in element.attrib.items():
        if key == "d":
            element.set(key, shorten_path(value))
        elif value.startswith(PNG_ADDRESS):
            element.set(key, shorten_png(value))
        elif key in ("x", "y", "width", "height", "transform"):
            element.set(key, _NUMBER.sub(lambda match: _shorten_number(float(match[0])), value))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    element.tail = None


def shorten_path(d: str) -> str:
    """Path data rounded to a tenth of a point, with straight lines relative to the point before.

    Points between straight lines are left out where the line stays in its place without them.
    """
    commands = re.findall(r"([MLCQz])([^MLCQz]*)", d)
    if any(command in "CQ" for command, _ in commands):
        rounded = _NUMBER.sub(lambda match: _shorten_number(float(match[0])), d)
        return " ".join(rounded.split())
    return "".join(
        _write_piece(_simplify([_round_pair(numbers) for _, numbers in points]), closed)
        for points, closed in _split_pieces(commands)
    )


def _split_pieces(
    commands: list[tuple[str, str]],
) -> Iterator[tuple[list[tuple[str, str]], bool]]:
    """Each piece that begins with M, without its z, and whether that closes it."""
    starts = [number for number, (command, _) in enumerate(commands) if command == "M"]
    for start, end in pairwise([*starts, len(commands)]):
        closed = commands[end - 1][0] == "z"
        yield commands[start : end - closed], closed


def _round_pair(numbers: str) -> tuple[int, int]:
    """Two coordinates in tenths."""
    x, y = (round(float(number) * 10) for number in numbers.split())
    return x, y


def _simplify(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points without those whose loss moves the line by less than a tenth (Douglas, Peucker).

    The first and the last one stay, also where they are the same.
    """
    array = np.array(points, dtype=float)
    kept, spans = {0, len(points) - 1}, [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distances = _measure_distances(array[first + 1 : last], array[first], array[last])
        if distances.max() >= TOLERANCE:
            middle = first + 1 + int(distances.argmax())
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return [points[number] for number in sorted(kept)]


def _measure_distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Of points to the piece of a line from `start` to `end`."""
    along = end - start
    share = (points - start) @ along / max(along @ along, 1e-9)
    return np.linalg.norm(points - start - np.outer(np.clip(share, 0, 1), along), axis=1)


def _write_piece(points: list[tuple[int, int]], closed: bool) -> str:
    """The points of one piece, each relative to the one before."""
    written = [f"M{_format_pair(*points[0])}"]
    for (x, y), (next_x, next_y) in pairwise(points):
        step = _format_pair(next_x - x, next_y - y)
        separator = "" if step.startswith("-") else " "
        written.append((separator if len(written) > 1 else "l") + step)
    return "".join(written) + "z" * closed


def _format_pair(x: int, y: int) -> str:
    """Two numbers, given in tenths, separated by a space unless a minus sign does that."""
    first, second = _shorten_number(x / 10), _shorten_number(y / 10)
    return f"{first}{'' if second.startswith('-') else ' '}{second}"


def _shorten_number(number: float) -> str:
    """A number rounded to a tenth, without needless zeros: .5, -3, 12.1."""
    text = f"{number:.1f}".removesuffix(".0")
    text = "0" if text == "-0" else text
    return re.sub(r"^(-?)0\.", r"\1.", text)


def _adapt_style(style: str) -> str:
    """A style in the page's colours, without the rules that its stylesheet has for all figures."""
    style = _FONT.sub(lambda match: f"font-size: {match[2]}px" + _format_weight(match[1]), style)
    style = _DROPPED.sub("", style)
    style = style.replace(INK, "currentColor").replace(FAINT, "var(--faint)")
    return re.sub(r"\s*([:;])\s*", r"\1", style).strip("; ")


def _format_weight(weight: str | None) -> str:
    return "; font-weight: 600" if weight else ""
