"""Scores of anybody's images, in the extractor and against the images that studies use."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganbench.catalogue.metrics import DEFAULT_SAMPLES
from ganbench.datasets.file_names import CONVERT_HEIC, count_files
from ganbench.datasets.folder_files import list_folder
from ganbench.datasets.image_files import read_images
from ganbench.datasets.image_folder import describe_skipped
from ganbench.datasets.unread_files import sort_files
from ganbench.evaluation.extractor import extract, load_extractor
from ganbench.evaluation.feature_metrics import score_features
from ganbench.evaluation.real_images import load_real
from ganbench.interface.prepared import prepare_dataset, prepare_reference
from ganbench.interface.runs import TrainedGenerator
from ganbench.jobs.arrays import map_array
from ganbench.jobs.errors import ActionableError
from ganbench.randomness import use_deterministic_kernels

Samples = np.ndarray | Tensor | str | Path | TrainedGenerator


class SamplesError(ActionableError):
    """Samples that a dataset's metrics cannot be computed of."""


def score_samples(
    samples: Samples,
    *,
    dataset: str | Mapping[str, Any] = "digits",
    evaluation: Mapping[str, Any] | None = None,
    count: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
) -> pd.DataFrame:
    """Every metric of images against a dataset: `metric`, `reference`, `value` and `real`.

    `samples` are uint8 images `(count, height, width)` or `(count, channels, height, width)`, a
    folder of image files, or a generator, of which `count` images are drawn with `seed`: by default
    as many as a study compares. `real` is the score of the same number of real images, NaN where
    there are fewer. `evaluation` chooses the extractor as in a study: `{"extractor": "timm:…",
    "weights": file, "sha256": digest}`. `cache` is the folder of prepared data, by default that of
    downloads. Raises SamplesError where samples do not fit the dataset.
    """
    data = prepare_dataset(dataset, cache, evaluation)
    if data.resolved["type"] == "points":
        raise SamplesError(f"dataset {data.name}: found points, expected a dataset of images")
    real_images = map_array(data.data, "held_out")
    limit = min(len(real_images), data.resolved["samples"] or DEFAULT_SAMPLES)
    images = _read_samples(samples, real_images.shape[1:], count or limit, seed)
    reference = prepare_reference(data, min(len(images), limit))
    use_deterministic_kernels(threads=torch.get_num_threads())
    features = extract(load_extractor(reference.network, data.weights), torch.from_numpy(images))
    rows = score_features(features, load_real(reference.features), data.extractor)
    scores = pd.DataFrame(rows, columns=["reference", "metric", "value"])
    floor = pd.read_csv(reference.floor, keep_default_na=False)
    if len(images) > limit:
        floor["value"] = np.nan
    floor = floor.rename(columns={"value": "real"})[["metric", "reference", "real"]]
    return scores.merge(floor, how="left")[["metric", "reference", "value", "real"]]


def _read_samples(samples: Samples, shape: tuple[int, ...], count: int, seed: int) -> np.ndarray:
    """The samples as uint8 `(count, *shape)`."""
    if isinstance(samples, TrainedGenerator):
        samples = samples.sample(count, seed)
    elif isinstance(samples, str | Path):
        samples = _read_folder(Path(samples), shape)
    images = np.asarray(samples)
    if images.ndim == 3 and shape[0] == 1:
        images = images[:, None]
    if images.dtype != np.uint8 or images.shape[1:] != tuple(shape):
        raise SamplesError(
            f"samples: found {images.dtype} {images.shape}, expected uint8 (count, "
            f"{', '.join(map(str, shape))})"
        )
    if len(images) < 2:
        raise SamplesError(f"samples: found {len(images)} images, expected at least 2")
    return np.ascontiguousarray(images)


def _read_folder(folder: Path, shape: tuple[int, ...]) -> np.ndarray:
    """All images below a folder, in the order of their names, converted as datasets are.

    Raises SamplesError for a file or folder that cannot be read: no score is of fewer images than
    there are.
    """
    if not folder.is_dir():
        raise SamplesError(f"samples: there is no folder {folder}")
    listing = list_folder(folder, _refuse_folder)
    names, texts, unread = sort_files(listing.files)
    if unread:
        raise SamplesError(
            f"samples: {folder} has {count_files(unread, 'file')} that cannot be read as images. "
            f"Convert them to PNG (HEIC {CONVERT_HEIC}), give files without an ending the right "
            "one, or move them away"
        )
    images = np.empty((len(names), *shape), np.uint8)
    openers = [(name, partial(Path, folder, name)) for name in names]
    for note in describe_skipped(listing, texts) + read_images(openers, images, lambda _: None):
        print(note, file=sys.stderr)
    return images


def _refuse_folder(error: OSError) -> None:
    raise SamplesError(
        f"samples: cannot read {error.filename}: {error.strerror}; make it readable or move it away"
    ) from None
