"""What decides the bits of a run beside its parameters, data and code: the machine's fingerprint.

Two processors of one name may have other instruction sets, by which torch and oneDNN choose their
kernels, or other caches, by which those cut their work. Either rounds sums in another order.
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganbench.jobs.provenance import canonical_json, list_versions, read_cpuinfo, sha256

_IDENTITY = ("vendor_id", "cpu family", "model", "model name", "stepping")
"""Lines of /proc/cpuinfo that name a processor; a virtual machine may shorten the model's name."""

_INSTRUCTIONS = ("sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "sve", "sme", "bf16", "i8mm")
"""How the flags of vector and matrix instructions begin, on x86 and ARM."""

_OVERRIDES = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Environment variables by which libraries choose other kernels than the processor allows."""

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def take_fingerprint(threads: int, device: str) -> dict[str, Any]:
    """The parts of the fingerprint, and a short `digest` of them all.

    Runs with equal parameters, data and code have equal bits where their digests are equal.
    `threads` are the run's, `device` is its device in words.
    """
    cpuinfo, versions = read_cpuinfo(), list_versions()
    flags = cpuinfo.get("flags", cpuinfo.get("Features", "")).split()
    parts = {
        "processor": _name_processor(cpuinfo),
        "instructions": sorted({flag for flag in flags if flag.startswith(_INSTRUCTIONS)}),
        "caches": _list_caches(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "overrides": {name: os.environ[name] for name in _OVERRIDES if name in os.environ},
        "threads": threads,
        "device": device,
        "versions": {name: versions[name] for name in ("python", "torch", "numpy")},
    }
    return {"digest": sha256(canonical_json(parts))[:16], **parts}


def find_other_origin(run: Mapping[str, Any], published: Mapping[str, Any]) -> str | None:
    """Why a run need not have the bits of a published one; None if their fingerprints agree."""
    if "fingerprint" not in published:
        return "the published run has no fingerprint of its machine"
    own, other = run["fingerprint"], published["fingerprint"]
    if own["digest"] == other["digest"]:
        return None
    parts = [key for key in own if key != "digest" and own[key] != other.get(key)]
    return f"this machine differs from the published run's in {', '.join(parts)}"


def _name_processor(cpuinfo: Mapping[str, str]) -> str:
    """The processor in words; on other systems than Linux their build, which names a Mac's chip.

    macOS brings its own linear algebra, so another build of it counts as another processor.
    """
    if not cpuinfo:
        return f"{platform.machine()} {platform.version()}"
    return ", ".join(f"{key} {cpuinfo[key]}" for key in _IDENTITY if key in cpuinfo)


def _list_caches() -> dict[str, str]:
    """The size of each cache of the first core, where Linux tells."""
    return {
        f"L{_read(index, 'level')} {_read(index, 'type')}": _read(index, "size")
        for index in sorted(_CACHES.glob("index*"))
    }


def _read(index: Path, name: str) -> str:
    file = index / name
    return file.read_text(encoding="utf-8").strip() if file.exists() else "unknown"
