"""The schedules of a study's runs in words, for the section on methods."""

from collections.abc import Mapping
from typing import Any

from ganbench.study.schedules import Schedule
from ganbench.wording import number

Note = dict[str, Any]


def describe_schedules(study: Mapping[str, Any]) -> list[Note]:
    """The schedules of each variant, with those that several variants or datasets share once.

    A note has the names of `variants`, the names of `datasets` and the `lines` of its schedules.
    Variants without schedules have no note.
    """
    notes: list[Note] = []
    for dataset, runs in study["runs"].items():
        own: list[Note] = []
        for variant in (name for name in study["variants"] if runs[name]["schedule"]):
            lines = _describe_run(runs[variant])
            if note := next((note for note in own if note["lines"] == lines), None):
                note["variants"].append(variant)
            else:
                own.append({"variants": [variant], "lines": lines, "datasets": [dataset]})
        _add_notes(notes, own)
    return notes


def _describe_run(run: Mapping[str, Any]) -> list[dict[str, str]]:
    schedules = sorted(run["schedule"].items())
    return [{"key": key, "text": describe_schedule(schedule)} for key, schedule in schedules]


def _add_notes(notes: list[Note], own: list[Note]) -> None:
    """Adds the notes of one more dataset, whose name joins those that say the same."""
    for note in own:
        for other in notes:
            if (other["variants"], other["lines"]) == (note["variants"], note["lines"]):
                other["datasets"] += note["datasets"]
                break
        else:
            notes.append(note)


def describe_schedule(schedule: Schedule) -> str:
    """A schedule in words: `in a cosine from 1 to 0 times the number, between …`."""
    parts = []
    if schedule["kind"] == "steps":
        places = ", ".join(_format_share(share) for share in schedule["at"])
        parts.append(f"times {number(schedule['by'])} at {places} of the steps")
    elif schedule["kind"] != "constant":
        shape = {"linear": "in a line", "cosine": "in a cosine"}[schedule["kind"]]
        first, last, start, end = (schedule[key] for key in ("from", "to", "start", "end"))
        parts.append(f"{shape} from {number(first)} to {number(last)} times the number")
        parts.append(f"between {_format_share(start)} and {_format_share(end)} of the steps")
    if schedule["warm_up"]:
        parts.append(f"rising from 0 over the first {_format_share(schedule['warm_up'])}")
    return ", ".join(parts) or "constant"


def _format_share(share: float) -> str:
    return f"{number(100 * share)} %"
