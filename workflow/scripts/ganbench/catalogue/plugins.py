"""Parts of a study's own: networks, metrics and extractors in a file of Python beside it.

A plugin is read twice. What its decorators say is read without running it, because planning has no
torch; `@ganbench.network`, `@ganbench.metric` and `@ganbench.extractor` take literals for this. Its
code runs only in jobs that use one of its parts. It is the user's own, and may do anything.
"""

import ast
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench.catalogue.architectures import ARCHITECTURES, Architecture
from ganbench.catalogue.extractors import EXTRACTORS, Extractor
from ganbench.catalogue.metrics import METRICS, Metric
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import sha256

NAME = re.compile("[a-zA-Z][a-zA-Z0-9_]*")

CATALOGUES: dict[str, dict[str, Any]] = {
    "network": ARCHITECTURES,
    "metric": METRICS,
    "extractor": EXTRACTORS,
}
"""Where the parts of each kind stand, shipped ones and those of plugins."""

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


PARTS: dict[tuple[str, str], PluginPart] = {}
"""The parts of all plugins that this process has read, by kind and name."""


def network(name: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Marks a function that returns the classes of a generator and of a discriminator.

    They are made as `Generator(latent, shape, norm=…, width=…)` and `Discriminator(shape, norm=…,
    width=…)`. `multiple_of` is what resolutions must be a multiple of; the norms are those of the
    variants that name none; `options` are the keys of `network` that the classes take.
    """
    return _mark(name, facts)


def metric(name: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Marks a function that scores samples by one finite number.

    Of images it gets `generated` and, with `has_reference`, `real`, each with uint8 `images` and
    their `features`; of points, two float64 arrays `(count, dimensions)`. `better` is `lower`,
    `higher` or `neither`, and `definition` a sentence for the report.
    """
    return _mark(name, facts)


def extractor(name: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Marks a function that makes a module from uint8 images to (features, logits or None).

    `trained_on` says for the report on what, and `classes` whether there are logits.
    """
    return _mark(name, facts)


def _mark(name: str, facts: Mapping[str, Any]) -> Callable[[Callable], Callable]:
    """Everything was read from the text before (`read_parts`)."""
    del name, facts
    return lambda function: function


def register_plugins(files: list[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Adds the parts in `files` to the catalogues, and returns file and digest of each.

    They are by kind and name. Raises PluginError where a file or a part cannot be used.
    """
    given: dict[tuple[str, str], PluginPart] = {}
    for file in files:
        for part in read_parts(Path(file)):
            if first := given.get((part.kind, part.name)):
                raise PluginError(
                    f"{part.place}: the {part.kind} {part.name!r} stands at {first.place} already; "
                    "rename one"
                )
            given[part.kind, part.name] = part
    for (kind, name), part in given.items():
        if name in CATALOGUES[kind] and (kind, name) not in PARTS:
            raise PluginError(
                f"{part.place}: the name {name!r} is that of a shipped {kind}; choose another"
            )
    described: dict[str, dict[str, dict[str, str]]] = {}
    for (kind, name), part in given.items():
        PARTS[kind, name] = part
        CATALOGUES[kind][name] = _describe(part)
        facts = {"file": part.file.name, "sha256": part.sha256}
        described.setdefault(kind, {})[name] = facts
    return described


def use_plugin(file: str | Path) -> None:
    """Lets this program use the parts in a plugin, as a study that names it does."""
    register_plugins([str(Path(file).resolve())])


def forget_plugins() -> None:
    """Takes the parts of all plugins out of the catalogues again."""
    for kind, name in PARTS:
        del CATALOGUES[kind][name]
    PARTS.clear()


def list_plugin_files() -> list[str]:
    """The plugins that this process has read, as absolute paths."""
    return list(dict.fromkeys(str(part.file) for part in PARTS.values()))


def list_metrics(of: str) -> list[str]:
    """The metrics of plugins that score images, or those that score points."""
    return [name for kind, name in PARTS if kind == "metric" and METRICS[name].of == of]


def identify_part(kind: str, name: str) -> dict[str, str] | None:
    """Name and digest of a plugin's part, for results; None for a shipped part."""
    part = PARTS.get((kind, name))
    return part and {kind: name, "sha256": part.sha256}


def load_part(kind: str, name: str) -> Callable[..., Any]:
    """Runs the plugin of a part, once in a process, and returns the part's function."""
    part = PARTS[kind, name]
    with naming_lines(part):
        return getattr(_run_text(part.text, part.file), part.function)


@contextmanager
def naming_lines(part: PluginPart) -> Iterator[None]:
    """Raises what a plugin's code raises as a PluginError that names the plugin's line."""
    try:
        yield
    except ActionableError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(part.file)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else part.line)
        raise PluginError(
            f"{part.file.name}: line {line}: the {part.kind} {part.name} failed: "
            f"{type(error).__name__}: {error}"
        ) from error


@cache
def _run_text(text: str, file: Path) -> ModuleType:
    """Runs the text of a plugin, not the file, which may have changed since its digest was made."""
    module = ModuleType(f"ganbench_plugin_{sha256(text)[:16]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses look there
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


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
        raise PluginError(f"{file.name}: line {line}: this is not valid Python: {error}") from None
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
            )
        if key in CHOICES and value not in CHOICES[key]:
            raise PluginError(
                f"{place}: {key} is {value!r}, expected one of {', '.join(CHOICES[key])}"
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
    rest = [node for node in tree.body if node not in others]
    used = {node.id for top in rest for node in ast.walk(top) if isinstance(node, ast.Name)}
    left_out: set[int] = set()
    for other in others:
        if other.name not in used:
            left_out |= set(range(other.decorator_list[0].lineno, other.end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sha256(
        "\n".join(line.rstrip() for at, line in lines if at not in left_out and line.strip())
    )


def _describe(part: PluginPart) -> Architecture | Metric | Extractor:
    """A part as its catalogue has it."""
    facts = dict(part.facts)
    if part.kind == "metric":
        uses_features = facts.pop("uses_features") and facts["of"] == "images"
        if facts["of"] == "points":
            facts["has_reference"] = False
        title = facts.pop("title") or part.name.replace("_", " ").capitalize()
        return Metric(part.name, title=title, uses_features=uses_features, **facts)
    if part.kind == "extractor":
        return Extractor(part.name, is_plugin=True, **facts)
    multiple = facts.pop("multiple_of")
    return Architecture(
        fits=lambda resolution: resolution % multiple == 0,
        resolutions=f"that are multiples of {multiple}",
        **facts,
    )
