"""What the decorators of a plugin say, read from its text without running it.

Planning has no torch, and reads plugins too. So the decorators take literals.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.catalogue.suggestions import suggest
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import sha256

NAME = re.compile("[a-zA-Z][a-zA-Z0-9_]*")

FACTS: dict[str, dict[str, Any]] = {
    "network": {
        "multiple_of": 1,
        "generator_norm": "none",
        "discriminator_norm": "none",
        "reconstructs": False,
        "options": ("width",),
    },
    "metric": {
        "title": "",
        "of": "images",
        "better": None,
        "has_reference": True,
        "uses_features": False,
        "range": (None, None),
        "scale": "identity",
        "definition": None,
        "floor": "The score of as many real samples.",
        "citation": "A metric of this study's own.",
    },
    "extractor": {"classes": False, "trained_on": None},
}
"""What the decorator of each kind takes beside a name, with its default; None must be given."""

CHOICES = {
    "of": ("images", "points"),
    "better": ("lower", "higher", "neither"),
    "scale": ("identity", "log", "angular"),
    "generator_norm": ("none", "batch", "layer"),
    "discriminator_norm": ("none", "batch", "layer"),
}


TYPES = {str: "a text", int: "a whole number", bool: "True or False", tuple: "a list"}


class PluginError(ActionableError):
    """A plugin that cannot be used; the message names its file and the line."""


@dataclass(frozen=True)
class PluginPart:
    """A network, metric or extractor in a plugin.

    `sha256` is of the file without its other parts, so that an edit of a metric changes no network.
    `text` is the whole file as it was read, which is what runs.
    """

    kind: str
    name: str
    function: str
    facts: Mapping[str, Any]
    sha256: str
    file: Path
    text: str
    line: int

    @property
    def place(self) -> str:
        """Where it begins, for messages."""
        return f"{self.file.name}: line {self.line}"


def read_parts(file: Path) -> list[PluginPart]:
    """The parts that a plugin's decorators name. Nothing of it is run."""
    file = file.resolve()
    try:
        text = file.read_bytes().decode("utf-8-sig")
        tree = ast.parse(text)
    except (OSError, UnicodeDecodeError) as error:
        raise PluginError(f"{file.name}: the file cannot be read: {error}") from None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        problem = getattr(error, "msg", error)  # without "(<unknown>, line 1)"
        raise PluginError(
            f"{file.name}: line {line}: this is not valid Python: {problem}"
        ) from None
    marked = list(_list_marked(tree))
    if not marked:
        raise PluginError(
            f"{file.name}: found no part, expected a function below @ganbench.network("
            '"name"), @ganbench.metric(…) or @ganbench.extractor(…)'
        )
    functions = [function for function, _ in marked]
    return [
        _read_part(file, text, function, call, _digest_part(text, tree, function, functions))
        for function, call in marked
    ]


def _list_marked(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    """Every function at the top of a file that has one of the decorators, and the decorator."""
    for node in tree.body:
        for call in getattr(node, "decorator_list", ()):
            function = call.func if isinstance(call, ast.Call) else call
            if isinstance(function, ast.Attribute | ast.Name) and _last_name(function) in FACTS:
                yield node, call


def _last_name(function: ast.Attribute | ast.Name) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id


def _read_part(
    file: Path, text: str, function: ast.FunctionDef, call: ast.expr, digest: str
) -> PluginPart:
    place = f"{file.name}: line {call.lineno}"
    if not isinstance(call, ast.Call):
        raise PluginError(f"{place}: the decorator has no name, expected one in brackets")
    kind = _last_name(call.func)
    try:
        values = [ast.literal_eval(value) for value in call.args]
        facts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (ValueError, TypeError):
        raise PluginError(
            f"{place}: expected literals, such as 4 or 'lower': planning reads them without "
            "running the file"
        ) from None
    if len(values) != 1 or not isinstance(values[0], str) or not NAME.fullmatch(values[0]):
        raise PluginError(
            f"{place}: expected one name of letters, digits and _ as the first argument of {kind}"
        )
    return PluginPart(
        kind=kind,
        name=values[0],
        function=function.name,
        facts=_check_facts(kind, facts, place),
        sha256=digest,
        file=file,
        text=text,
        line=call.lineno,
    )


def _check_facts(kind: str, facts: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The facts of a part with all defaults."""
    for key, value in facts.items():
        if key not in FACTS[kind]:
            raise PluginError(
                f"{place}: unknown key {key!r} of {kind}, expected one of {', '.join(FACTS[kind])}"
                f"{suggest(key, FACTS[kind])}"
            )
        if key in CHOICES and value not in CHOICES[key]:
            raise PluginError(
                f"{place}: {key} is {value!r}, expected one of {', '.join(CHOICES[key])}"
                f"{suggest(value, CHOICES[key])}"
            )
    complete = {**FACTS[kind], **facts}
    for key, value in complete.items():
        if isinstance(value, list):
            complete[key] = tuple(value)
    for key, value in complete.items():
        if value is None:
            raise PluginError(f"{place}: missing the key {key!r} of {kind}")
        default = FACTS[kind][key]
        expected = str if default is None else type(default)
        if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
            raise PluginError(f"{place}: {key} is {value!r}, expected {TYPES[expected]}")
    if complete.get("multiple_of", 1) < 1:
        raise PluginError(f"{place}: multiple_of is {complete['multiple_of']}, expected at least 1")
    return complete


def _digest_part(
    text: str, tree: ast.Module, part: ast.FunctionDef, functions: list[ast.FunctionDef]
) -> str:
    """A digest of a file's lines without those of other parts that no line left uses."""
    others = [other for other in functions if other is not part]
    kept = [node for node in tree.body if node not in others]
    while called := [other for other in others if other.name in _list_names(kept)]:
        kept += called
        others = [other for other in others if other not in called]
    left_out: set[int] = set()
    for other in others:
        left_out |= set(range(other.decorator_list[0].lineno, other.end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sha256(
        "\n".join(line.rstrip() for at, line in lines if at not in left_out and line.strip())
    )


def _list_names(nodes: list[ast.stmt]) -> set[str]:
    return {node.id for top in nodes for node in ast.walk(top) if isinstance(node, ast.Name)}
