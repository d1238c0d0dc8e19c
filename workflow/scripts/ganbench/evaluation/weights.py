"""Weights of the pretrained extractors: where they are looked for, and how they are verified.

Needs no torch, so that a study can be checked before anything runs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.downloads import download as downloads
from ganbench.jobs import provenance
from ganbench.jobs.errors import ActionableError


class WeightsError(ActionableError):
    """The weights of an extractor are missing or are not what they should be."""


@dataclass(frozen=True)
class FoundWeights:
    """A file whose content was checked, and in words, without a machine's paths, where it was."""

    path: Path
    sha256: str
    where: str


def find_weights(extractor: str, given: str = "", log: TextIO | None = None) -> FoundWeights:
    """The verified weights of a pretrained `extractor`.

    `given` is the file that `evaluation.weights` names; where it is empty, the shared cache is
    looked into, then the file is downloaded to it once. Raises WeightsError, which says what to
    put where.
    """
    known = EXTRACTORS[extractor]
    if given:
        return _checked(extractor, Path(given), "the file that evaluation.weights names")
    cached = _cache_file(extractor)
    if cached.exists():
        return _checked(extractor, cached, "the shared cache")
    try:
        downloads.download(known.url, cached, sha256=known.sha256, log=log)
    except downloads.DownloadError as error:
        raise WeightsError(f"{error}\n{_ways_out(extractor, cached)}") from None
    return FoundWeights(cached, known.sha256, f"downloaded from {known.url}")


def _checked(extractor: str, file: Path, where: str) -> FoundWeights:
    expected = EXTRACTORS[extractor].sha256
    if not file.is_file():
        raise WeightsError(
            f"evaluation.weights: no file {file}\n{_ways_out(extractor, _cache_file(extractor))}"
        )
    found = provenance.sha256_file(file)
    if found != expected:
        raise WeightsError(
            f"{file} is not the weights of {extractor}: its SHA-256 is {found}, expected "
            f"{expected}. Replace it, or delete it."
        )
    return FoundWeights(file, found, where)


def _cache_file(extractor: str) -> Path:
    return downloads.cache_folder() / "weights" / EXTRACTORS[extractor].file


def _ways_out(extractor: str, cached: Path) -> str:
    known = EXTRACTORS[extractor]
    return (
        f"The extractor {extractor} needs the file {known.file} with SHA-256 {known.sha256}.\n"
        f"Get it from {known.url} on a machine with a network, then either put it at {cached} "
        "or name it in the study with `evaluation: {weights: FILE}`. "
        "The extractor `classifier` needs no such file."
    )
