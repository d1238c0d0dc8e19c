"""Scores a generator of a bundle again, and compares with the scores of its run."""

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ganbench.catalogue.extractors import choose_extractor
from ganbench.commands import repetition
from ganbench.evaluation.score import score_run
from ganbench.interface.export import WEIGHTS
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.fingerprint import find_other_origin, take_fingerprint
from ganbench.jobs.programs import run_program
from ganbench.jobs.provenance import sha256_file
from ganbench.report.results import read_scores
from ganbench.study.paths import expand_path
from ganbench.study.reference_sources import ROOT
from ganbench.wording import number

TOLERANCE = 0.01
"""The share by which a score may differ on another machine, where rounding turns single pixels."""

LONGEST_PREPARATION = 6 * 3600
"""Seconds for the data and the extractor of a dataset, downloads included."""


def compare_scores_again(
    bundle: Path, study: dict[str, Any], card_file: Path, study_file: Path, cores: str
) -> tuple[bool, str]:
    """Whether the scores of a generator come out again, and a line about it.

    `bundle` is unpacked, and `study_file` is its study, whose data and extractor are prepared below
    results/verify. On the machine of the run the scores must be equal, elsewhere within
    `TOLERANCE`. Generators of points and moments that are drawn anew are left out, and said to be.
    """
    card = json.loads(card_file.read_text(encoding="utf-8"))
    dataset, variant, seed = (card[key] for key in ("dataset", "variant", "seed"))
    label = f"scores of {dataset} {variant} seed {seed} at step {card['step']}"
    if card["weights_sha256"] != sha256_file(card_file.with_name(WEIGHTS)):
        return False, f"{label}: the weights are not those of {card_file.name}"
    resolved = study["datasets"][dataset]
    if resolved["type"] == "points" or study["evaluation"]["batch_norm"] != "running":
        return True, f"{label}: weights are whole; not scored again, for that needs all snapshots"
    extractor = choose_extractor(resolved, study["evaluation"])
    results = repetition.FOLDER / "results" / study["study"]
    _prepare(study_file, study["study"], dataset, extractor, cores)
    if problem := _compare_origins(bundle, results, dataset, extractor):
        return False, f"{label}: {problem}"
    place = f"runs/{dataset}/{variant}/seed{seed}"
    again = card_file.parent / "again"
    again.mkdir()
    _write_snapshots(card_file, card, again / "snapshots.pt")
    extractors = results / f"extractors/{dataset}/{extractor}"
    score_run(
        dataset=dataset,
        variant=variant,
        seed=seed,
        extractor=extractor,
        samples=resolved["samples"],
        snapshots_file=again / "snapshots.pt",
        network_file=extractors / "network.pt",
        features_file=extractors / "features.npz",
        data_file=results / f"datasets/{dataset}/data.npz",
        gap=False,
        scores_file=again / "scores.csv",
        nearest_file=again / "nearest.png",
        nearest_table=again / "nearest.csv",
        batch_norm=study["evaluation"]["batch_norm"],
        weights=expand_path(study["evaluation"].get("weights", "")),
    )
    run = json.loads((bundle / place / "run.json").read_text(encoding="utf-8"))
    return _compare(label, bundle / place / "scores.csv", again / "scores.csv", run)


def _prepare(study_file: Path, study: str, dataset: str, extractor: str, cores: str) -> None:
    """Makes the data and the extractor of a dataset below results/verify, unless they lie there."""
    target = f"results/{study}/extractors/{dataset}/{extractor}/card.json"
    folder = str(repetition.FOLDER)
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", cores]
    command += ["--directory", folder, "--configfile", str(study_file), "--", target]
    prepared = run_program(command, os.environ, seconds=LONGEST_PREPARATION)
    if not prepared.succeeded:
        raise ActionableError(
            f"the data and the extractor of {dataset} could not be prepared: {prepared.reason}"
        )


def _compare_origins(bundle: Path, results: Path, dataset: str, extractor: str) -> str | None:
    """What of data and extractor differs from those of the bundle, by hash."""
    names = (
        f"datasets/{dataset}/prepare.record.json",
        f"extractors/{dataset}/{extractor}/card.json",
    )
    pairs = [
        [json.loads((folder / name).read_text(encoding="utf-8")) for folder in (bundle, results)]
        for name in names
    ]
    data = [record["outputs"]["data.npz"]["sha256"] for record in pairs[0]]
    weights = [card["sha256"] for card in pairs[1]]
    for what, (theirs, own) in (("data", data), (f"extractor {extractor}", weights)):
        if theirs != own:
            return f"its {what} has SHA-256 {own} here, {theirs} in the bundle"
    return None


def _write_snapshots(card_file: Path, card: dict[str, Any], file: Path) -> None:
    """The generator as the snapshots of a run that has no other one."""
    snapshots = {
        "steps": [card["step"]],
        "shape": card["shape"],
        "parameters": card["parameters"],
        "generators": [load_file(card_file.with_name(WEIGHTS))],
        "discriminators": [],
    }
    torch.save(snapshots, file)


def _compare(label: str, bundled: Path, again: Path, run: dict[str, Any]) -> tuple[bool, str]:
    keys = ["step", "repeat", "reference", "metric"]
    tables = (read_scores(file).set_index(keys)["value"] for file in (bundled, again))
    before, now = tables
    shared = now.index.intersection(before.index)
    if len(shared) == 0:
        return False, f"{label}: the bundle has no scores of this generator"
    threads = run.get("fingerprint", {}).get("threads", 1)
    own = {"fingerprint": take_fingerprint(threads, run["device"])}
    is_same_machine = find_other_origin(own, run) is None
    now, before = now[shared], before[shared]
    is_same = (now == before) | (now.isna() & before.isna())
    distances = (now - before).abs() / before.abs().clip(lower=1e-9)
    distances = distances.mask(is_same, 0.0).fillna(math.inf)  # a score that became NaN differs
    worst = distances.idxmax()
    holds = bool((distances <= (0.0 if is_same_machine else TOLERANCE)).all())
    name = worst[keys.index("metric")]
    text = f"{label}: {len(shared)} scores, the farthest {name} {number(now[worst])}"
    text += f", {number(before[worst])} in the bundle"
    return holds, text + ("" if is_same_machine else "; another machine, compared within 1 %")
