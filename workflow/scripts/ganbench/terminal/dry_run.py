"""The jobs of a dry-run, those of one kind on one line."""

import re
from collections.abc import Sequence

from ganbench.wording import count, listing

MOST = 60
"""Lines at most; a study of thousands of variants prints the first ones."""

REASONS = {
    "Missing output files": "not made yet",
    "Input files updated by another job": "its inputs are new",
    "Updated input files": "its inputs are new",
    "Set of input files has changed since last execution": "other inputs",
    "Params have changed since last execution": "parameters or code changed",
    "Code has changed since last execution": "code changed",
    "Forced execution": "asked for, or cut short before",
}
"""Snakemake's reasons in plain words; a rule's parameters include a digest of its code."""

_SEED = re.compile(r" / seed (\d+)$")


def describe_plan(jobs: Sequence[tuple[str, str]], order: Sequence[str] = ()) -> str:
    """What would run and why; `jobs` are names and Snakemake's reasons.

    They are listed in the order of the names in `order`, and those that it does not have last.
    """
    places = {name: place for place, name in enumerate(order)}
    groups: dict[tuple[str, str], list[int]] = {}
    for name, reason in sorted(jobs, key=lambda job: places.get(job[0], len(places))):
        seed = _SEED.search(name)
        group = (_SEED.sub("", name), shorten_reason(reason))
        groups.setdefault(group, []).append(int(seed[1]) if seed else -1)
    names = [name + describe_seeds(sorted(seeds)) for (name, _), seeds in groups.items()]
    width = max(map(len, names), default=0)
    lines = [
        f"  {name:<{width}}  {reason}" for name, (_, reason) in zip(names, groups, strict=True)
    ]
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], f"  and {len(lines) - MOST + 1} more such lines"]
    return "\n".join([f"Would run {count(len(jobs), 'job')}:", *lines])


def describe_seeds(seeds: Sequence[int]) -> str:
    """The seeds of runs that are alike: " / seed 3", " / seeds 0 to 4", " / seeds 1 and 7"."""
    if seeds[0] < 0:
        return ""
    if len(seeds) == 1:
        return f" / seed {seeds[0]}"
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f" / seeds {seeds[0]} to {seeds[-1]}"
    return f" / seeds {listing([str(seed) for seed in seeds])}"


def shorten_reason(reason: str) -> str:
    """Snakemake's reasons in few words, without their lists of files and values."""
    parts = [part.split(":")[0].strip() for part in reason.split("; ")]
    return ", ".join(dict.fromkeys(REASONS.get(part, part.lower()) for part in parts if part))
