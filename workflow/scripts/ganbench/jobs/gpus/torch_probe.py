"""Prints, as JSON, the GPUs on which torch can compute, in a process of its own.

A driver that is too old, a card that this torch has no kernels for, an exclusive card that another
program holds: each shows only when a kernel runs. Exits with status 1 if no GPU computes.
"""

import json
import sys
from typing import Any

import torch


def probe_gpus() -> dict[str, Any]:
    """The GPUs that CUDA shows, each with its `problem`, and the `problem` of CUDA itself."""
    try:
        torch.cuda.init()
        count = torch.cuda.device_count()
    except (RuntimeError, AssertionError) as error:
        return {"cards": [], "problem": _first_line(error)}
    return {"cards": [_probe_card(number) for number in range(count)], "problem": ""}


def _probe_card(number: int) -> dict[str, Any]:
    card = {"name": f"GPU {number}", "uuid": "", "memory": 0, "problem": ""}
    try:
        properties = torch.cuda.get_device_properties(number)
        card["name"], card["memory"] = properties.name, properties.total_memory
        if hasattr(properties, "uuid"):
            card["uuid"] = f"GPU-{properties.uuid}"
        total = (torch.ones(8, device=f"cuda:{number}") * 2).sum().item()
    except (RuntimeError, AssertionError) as error:
        card["problem"] = _first_line(error)
    else:
        card["problem"] = "" if total == 16 else f"8 × 2 is {total} there"
    return card


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].strip() if lines else type(error).__name__


if __name__ == "__main__":
    answer = probe_gpus()
    print(json.dumps(answer))
    sys.exit(all(card["problem"] for card in answer["cards"]))
