"""The moments of all runs on a dataset, packed for the page: as many as there is room for."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganbench.report.results import Run

MOMENTS = (40, 32, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 1)
"""How many moments a run may have on the page, the last one among them."""

FEWEST_MOMENTS = 12
"""If the runs of all seeds had to have fewer, only those of the first seed are on the page."""

DENSEST = 40
"""Values that take a byte, at best. Where even that is too much, nothing is packed to try."""


@dataclass(frozen=True)
class Reel:
    """By name, the levels `(moments, values)` of every run, and the steps of its moments."""

    levels: Mapping[str, Mapping[Run, np.ndarray]]
    steps: Mapping[Run, np.ndarray]

    @property
    def seeds(self) -> list[int]:
        """The runs' seeds, in the order of the runs."""
        return list(dict.fromkeys(seed for _, _, seed in self.steps))

    def cut(self, count: int) -> "Reel":
        """The reel at `count` of its steps, evenly spaced, and at the last step of each run."""
        steps = np.unique(np.concatenate(list(self.steps.values())))
        places = len(steps) - 1 - np.linspace(0, len(steps) - 1, min(len(steps), count)).round()
        kept = {
            run: np.isin(own, steps[places.astype(int)]) | (own == own[-1])
            for run, own in self.steps.items()
        }
        levels = {
            name: {run: moments[kept[run]] for run, moments in of_runs.items()}
            for name, of_runs in self.levels.items()
        }
        return Reel(levels, {run: own[kept[run]] for run, own in self.steps.items()})

    def keep_seed(self, seed: int) -> "Reel":
        """The reel of the runs with one seed."""
        levels = {
            name: {run: moments for run, moments in of_runs.items() if run[2] == seed}
            for name, of_runs in self.levels.items()
        }
        return Reel(levels, {run: own for run, own in self.steps.items() if run[2] == seed})


def collect_reel(reel: Reel, variants: Sequence[str], room: int) -> dict[str, Any]:
    """What a script needs to show the runs at any moment, in at most about `room` bytes.

    `curves` has each curve's name and number of values in a moment, and `runs` the place of each
    run's variant, its seed and which of the `moments`, lists of steps, it has, both in the order of
    `packed`. `steps` are those of all runs, `places` those of the variants.
    """
    reel, packed = _fit(reel, room)
    moments = {run: tuple(own.tolist()) for run, own in reel.steps.items()}
    shared = list(dict.fromkeys(moments.values()))
    runs = [
        {"place": variants.index(run[1]), "seed": run[2], "moments": shared.index(own)}
        for run, own in moments.items()
    ]
    return {
        "curves": [
            {"name": name, "values": next(iter(of_runs.values())).shape[1]}
            for name, of_runs in reel.levels.items()
        ],
        "steps": sorted({step for own in shared for step in own}),
        "moments": shared,
        "seeds": reel.seeds,
        "places": list(dict.fromkeys(run["place"] for run in runs)),
        "runs": runs,
        "packed": packed,
    }


def _fit(reel: Reel, room: int) -> tuple[Reel, str]:
    """The reel at as many moments as there is room for, or else that of the first seed."""
    for moments in MOMENTS:
        if moments < FEWEST_MOMENTS and len(reel.seeds) > 1:
            return _fit(reel.keep_seed(reel.seeds[0]), room)
        shorter = reel.cut(moments)
        if moments == MOMENTS[-1] or _count_values(shorter) <= DENSEST * room:
            packed = pack(shorter)
            if len(packed) <= room:
                break
    return shorter, packed


def _count_values(reel: Reel) -> int:
    return sum(moments.size for of_runs in reel.levels.values() for moments in of_runs.values())


def pack(reel: Reel) -> str:
    """Every level less the one before it in its moment, modulo 256, compressed, in base64.

    The bytes of a name follow those of the name before it, in the order of the reel's runs.
    """
    data = b"".join(
        np.diff(moments.astype(np.int16), axis=1, prepend=0).astype(np.uint8).tobytes()
        for of_runs in reel.levels.values()
        for moments in of_runs.values()
    )
    return base64.b64encode(zlib.compress(data, 9)).decode()
