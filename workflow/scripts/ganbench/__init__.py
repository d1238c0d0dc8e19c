"""The library behind the workflow. It knows nothing of Snakemake and imports without installing.

Programs and notebooks use what `PUBLIC` lists, such as `ganbench.train`. It is loaded when it is
named: a job loads what it uses, and no more.
"""

from importlib import import_module
from typing import Any

PUBLIC = {
    "train": ("runs", "train_run"),
    "score": ("scoring", "score_samples"),
    "load_generator": ("runs", "load_generator"),
    "export": ("export", "export_generator"),
    "load_exported": ("export", "load_exported"),
}
"""What `import ganbench` offers: the module of `ganbench.interface` that has it, and its name."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    module, function = PUBLIC[name]
    return getattr(import_module(f"ganbench.interface.{module}"), function)


def __dir__() -> list[str]:
    return sorted(PUBLIC)
