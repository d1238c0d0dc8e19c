"""`check`: what a study would run, where, how long, and what it declares. Nothing is run."""

import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ganbench.evidence.final_scores import measure_name, primary_measures
from ganbench.jobs.gpus.gpu_plan import GpuPlan, plan_gpus
from ganbench.study.declaration import SHOWN_DIGITS, digest_declaration
from ganbench.study.declared import list_contrasts
from ganbench.study.paths import check_sources, check_weights
from ganbench.study.resolve import list_runs, list_sweep_runs
from ganbench.study.written import load_study
from ganbench.terminal.estimate import describe_estimate, estimate_plan
from ganbench.terminal.past_jobs import read_past
from ganbench.terminal.stopping_note import describe_stopping
from ganbench.terminal.study_jobs import list_jobs
from ganbench.wording import count, listing


def describe_study(file: Path, cores: int | None = None) -> str:
    """The resolved study in a few lines.

    Raises StudyError with one message if the study cannot be used, or names files that do not
    exist.
    """
    study = load_study([file], (), {})
    check_sources(study, study["datasets"])
    check_weights(study)
    cores = cores or len(os.sched_getaffinity(0))
    gpus = _plan_devices(study, cores)
    return "\n".join(
        [
            f"{file}: study {study['study']}, {_count_runs(study)}",
            *(f"  {line}" for line in _list_declared(study)),
            f"Declaration {digest_declaration(study)[:SHOWN_DIGITS]}",
            f"Device: {gpus.describe()}",
            _estimate(study, gpus, cores),
            *filter(None, [describe_stopping(study)]),
        ]
    )


def _count_runs(study: Mapping[str, Any]) -> str:
    factors = [
        count(len(study[key]), key.removesuffix("s")) for key in ("datasets", "variants", "seeds")
    ]
    text = f"{' × '.join(factors)}: {count(len(list(list_runs(study))), 'run')}"
    settings = len(list(list_sweep_runs(study)))
    return f"{text}, and {count(settings, 'run')} of the sweep" if settings else text


def _list_declared(study: Mapping[str, Any]) -> list[str]:
    contrasts = study.get("contrasts") or f"every other variant against {study['baseline']}"
    references = study.get("references", {})
    if references and not study.get("contrasts"):
        contrasts = list_contrasts(study)
    if not isinstance(contrasts, str):
        contrasts = ", ".join(f"{variant} against {baseline}" for variant, baseline in contrasts)
    budgets = {
        f"{parameters['steps']:,} steps of batches of {parameters['batch_size']}": None
        for parameters in chain(*(runs.values() for runs in study["runs"].values()))
    }
    sources = [f"{name} from {facts['source']}" for name, facts in references.items()]
    metrics = [f"{name} by {measure_name(m)}" for name, m in primary_measures(study).items()]
    return [
        f"primary metrics: {', '.join(metrics)}",
        f"comparisons: {contrasts}",
        *([f"references: {listing(sources, len(sources))}"] if sources else []),
        f"margin: {study.get('margin') or 'none'}",
        f"budgets: {listing(list(budgets))}",
        f"seeds: {listing(list(map(str, study['seeds'])), 12)}",
    ]


def _plan_devices(study: Mapping[str, Any], cores: int) -> GpuPlan:
    devices = {
        parameters["device"] for runs in study["runs"].values() for parameters in runs.values()
    } | {study["training"]["device"]}
    if devices == {"cpu"}:
        return GpuPlan(problem="the study says device: cpu")
    return plan_gpus(study["gpu_slots"], cores)


def _estimate(study: Mapping[str, Any], gpus: GpuPlan, cores: int) -> str:
    on_gpu = bool(gpus.devices) and study["training"]["device"] != "cpu"
    estimate = estimate_plan(
        dict(enumerate(list_jobs(study))),
        study,
        read_past(Path("results"), study, on_gpu=on_gpu),
        width=cores,
        gpu_jobs=max(1, len(gpus.devices) * gpus.slots),
        on_gpu=on_gpu,
    )
    return describe_estimate(estimate, f"on {count(cores, 'core')}")
