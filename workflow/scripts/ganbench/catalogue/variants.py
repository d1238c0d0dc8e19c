"""The shipped variants, each written as a study would write it."""

from pathlib import Path
from typing import Any

import yaml

VARIANTS_FILE = Path(__file__).with_suffix(".yaml")

VARIANTS: dict[str, dict[str, Any]] = yaml.safe_load(VARIANTS_FILE.read_text(encoding="utf-8"))
"""Objective, regularizers and training options of each variant, by its name in the literature."""
