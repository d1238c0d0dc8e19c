"""The library behind the workflow. It knows nothing of Snakemake and imports without installing.

Programs and notebooks use what `PUBLIC` lists, such as `ganbench.train`. It is loaded when it is
named: a job loads what it uses, and no more.
"""

from importlib import import_module
from typing import Any

PUBLIC = {
    "train": ("interface.runs", "train_run"),
    "score": ("interface.scoring", "score_samples"),
    "load_generator": ("interface.runs", "load_generator"),
    "export": ("interface.export", "export_generator"),
    "load_exported": ("interface.export", "load_exported"),
    "use_plugin": ("catalogue.plugins", "use_plugin"),
    "network": ("catalogue.plugins", "network"),
    "metric": ("catalogue.plugins", "metric"),
    "extractor": ("catalogue.plugins", "extractor"),
}
"""What `import ganbench` offers: the module that has it, and its name there."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    import_module("ganbench.jobs.systems").check_system()
    module, function = PUBLIC[name]
    return getattr(import_module(f"ganbench.{module}"), function)


def __dir__() -> list[str]:
    return sorted(PUBLIC)
