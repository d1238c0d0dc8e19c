"""What the shipped studies cost: runs, operations, disk, hours and euros, on cores and on GPUs.

    python benchmarks/cost.py [--core-gflops 60] [--core-step 5] [--gpu-tflops 1 10 50]
                              [--gpu-step 2] [--core-price 0.03] [--gpu-price 2.5] [STUDY.yaml ...]

Operations are counted, not estimated: those of one training step on tensors without content
(ganbench.training.flops), times steps and runs. Networks are counted too, and with them the bytes
of the snapshots that a study leaves and of the state that a run saves. A step takes its operations
at the given rate, and so many milliseconds that no processor saves it: Python and the start of some
hundred operators, which is most of a small network's step. Rates are measured elsewhere
(train_speed.py) and prices are whatever you pay. Scoring is left out: it is the smaller part at
these budgets.
"""

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path

import measure
import pandas as pd
import torch
import yaml
from ganbench.densities.mixtures import DENSITIES
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.networks.layers import Shape
from ganbench.study import resolve as studies
from ganbench.training.flops import count_flops

TEMPLATE = "image_folder"
LUCIC = {"settings": 150, "seeds": 50, "objectives": 7}
"""What Lucic et al. 2018 ran on each dataset, of which lucic2018.yaml holds six objectives."""
FLEETS = (8, 64)
"""GPUs that a study is shared out to."""


@dataclass(frozen=True)
class Work:
    """What a study does, all runs together, but `state` and the `longest_…` of one run."""

    study: str
    runs: float = 0
    steps: float = 0
    flops: float = 0
    snapshots: float = 0
    state: float = 0
    longest_steps: float = 0
    longest_flops: float = 0

    def seconds(self, flops_a_second: float, step: float) -> float:
        """All of it, one run after another; `step` in seconds."""
        return self.flops / flops_a_second + self.steps * step

    def longest(self, flops_a_second: float, step: float) -> float:
        """The seconds of its longest run, which no number of GPUs shortens."""
        return self.longest_flops / flops_a_second + self.longest_steps * step


def main() -> None:
    """Prints what each study does, then its hours and euros on cores and on GPUs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", type=Path)
    parser.add_argument("--core-gflops", type=float, default=60.0, help="sustained by one core")
    parser.add_argument("--core-step", type=float, default=5.0, help="milliseconds of every step")
    parser.add_argument("--gpu-tflops", type=float, nargs="+", default=[1.0, 10.0, 50.0])
    parser.add_argument("--gpu-step", type=float, default=2.0, help="milliseconds of every step")
    parser.add_argument("--core-price", type=float, default=0.03, help="euros an hour")
    parser.add_argument("--gpu-price", type=float, default=2.5, help="euros an hour")
    given = parser.parse_args()
    shipped = [file for file in sorted(measure.ROOT.glob("config/*.yaml")) if file.stem != TEMPLATE]
    works = []
    for file in given.studies or shipped:
        works += _of_study(file)
    for described in (_described, _on_cores, _on_gpus):
        rows = pd.DataFrame([described(work, given) for work in works])
        print(rows.to_markdown(index=False, disable_numparse=True) + "\n")


def _of_study(file: Path) -> list[Work]:
    study = studies.resolve(yaml.safe_load(file.read_text(encoding="utf-8")), str(file))
    work = Work(study["study"])
    for dataset, variants in study["runs"].items():
        shape = tuple(study["datasets"][dataset]["shape"] or _point(dataset, study))
        for parameters in variants.values():
            work = _with_runs(work, parameters, shape, len(study["seeds"]))
    if work.study != "lucic2018":
        return [work]
    return [work, _full_protocol(work, len(study["variants"]), len(study["seeds"]))]


def _point(dataset: str, study: dict) -> tuple[int]:
    return (DENSITIES[study["datasets"][dataset]["kind"]].dimensions,)


def _with_runs(work: Work, parameters: dict, shape: Shape, runs: int) -> Work:
    flops = parameters["steps"] * count_flops(parameters, shape)["step"]
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        players = (build_generator, build_discriminator)
        generator, discriminator = (_bytes(build(parameters, shape)) for build in players)
    snapshots = parameters["snapshots"] * generator
    state = 3 * (generator + discriminator) + snapshots  # with Adam's two moments
    return replace(
        work,
        runs=work.runs + runs,
        steps=work.steps + runs * parameters["steps"],
        flops=work.flops + runs * flops,
        snapshots=work.snapshots + runs * snapshots,
        state=max(work.state, state),
        longest_steps=max(work.longest_steps, parameters["steps"]),
        longest_flops=max(work.longest_flops, flops),
    )


def _bytes(network: torch.nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in network.state_dict().values())


def _full_protocol(work: Work, variants: int, seeds: int) -> Work:
    """All of Lucic et al.: every setting once, then the best of each with 50 seeds."""
    times = LUCIC["objectives"] / variants / seeds * (LUCIC["settings"] + LUCIC["seeds"])
    summed = ("runs", "steps", "flops", "snapshots")
    scaled = {
        each.name: getattr(work, each.name) * times for each in fields(work) if each.name in summed
    }
    return replace(work, study="Lucic et al. 2018, all of it", **scaled)


def _described(work: Work, _: argparse.Namespace) -> dict:
    return {
        "study": work.study,
        "runs": f"{work.runs:,.0f}",
        "steps": f"{work.steps:.2g}",
        "operations": f"{work.flops:.2g}",
        "snapshots, GB": _short(work.snapshots / 1e9),
        "largest state, MB": _short(work.state / 1e6),
    }


def _on_cores(work: Work, given: argparse.Namespace) -> dict:
    rate = (given.core_gflops * 1e9, given.core_step / 1e3)
    hours = work.seconds(*rate) / 3600
    return {
        "study": work.study,
        "core-hours": _short(hours),
        "hours on 2 cores": _short(hours / 2),
        "longest run, hours": _short(work.longest(*rate) / 3600),
        "€": _short(hours * given.core_price),
    }


def _on_gpus(work: Work, given: argparse.Namespace) -> dict:
    found = {"study": work.study}
    for tflops in given.gpu_tflops:
        rate = (tflops * 1e12, given.gpu_step / 1e3)
        hours, longest = work.seconds(*rate) / 3600, work.longest(*rate) / 3600
        shared = (_short(max(hours / gpus, longest)) for gpus in FLEETS)
        found[f"{tflops:g} TFLOP/s: hours on 1 / 8 / 64 GPUs"] = " / ".join(
            (_short(hours), *shared)
        )
        found[f"€ at {tflops:g}"] = _short(hours * given.gpu_price)
    return found


def _short(value: float) -> str:
    """Two digits, or all of them before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


if __name__ == "__main__":
    main()
