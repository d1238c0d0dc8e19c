"""Finds and verifies the weights of the pretrained extractors.

Needs no torch, so that a study can be checked before anything runs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.downloads.cache import find_cache_folder
from ganbench.downloads.download import DownloadError, download
from ganbench.jobs import provenance
from ganbench.jobs.errors import ActionableError


class WeightsError(ActionableError):
    """The weights of an extractor are missing or wrong."""


@dataclass(frozen=True)
class VerifiedWeights:
    """A file whose digest was checked; `where` tells its origin without paths of this machine."""

    path: Path
    sha256: str
    where: str


def find_weights(extractor: str, file: str = "", log: TextIO | None = None) -> VerifiedWeights:
    """The verified weights of a pretrained `extractor`.

    `file` is the one that the study names in `evaluation.weights`. Where it is empty, the weights
    come from the shared cache, to which they are downloaded once. Raises WeightsError, whose
    message says which file to put where.
    """
    if file:
        return _verify(extractor, Path(file), "the file that evaluation.weights names")
    cached = _cache_file(extractor)
    if cached.exists():
        return _verify(extractor, cached, "the shared cache")
    url, sha256 = EXTRACTORS[extractor].url, EXTRACTORS[extractor].sha256
    try:
        download(url, cached, sha256=sha256, log=log)
    except DownloadError as error:
        raise WeightsError(f"{error}\n{_instructions(extractor)}") from None
    return VerifiedWeights(cached, sha256, f"downloaded from {url}")


def verify_given_weights(extractor: str, file: str, sha256: str) -> VerifiedWeights:
    """The file with the weights of a network of timm, if it has the digest that the study gives.

    Raises WeightsError otherwise.
    """
    if not Path(file).is_file():
        raise WeightsError(
            f"evaluation.weights: there is no file {file or 'named'}, expected the weights of "
            f"{extractor}; put it there or correct the key"
        )
    digest = provenance.sha256_file(Path(file))
    if digest != sha256:
        raise WeightsError(
            f"evaluation.sha256: {file} has {digest}, expected {sha256}; give the digest of the "
            "weights that you mean, or their file"
        )
    return VerifiedWeights(Path(file), digest, "the file that evaluation.weights names")


def _verify(extractor: str, file: Path, where: str) -> VerifiedWeights:
    expected = EXTRACTORS[extractor].sha256
    if not file.is_file():
        raise WeightsError(f"evaluation.weights: no file {file}\n{_instructions(extractor)}")
    digest = provenance.sha256_file(file)
    if digest != expected:
        raise WeightsError(
            f"{file} does not contain the weights of {extractor}: its SHA-256 is {digest}, "
            f"expected {expected}. Replace or delete the file."
        )
    return VerifiedWeights(file, digest, where)


def _cache_file(extractor: str) -> Path:
    return find_cache_folder() / "weights" / EXTRACTORS[extractor].file


def _instructions(extractor: str) -> str:
    """How to provide the weights by hand."""
    facts = EXTRACTORS[extractor]
    return (
        f"The extractor {extractor} needs the file {facts.file} with SHA-256 {facts.sha256}.\n"
        f"Download it from {facts.url} on a machine with internet access. Then either copy it to "
        f"{_cache_file(extractor)} or name it in the study: `evaluation: {{weights: FILE}}`. "
        "The extractor `classifier` needs no such file."
    )
