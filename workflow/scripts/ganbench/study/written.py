"""Reads a study as it is written, before YAML 1.1 gives types to its values.

YAML 1.1 reads `010` as 8, `1:30:00` as 5,400, `1_0` as 10 and `3.10` as 3.1, and a key that is
written twice counts once. Here a value is null or the text that is written, whose type the schema
decides (`values.py`), in a file as on the command line.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError, merge

NULL, MERGE, TEXT = (f"tag:yaml.org,2002:{name}" for name in ("null", "merge", "str"))
GENERATED = "__use_yte__"
"""The key of a file that Snakemake passes through the template engine YTE."""


@dataclass(frozen=True)
class WrittenStudy:
    """The keys of a study with their values as text, and where each dotted key is written."""

    keys: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def locate(self, message: str) -> str:
        """`message`, which begins with a dotted key, and where that key is written."""
        unknown = re.match(r"(?:([\w.]+): )?unknown key '([^']*)'", message)
        path = ".".join(filter(None, unknown.groups())) if unknown else ""
        path = path if path in self.places else re.match(r"[\w.]*", message)[0]
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return f"{message} ({self.places[path]})" if path else message


class _Loader(yaml.SafeLoader):
    """Reads plain values as text, or as null. Refuses a key that a group has twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (as PyYAML declares it)
        first: [(tag, pattern) for tag, pattern in resolvers if tag in (NULL, MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """The node of a group, whose keys are all text."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                continue
            key.tag, line = TEXT, key.start_mark.line + 1
            if key.value in lines:
                raise StudyError(
                    f"{self.name}: the key {key.value!r} is written twice in one group, in "
                    f"{_name_lines(lines[key.value], line)}; remove or rename one of them"
                )
            lines[key.value] = line
        return node


def _name_lines(first: int, second: int) -> str:
    return f"line {first}" if first == second else f"lines {first} and {second}"


def load_study(
    files: Sequence[Path], arguments: Iterable[str], generated: Mapping[str, Any]
) -> dict[str, Any]:
    """The resolved study of `files` and the `key=value` of --config, later over earlier.

    `generated` is what Snakemake read of them, which counts where a file is made by a template
    engine. Raises StudyError with one message that names file, key and line.
    """
    arguments = list(arguments)
    source = " + ".join(os.path.relpath(file) for file in files)
    source += " with --config" if arguments else ""
    folders = [Path(file).parent for file in files]
    study = read_study(files, arguments)
    if GENERATED in study.keys:
        return resolve(generated, source, folders)
    try:
        return resolve(study.keys, source, folders)
    except StudyError as error:
        message = str(error).removeprefix(f"{source}: ")
        raise StudyError(f"{source}: {study.locate(message)}") from None


def read_study(files: Iterable[Path], arguments: Iterable[str]) -> WrittenStudy:
    """The study in `files` and the `key=value` of --config, later over earlier, as written."""
    study = WrittenStudy()
    for part in (*map(_read_file, files), *map(_read_argument, arguments)):
        study = WrittenStudy(merge(study.keys, part.keys), study.places | part.places)
    return study


def _read_file(file: Path) -> WrittenStudy:
    """Raises StudyError if the file is not there, is not UTF-8 or is not a mapping in YAML."""
    name = os.path.relpath(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
        root, keys = _parse(text, name)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StudyError(
            f"{name}: line {line} is not UTF-8: found the byte 0x{error.object[error.start]:02x}; "
            "save the file as UTF-8"
        ) from None
    except OSError as error:
        raise StudyError(f"{name}: the file cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise StudyError(_describe_syntax(error, name)) from None
    if not isinstance(keys, Mapping):
        raise StudyError(f"{name}: found no keys, expected the keys of a study, such as `study:`")
    places = {path: f"line {line} of {name}" for path, line in _list_lines(root)}
    return WrittenStudy(dict(keys), places)


def _describe_syntax(error: Exception, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1} is" if mark else "this is"
    problem = getattr(error, "problem", None) or getattr(error, "reason", "nested too deep")
    return f"{name}: {where} not valid YAML: {problem}"


def _parse(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    """The root node and the value of a text in YAML, or in JSON, which is nearly a part of it."""
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        return _parse_yaml(text, name)
    return _parse_yaml(text.replace("\t", " "), name)[0], value


def _parse_yaml(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    loader.name = name
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _list_lines(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Every dotted key of groups within groups, and its line; an alias has that of its anchor."""
    pending, seen = [("", root)], set()
    while pending:
        path, node = pending.pop()
        if not isinstance(node, yaml.MappingNode) or id(node) in seen:
            continue
        seen.add(id(node))
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield f"{path}{key.value}", key.start_mark.line + 1
                pending.append((f"{path}{key.value}.", value))


def _read_argument(argument: str) -> WrittenStudy:
    """One `key=value` of --config; a value that is no YAML is text, as Snakemake has it."""
    key, _, text = argument.partition("=")
    try:
        root, value = _parse_yaml(text, f"--config {key}")
    except yaml.YAMLError:
        root, value = None, text
    place = f"--config {key}"
    places = {f"{key}.{path}": place for path, _ in _list_lines(root)}
    return WrittenStudy({key: value}, places | {key: place})
