"""Packages that a study needs only if it asks for them."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from ganbench.study.schema import StudyError


def check_packages(study: Mapping[str, Any]) -> None:
    """Raises StudyError if the study asks for something whose package is not installed."""
    if study["tensorboard"] and find_spec("tensorboard") is None:
        raise StudyError(
            "tensorboard: found true, but the package tensorboard is not installed here; install "
            "it (pip install tensorboard) or remove the key"
        )
