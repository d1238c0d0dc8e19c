"""Weights of the pretrained extractors: where they are looked for, and how they are verified.

Needs no torch, so that a study can be checked before anything runs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ganbench.downloads import download as downloads
from ganbench.jobs import provenance
from ganbench.jobs.errors import ActionableError


class WeightsError(ActionableError):
    """The weights of an extractor are missing or are not what they should be."""


@dataclass(frozen=True)
class Weights:
    """One file of published weights: its address, and the SHA-256 of its content."""

    url: str
    sha256: str
    trained_on: str

    @property
    def file(self) -> str:
        """Its name, in the cache and anywhere else."""
        return self.url.rsplit("/", 1)[1]


@dataclass(frozen=True)
class FoundWeights:
    """A file whose content was checked, and in words, without a machine's paths, where it was."""

    path: Path
    sha256: str
    where: str


_DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"

PRETRAINED: dict[str, Weights] = {
    "inception-v3-compat": Weights(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "ImageNet (the weights of 2015-12-05 that FID is defined with)",
    ),
    "vgg16": Weights(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "ImageNet",
    ),
    "dinov2-vit-s-14": Weights(
        f"{_DINOV2}/dinov2_vits14/dinov2_vits14_pretrain.pth",
        "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
        "LVD-142M, without labels",
    ),
    "dinov2-vit-b-14": Weights(
        f"{_DINOV2}/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
        "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
        "LVD-142M, without labels",
    ),
    "dinov2-vit-l-14": Weights(
        f"{_DINOV2}/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
        "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
        "LVD-142M, without labels",
    ),
}
"""Every extractor that is not trained here, and its weights."""


def find_weights(extractor: str, given: str = "", log: TextIO | None = None) -> FoundWeights:
    """The verified weights of a pretrained `extractor`.

    `given` is the file that `evaluation.weights` names; where it is empty, the shared cache is
    looked into, then the file is downloaded to it once. Raises WeightsError, which says what to
    put where.
    """
    known = PRETRAINED[extractor]
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
    expected = PRETRAINED[extractor].sha256
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
    return downloads.cache_folder() / "weights" / PRETRAINED[extractor].file


def _ways_out(extractor: str, cached: Path) -> str:
    known = PRETRAINED[extractor]
    return (
        f"The extractor {extractor} needs the file {known.file} with SHA-256 {known.sha256}.\n"
        f"Get it from {known.url} on a machine with a network, then either put it at {cached} "
        "or name it in the study with `evaluation: {weights: FILE}`. "
        "The extractor `classifier` needs no such file."
    )
