"""The rulers: classifiers whose weights are shipped, so that every machine measures alike.

Their weights are `.npz` files, because the lock holds no safetensors. NumPy reads plain arrays from
them and is told to unpickle nothing; the bytes are compared with the catalogue's SHA-256 before.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.evaluation.classifier import Classifier
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.resources import find_resources

FOLDER = find_resources("rulers")
"""Where the weights lie, beside the program that made them."""


class RulerError(ActionableError):
    """A ruler's weights are not those of the catalogue, or were trained on other images."""


def hash_split(images: Tensor, labels: Tensor) -> str:
    """SHA-256 of uint8 `images` and int64 `labels`, in their order."""
    digest = hashlib.sha256(images.cpu().numpy())
    digest.update(labels.cpu().numpy())
    return digest.hexdigest()


def load_ruler(name: str, folder: Path = FOLDER) -> Classifier:
    """The classifier of the ruler `name`, in evaluation mode.

    Raises RulerError where `folder` has no such file or one of another SHA-256.
    """
    file, expected = folder / f"{name}.npz", EXTRACTORS[name].sha256
    restore = f"restore the file from the repository: git checkout -- '*/rulers/{name}.npz'"
    if not file.is_file():
        raise RulerError(f"{file}: there is no such file, which holds the ruler {name}; {restore}")
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise RulerError(
            f"{file} does not contain the weights of {name}: its SHA-256 is {digest}, expected "
            f"{expected}; {restore}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        shape, classes = arrays["shape"].tolist(), int(arrays["classes"])
        weights = {
            key: torch.from_numpy(arrays[key]) for key in arrays if key not in ("shape", "classes")
        }
    network = Classifier(tuple(shape), classes)
    network.load_state_dict(weights)
    network.name, network.sha256 = name, digest
    return network.eval()


def to_ruler_arrays(network: Classifier) -> dict[str, np.ndarray]:
    """What the file of a ruler holds: the weights, the shape of an image, the number of classes."""
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    return {
        "shape": np.array(network.shape),
        "classes": np.array(network.classes),
        **{name: np.ascontiguousarray(weight) for name, weight in weights.items()},
    }


def check_training_images(name: str, digest: str, dataset: str) -> None:
    """Raises RulerError unless `digest` is that of a split that `name` was trained on.

    The splits are disjoint. So with this one, no image that the ruler has learnt is among the real
    images that generated ones are compared with.
    """
    expected = EXTRACTORS[name].kinds.values()
    if digest not in expected:
        raise RulerError(
            f"evaluation.extractor: the ruler {name} was trained on an extractor split with "
            f"SHA-256 {' or '.join(expected)}, but that of {dataset} has {digest}. Images "
            "that it has learnt may be among those it would measure. Prepare the dataset again, "
            "or choose the extractor `classifier`, which is trained on this split"
        )
