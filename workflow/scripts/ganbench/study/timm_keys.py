"""What a study must say of an extractor `timm:NAME`, as far as planning can tell without torch."""

import importlib.util
import re
from pathlib import Path

from ganbench.catalogue.extractors import TIMM
from ganbench.study.schema import StudyError

SHA256 = re.compile(r"[0-9a-f]{64}")
SUFFIX = ".safetensors"


def check_timm(extractor: str, weights: str, sha256: str) -> None:
    """Raises StudyError unless the study gives timm's network a name, weights and their digest."""
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?", extractor.removeprefix(TIMM)):
        raise StudyError(
            f"evaluation.extractor: found {extractor!r}, expected a network of timm such as "
            f"{TIMM}resnet18 or, with the tag of its weights, {TIMM}resnet18.a1_in1k"
        )
    if importlib.util.find_spec("timm") is None:
        raise StudyError(
            f"evaluation.extractor: {extractor} needs timm, which is not installed here; install "
            "it with `pip install timm`, or choose another extractor"
        )
    if Path(weights).suffix != SUFFIX:
        raise StudyError(
            f"evaluation.weights: found {weights!r}, expected the file {SUFFIX} with the weights "
            f"of {extractor}: nothing is downloaded, and no other format is read"
        )
    if not SHA256.fullmatch(sha256):
        raise StudyError(
            f"evaluation.sha256: found {sha256!r}, expected the 64 hexadecimal digits that "
            "`sha256sum` prints for the file of evaluation.weights, in lower case"
        )
