"""Matplotlib's SVG adapted to a page: short paths, shared styles, the colours of the page."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree

INK, FAINT = "#1b1e23", "#c6cad1"
"""The colours of text and of grid lines in files; the page replaces them by those of its theme."""

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

FILE_LEGEND = "file-legend"
"""The id of a legend below a figure, which only files have."""

_DROPPED = re.compile(r"(font-family|stroke-linejoin|stroke-linecap: butt)\b[^;]*;?\s*")
_FONT = re.compile(r"font: (?:(bold|[6-9]00) )?([\d.]+)px [^;]*")
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")


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
    variants on and off; those of `variant-0-seed-1-` get `seed-1` too; so do `label-`, `title-`.
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
    _group_seeds(root)
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width * 4 / 3:.0f}",
        "role": "img",
        "aria-label": description,
        **attributes,
    }
    svg = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
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
        match = re.match(r"(variant-\d+|label|title)(?:-(seed-\d+))?-", child.get("id", ""))
        for inner in child:
            if match:
                inner.set("class", " ".join(filter(None, match.groups())))
            children.append(inner)
    parent[:] = children
    if not parent.tag.endswith("}text"):
        parent.text = None


def _group_seeds(root: ElementTree.Element) -> None:
    """Puts the seeds of a variant, which follow each other, into a group with their style.

    A figure of hundreds of runs is a quarter shorter so. Paths keep the classes of their run.
    """
    children: list[ElementTree.Element] = []
    for shared, siblings in groupby(root, key=_shared_by_seeds):
        paths = list(siblings)
        if shared is None or len(paths) == 1:
            children += paths
            continue
        style, clip = shared
        group = ElementTree.Element(f"{{{SVG}}}g", {"class": style, "clip-path": clip})
        for path in paths:
            run = path.attrib["class"].removesuffix(f" {style}")
            group.append(ElementTree.Element(path.tag, {"d": path.attrib["d"], "class": run}))
        children.append(group)
    root[:] = children


def _shared_by_seeds(element: ElementTree.Element) -> tuple[str, str] | None:
    """The style class and the clip path of a seed's path."""
    match = re.fullmatch(r"variant-\d+ seed-\d+ (\w+)", element.get("class", ""))
    if match is None or set(element.attrib) != {"class", "clip-path", "d"}:
        return None
    return match[1], element.attrib["clip-path"]


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
    """Rounds all coordinates of an element."""
    for key, value in element.attrib.items():
        if key == "d":
            element.set(key, shorten_path(value))
        elif key in ("x", "y", "width", "height", "transform"):
            element.set(key, _NUMBER.sub(lambda match: _shorten_number(float(match[0])), value))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    element.tail = None


def shorten_path(d: str) -> str:
    """Path data rounded to a tenth of a point, with straight lines relative to the point before."""
    commands = re.findall(r"([MLCQz])([^MLCQz]*)", d)
    if any(command in "CQ" for command, _ in commands):
        rounded = _NUMBER.sub(lambda match: _shorten_number(float(match[0])), d)
        return " ".join(rounded.split())
    written: list[str] = []
    at = start = (0, 0)
    previous = ""
    for command, numbers in commands:
        if command == "z":
            written.append("z")
            at, previous = start, "z"
            continue
        x, y = (round(float(number) * 10) for number in numbers.split())
        if command == "M":
            start = (x, y)
            written.append(f"M{_format_pair(x, y)}")
        else:
            step = _format_pair(x - at[0], y - at[1])
            separator = "" if step.startswith("-") else " "
            written.append((separator if previous == "L" else "l") + step)
        at, previous = (x, y), command
    return "".join(written)


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
