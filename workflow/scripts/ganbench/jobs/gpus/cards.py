"""Which GPUs jobs on this machine can use, found without torch in this process.

A GPU counts if torch computes on it, which only a process that tries can tell. That takes seconds,
so its answer is kept until the driver, the GPUs, torch or CUDA_VISIBLE_DEVICES change.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ganbench.jobs.gpus import nvml
from ganbench.jobs.node_folder import make_node_folder
from ganbench.jobs.programs import python_module, run_program

PROBE = tuple(python_module("ganbench.jobs.gpus.torch_probe"))
PASSING_PROBLEMS = ("out of memory", "busy", "unavailable", "no answer within")
"""Words of problems that may be over at the next start: these answers are not kept."""

CUDA_SETTINGS = (
    "CUDA_DEVICE_ORDER",
    "CUDA_MPS_PIPE_DIRECTORY",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
)
"""Variables that decide which GPUs a program can use."""


@dataclass(frozen=True)
class Card:
    """A GPU that torch can use.

    `device` is its name for CUDA_VISIBLE_DEVICES; `memory` are the bytes that are free, or all of
    them where the driver does not say how many are.
    """

    device: str
    name: str
    memory: int


@dataclass(frozen=True)
class Cards:
    """The GPUs for jobs, and why there are none or fewer than the machine has."""

    cards: tuple[Card, ...] = ()
    problem: str = ""


def find_cards() -> Cards:
    """The GPUs that torch can use here, of those that CUDA_VISIBLE_DEVICES shows."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = list_visible(visible)
    if visible is not None and not names:
        return Cards(problem=f'CUDA_VISIBLE_DEVICES="{visible}" hides every GPU')
    if nvml.load_library("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1") is None:
        return Cards(problem="no NVIDIA driver is installed")
    driver = nvml.read_driver() or nvml.Driver()
    answer = _recall_probe(driver)
    if "No module named 'torch'" in answer["problem"]:  # jobs have an environment of their own
        return _trust_driver(driver, names)
    return _select(answer, driver, names)


def list_visible(visible: str | None) -> list[str]:
    """The names in CUDA_VISIBLE_DEVICES. As for CUDA, an invalid number hides all that follow."""
    names = []
    for name in (part.strip() for part in (visible or "").split(",")):
        if name.startswith("-") or name in ("NoDevFiles", "none", "void"):
            break
        if name:
            names.append(name)
    return names


def _select(answer: dict[str, Any], driver: nvml.Driver, names: list[str]) -> Cards:
    """The GPUs on which the probe computed, under names that do not depend on an order."""
    free = {card.uuid: card.free for card in driver.cards}
    cards, problems = [], [answer["problem"]]
    for number, card in enumerate(answer["cards"]):
        name = names[number] if number < len(names) else str(number)
        device = card["uuid"] if name.isdecimal() and card["uuid"] else name
        memory = free.get(card["uuid"], card["memory"])
        if card["problem"]:
            problems.append(f"torch cannot use {card['name']}: {card['problem']}")
        else:
            cards.append(Card(device, card["name"], memory))
    problem = "; ".join(filter(None, problems))
    if not cards and driver.version:
        problem = f"driver {driver.version}: {problem or 'CUDA shows no GPU'}"
    elif not cards:
        problem = "; ".join(filter(None, [driver.problem, problem])) or "CUDA shows no GPU"
    return Cards(tuple(cards), problem)


def _trust_driver(driver: nvml.Driver, names: list[str]) -> Cards:
    """The driver's GPUs, untried: a job that cannot use its GPU ends with an error."""
    cards = [Card(card.uuid, card.name, card.free) for card in driver.cards]
    if names:
        known = {card.device: card for card in cards}
        unknown = Card("", "GPU", min((card.memory for card in cards), default=0))
        cards = [replace(known.get(name, unknown), device=name) for name in names]
    return Cards(tuple(cards), driver.problem if not cards else "")


def _recall_probe(driver: nvml.Driver) -> dict[str, Any]:
    """The probe's answer, from an earlier start if nothing that decides it has changed."""
    facts = [driver.version, [card.uuid for card in driver.cards], sys.executable, _torch_version()]
    facts += [os.environ.get(name) for name in CUDA_SETTINGS]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    file = make_node_folder("gpus") / f"{key}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8"))
    answer = ask_torch(dict(os.environ))
    problems = [answer["problem"], *(card["problem"] for card in answer["cards"])]
    if not any(word in problem for word in PASSING_PROBLEMS for problem in problems):
        _keep(file, answer)
    return answer


def ask_torch(environment: dict[str, str]) -> dict[str, Any]:
    """The answer of `torch_probe` in `environment`; its `problem` says why there is none."""
    answer = run_program(PROBE, environment, seconds=120)
    with suppress(ValueError):
        return json.loads(answer.output)
    return {"cards": [], "problem": f"asking torch for GPUs failed: {answer.reason}"}


def _keep(file: Path, answer: dict[str, Any]) -> None:
    """Writes the answer in one move; a full disk costs the next start the same seconds."""
    temporary = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        temporary.write_text(json.dumps(answer), encoding="utf-8")
        temporary.replace(file)


def _torch_version() -> str:
    """The version of the torch that Snakemake's environment has; empty if it has none."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("torch")
    return ""
