"""Parts of a study's own: networks, metrics and extractors in a file of Python beside it.

A plugin is read twice: by planning, which runs nothing of it (`plugin_parts.py`), and by the jobs
that use one of its parts, which run it. Its code is the user's own, and may do anything.
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench.catalogue.architectures import ARCHITECTURES, Architecture
from ganbench.catalogue.extractors import EXTRACTORS, Extractor
from ganbench.catalogue.metrics import METRICS, Metric
from ganbench.catalogue.plugin_parts import PluginError, PluginPart, read_parts
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import sha256

CATALOGUES: dict[str, dict[str, Any]] = {
    "network": ARCHITECTURES,
    "metric": METRICS,
    "extractor": EXTRACTORS,
}
"""Where the parts of each kind stand, shipped ones and those of plugins."""

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
    exec(compile(text, module.__file__, "exec"), module.__dict__)  # noqa: S102, the user's own
    return module


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
