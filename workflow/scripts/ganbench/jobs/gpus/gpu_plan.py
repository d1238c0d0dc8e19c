"""How the jobs of a study share the GPUs of this machine: how many to a GPU, and whether by MPS."""

import shutil
from collections import Counter
from dataclasses import dataclass

from ganbench.jobs.gpus.cards import Card, find_cards
from ganbench.jobs.gpus.mps import CONTROL, has_site_mps
from ganbench.jobs.systems import count_usable_cores

JOB_MEMORY = 2 * 2**30
"""Bytes of a GPU's memory for one job.

Of these, a CUDA context takes 0.6 GB, and networks, data and recorded steps of the shipped studies
the rest. A job that needs more and finds no memory is tried once more, then says so.
"""

RESERVED_MEMORY = 2**29
"""Bytes of a GPU's memory left free, for MPS itself and a screen."""

MOST_JOBS = 16
"""Jobs on one GPU beyond which more gain nothing: on an H200, 16 trained 1 to 8 % faster than 8."""


@dataclass(frozen=True)
class GpuPlan:
    """GPUs by their names for CUDA_VISIBLE_DEVICES, and the jobs on each at a time.

    `uses_mps` says that jobs are to share GPUs under MPS; `problem` why there is no GPU, or no MPS.
    """

    devices: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    slots: int = 1
    slots_without_mps: int = 1
    uses_mps: bool = False
    problem: str = ""

    def describe(self) -> str:
        """The plan in one line."""
        if not self.devices:
            return f"CPU: {self.problem}"
        counts = Counter(self.models)
        gpus = ", ".join(f"{count} × {model}" for model, count in counts.items())
        return f"{gpus}, {self._describe_jobs()}"

    def _describe_jobs(self) -> str:
        which = "it" if len(self.devices) == 1 else "each"
        reason = f" ({self.problem})" if self.problem else ""
        if self.slots == 1:
            return f"one job at a time{'' if which == 'it' else ' on each'}{reason}"
        way = "under MPS" if self.uses_mps else "in time slices"
        return f"{self.slots} jobs share {which} {way}{reason}"

    def without_mps(self, reason: str) -> "GpuPlan":
        """The plan where MPS turns out not to work."""
        return GpuPlan(
            devices=self.devices,
            models=self.models,
            slots=self.slots_without_mps,
            slots_without_mps=self.slots_without_mps,
            problem=reason,
        )


def plan_gpus(gpu_slots: int | str, cores: int | None) -> GpuPlan:
    """The plan for this machine, by a study's `gpu_slots` and the cores that jobs may use.

    With `auto`, a GPU has as many jobs under MPS as cores and memory allow. Without MPS it has one:
    processes that take turns on a GPU are together no faster than one.
    """
    cards = find_cards()
    if not cards.cards:
        return GpuPlan(problem=cards.problem)
    is_given = gpu_slots != "auto"
    slots = int(gpu_slots) if is_given else _count_useful_jobs(cards.cards, cores)
    plan = GpuPlan(
        devices=tuple(card.device for card in cards.cards),
        models=tuple(card.name for card in cards.cards),
        slots=slots,
        slots_without_mps=slots if is_given else 1,
        uses_mps=slots > 1,
        problem=cards.problem,
    )
    obstacle = _find_obstacle(plan.devices)
    return plan.without_mps(obstacle) if plan.uses_mps and obstacle else plan


def _count_useful_jobs(cards: tuple[Card, ...], cores: int | None) -> int:
    usable_cores = cores or count_usable_cores()
    by_cores = -(-usable_cores // len(cards))
    memory = min(card.memory for card in cards) - RESERVED_MEMORY
    return max(1, min(by_cores, memory // JOB_MEMORY, MOST_JOBS))


def _find_obstacle(devices: tuple[str, ...]) -> str:
    """Why MPS cannot be used for these GPUs; empty if it can be tried."""
    if has_site_mps():
        return ""
    if shutil.which(CONTROL) is None:
        return f"{CONTROL} is not installed, so there is no MPS"
    other = next((device for device in devices if not device.startswith("GPU-")), None)
    if other is not None:
        return f"MPS is started for whole GPUs with a UUID, found {other}"
    return ""
