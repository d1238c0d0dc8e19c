"""Everything that a study declares before training, and one digest of it.

Whoever knows the digest from before the training can check that the metric, the comparisons, the
budget and the seeds were not chosen after looking at the results.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganbench.jobs import files
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import canonical_json, sha256
from ganbench.study.newer_keys import complete_study
from ganbench.study.resolve import drop_execution
from ganbench.study.schema import flatten_keys

WORDS = ("title", "description", "software", "declaration")
"""Keys of a resolved study that say something about it and decide nothing."""

WORDS_OF_OBJECTIVE = ("title", "year", "paper", "known_for")

SHOWN_DIGITS = 16
"""Hexadecimal digits of a digest that are shown; a second study with the same is out of reach."""

LONGEST_VALUE = 40
"""Letters of a value that a message about a difference shows."""


def select_declared(study: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a resolved study that decide its results or what is concluded from them.

    Left out are texts, what changes only how it runs, and places of files that are verified
    wherever they lie.
    """
    left_out = (*WORDS, "plugins", "reference")  # `parts` and `references` have their digests
    declared = {key: value for key, value in drop_execution(study).items() if key not in left_out}
    if references := declared.get("references"):
        declared["references"] = {
            name: _leave_out(reference, "source") for name, reference in references.items()
        }
    return declared | {
        "datasets": {name: _drop_place(dataset) for name, dataset in study["datasets"].items()},
        "objectives": {
            name: {key: value for key, value in words.items() if key not in WORDS_OF_OBJECTIVE}
            for name, words in study["objectives"].items()
        },
        "evaluation": _leave_out(study["evaluation"], "weights"),
    }


def _drop_place(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return dict(dataset) if dataset["kind"] == "image_folder" else _leave_out(dataset, "source")


def _leave_out(group: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != name}


def digest_declaration(study: Mapping[str, Any]) -> str:
    """The SHA-256 of what a resolved study declares: equal however its file is written."""
    return sha256(canonical_json(select_declared(study)))


def describe_digest(study: Mapping[str, Any]) -> str:
    """The digest in a line for whoever starts the study."""
    return (
        f"Declaration {digest_declaration(study)[:SHOWN_DIGITS]}: metrics, comparisons, budgets, "
        "seeds and parameters, as they are before training."
    )


def keep_declaration(file: Path, study: Mapping[str, Any]) -> None:
    """Adds what a study declares to `file`, with today's date (UTC), unless it is the last there.

    Raises ActionableError if the file is damaged or cannot be written.
    """
    declarations, digest = read_declarations(file), digest_declaration(study)
    if declarations and declarations[-1]["sha256"] == digest:
        return
    date = datetime.now(UTC).date().isoformat()
    declarations.append({"sha256": digest, "date": date, "study": drop_execution(study)})
    files.write_json(file, declarations)


def read_declarations(file: Path | None = None) -> list[dict[str, Any]]:
    """What a study declared each time its runs started to train, the first one first.

    Each has `sha256`, `date` and the resolved `study`. Results of earlier versions have none.
    Raises ActionableError if the file is damaged.
    """
    if file is None or not file.exists():
        return []
    try:
        return [
            {key: declaration[key] for key in ("sha256", "date", "study")}
            for declaration in files.read_json(file)
        ]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ActionableError(
            f"{file}: found no declarations of this study, expected those that were kept when its "
            "runs started to train; restore the file, or move it away to declare the study again"
        ) from None


def list_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What two resolved studies declare differently, such as "margin: 5 before, 10 % now".

    A key that did not exist when the former was resolved has its default there. What follows from
    other keys (`runs`) is named only where nothing else differs.
    """
    former, latter = (
        dict(flatten_keys(select_declared(complete_study(study)))) for study in (before, now)
    )
    changed = [
        key for key in dict.fromkeys([*former, *latter]) if former.get(key) != latter.get(key)
    ]
    given = [key for key in changed if not key.startswith("runs.")]
    return [
        f"{key}: {_show(former.get(key))} before, {_show(latter.get(key))} now"
        for key in given or changed
    ]


def _show(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else canonical_json(value).strip('"')
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
