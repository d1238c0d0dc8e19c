"""Matplotlib's SVG made small and fit for a page: short paths, shared styles, its colours."""

import hashlib
import re
from dataclasses import dataclass
from xml.etree import ElementTree

INK, FAINT = "#1b1e23", "#c6cad1"
"""The colours of text and of lines on light paper; on the page its own, in light and in dark."""

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

_DROPPED = re.compile(r"(font-family|stroke-linejoin|stroke-linecap: butt)\b[^;]*;?\s*")
_FONT = re.compile(r"font: (?:(bold|[6-9]00) )?([\d.]+)px [^;]*")
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")


@dataclass(frozen=True)
class Inline:
    """An `<svg>` element for a page, and the rules of the style classes that it uses."""

    svg: str
    styles: dict[str, str]


def inline(text: str, name: str, description: str) -> Inline:
    """The figure that matplotlib wrote as `text`, for a page that may hold many.

    `name` makes its ids unique there. Groups whose id begins with `variant-0-` become the class
    `variant-0`, by which the page switches variants on and off; so do `label-` and `title-`.
    """
    root = ElementTree.fromstring(text[text.index("<svg") :])
    size = [float(each) for each in root.attrib["viewBox"].split()[2:]]
    _flatten(root)
    _name_references(root, "i" + hashlib.sha256(name.encode()).hexdigest()[:6])
    styles: dict[str, str] = {}
    for element in root.iter():
        _shorten(element)
        if style := _page_style(element.attrib.pop("style", "")):
            short = "c" + hashlib.sha256(style.encode()).hexdigest()[:8]
            styles[short] = style
            element.set("class", " ".join(filter(None, [element.get("class"), short])))
    root.attrib = {
        "viewBox": f"0 0 {size[0]:g} {size[1]:g}",
        "width": f"{size[0] * 4 / 3:.0f}",
        "role": "img",
        "aria-label": description,
    }
    svg = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return Inline(re.sub(r">\s+<", "><", svg).replace(" />", "/>"), styles)


def _flatten(parent: ElementTree.Element) -> None:
    """Takes out what draws nothing, and groups that only wrap."""
    kept: list[ElementTree.Element] = []
    for child in list(parent):
        tag = child.tag.removeprefix(f"{{{SVG}}}")
        if tag in ("metadata", "style") or _invisible(child):
            continue
        _flatten(child)
        if tag != "g" or child.get("clip-path") or child.get("transform"):
            kept += [child] if tag != "defs" or len(child) else []
            continue
        found = re.match(r"(variant-\d+|label|title)-", child.get("id", ""))
        for inner in child:
            if found:
                inner.set("class", found[1])
            kept.append(inner)
    parent[:] = kept
    if not parent.tag.endswith("}text"):
        parent.text = None


def _invisible(element: ElementTree.Element) -> bool:
    """A path neither filled nor stroked: the background of a figure or of its axes."""
    style = element.get("style", "")
    return element.tag.endswith("}path") and style == "fill: none"


def _name_references(root: ElementTree.Element, prefix: str) -> None:
    """Keeps only ids that something refers to, under short names."""
    referenced: dict[str, str] = {}
    for element in root.iter():
        for key in ("clip-path", f"{{{XLINK}}}href"):
            value = element.get(key, "")
            found = _REFERENCE.search(value)
            if found and not value.startswith("data:"):
                short = referenced.setdefault(found[1], f"{prefix}{len(referenced)}")
                element.set(key, value.replace(found[1], short))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in referenced:
            element.set("id", referenced[name])


def _shorten(element: ElementTree.Element) -> None:
    for key, value in element.attrib.items():
        if key == "d":
            element.set(key, path(value))
        elif key in ("x", "y", "width", "height", "transform"):
            element.set(key, _NUMBER.sub(lambda found: _short(float(found[0])), value))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    element.tail = None


def path(d: str) -> str:
    """Path data to a tenth of a point; straight lines by what they add to the point before."""
    commands = re.findall(r"([MLCQz])([^MLCQz]*)", d)
    if any(command in "CQ" for command, _ in commands):
        rounded = _NUMBER.sub(lambda found: _short(float(found[0])), d)
        return " ".join(rounded.split())
    written: list[str] = []
    at = start = (0, 0)
    previous = ""
    for command, numbers in commands:
        if command == "z":
            written.append("z")
            at, previous = start, "z"
            continue
        x, y = (round(float(each) * 10) for each in numbers.split())
        if command == "M":
            start, shown = (x, y), f"M{_pair(x, y)}"
        else:
            shown = _pair(x - at[0], y - at[1])
            again = "" if shown.startswith("-") else " "
            shown = (again if previous == "L" else "l") + shown
        written.append(shown)
        at, previous = (x, y), command
    return "".join(written)


def _pair(x: int, y: int) -> str:
    """Two tenths as a pair of numbers, with nothing between them that is not needed."""
    first, second = _short(x / 10), _short(y / 10)
    return f"{first}{'' if second.startswith('-') else ' '}{second}"


def _short(number: float) -> str:
    """A number to a tenth, without zeros that say nothing: .5, -3, 12.1."""
    shown = f"{number:.1f}".removesuffix(".0")
    shown = "0" if shown == "-0" else shown
    return re.sub(r"^(-?)0\.", r"\1.", shown)


def _page_style(style: str) -> str:
    """A style without what the page's stylesheet says for all figures, in the page's colours."""
    style = _FONT.sub(lambda found: f"font-size: {found[2]}px" + _weight(found[1]), style)
    style = _DROPPED.sub("", style)
    for stand_in, real in ((INK, "currentColor"), (FAINT, "var(--faint)")):
        style = style.replace(stand_in, real)
    return re.sub(r"\s*([:;])\s*", r"\1", style).strip("; ")


def _weight(weight: str | None) -> str:
    return "; font-weight: 600" if weight else ""
