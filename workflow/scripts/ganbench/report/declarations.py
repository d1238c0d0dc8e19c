"""What the report says of the declarations under which its runs were trained."""

from collections.abc import Mapping
from typing import Any

from ganbench.report.results import Results
from ganbench.study.declaration import SHOWN_DIGITS, digest_declaration, list_changes
from ganbench.wording import count, listing


def describe_declaration(results: Results) -> dict[str, Any]:
    """`digest` of what the study declares now, `shown` of it, and `lines` about earlier ones.

    `changed` are those of them under which runs of the report were trained.
    """
    digest = digest_declaration(results.study)
    changed, others = _list_earlier(results, digest)
    return {
        "digest": digest,
        "shown": digest[:SHOWN_DIGITS],
        "lines": [*changed, *others],
        "changed": changed,
    }


def _list_earlier(results: Results, digest: str) -> tuple[list[str], list[str]]:
    """A line for each earlier declaration that differs: those that runs were trained under first.

    Under one that differs in words alone, or that today's version resolves to the same, nothing
    else was declared. Where all is one declaration no date is named, and so the page has the same
    bytes whenever the study runs.
    """
    runs_by_digest = _count_runs(results)
    trained, others, unknown = [], [], set(runs_by_digest) - {digest}
    for declaration in results.declarations:
        unknown.discard(declaration["sha256"])
        changes = list_changes(declaration["study"], results.study)
        if not changes:
            continue
        runs = runs_by_digest.get(declaration["sha256"], 0)
        (trained if runs else others).append(
            f"on {declaration['date']} declared differently, as "
            f"{declaration['sha256'][:SHOWN_DIGITS]}; "
            f"{count(runs, 'run')} of this report trained under it. "
            f"Changed since: {listing(changes, 6)}."
        )
    for sha256 in sorted(unknown):
        runs = count(runs_by_digest[sha256], "run")
        trained.append(
            f"{runs} trained under the declaration {sha256[:SHOWN_DIGITS]}, which is not kept here."
        )
    if not results.declarations:
        others.append("What was declared before training is not kept with these results.")
    return trained, others


def _count_runs(results: Results) -> dict[str, int]:
    """The runs of the report by the digest of the declaration that they were trained under."""
    if "declaration" not in results.own_runs:
        return {}
    return results.own_runs["declaration"].dropna().value_counts().to_dict()


def name_contrasts(study: Mapping[str, Any]) -> str:
    """What each contrast of a study is: "each variant against minimax, which is the default"."""
    if study.get("contrasts"):
        return "a declared contrast, the first variant against the second"
    others = " or against a reference" if study.get("references") else ""
    return f"a variant against {study['baseline']}{others}, which is the default"
