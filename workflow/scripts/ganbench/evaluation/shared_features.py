"""Features of real images that further studies share, in the folder of downloaded files.

Inception and DINOv2 take hours for a dataset on a CPU, which a second study of the same images
saves. Shipped rulers take seconds, and share nothing.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.downloads.cache import find_cache_folder
from ganbench.evaluation.extractor import Features, extract
from ganbench.jobs import code_digest, files, provenance
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.fingerprint import take_fingerprint
from ganbench.jobs.gpus.devices import describe_device

DIGEST_SIZE = 32
"""A file begins with this many bytes, the SHA-256 of the rest."""


def extract_shared(network: nn.Module, images: Tensor, log: TextIO | None = None) -> Features:
    """What `extract` computes of uint8 real `images` `(count, channels, height, width)`.

    Features of a pretrained extractor are taken from the shared folder, if they were computed from
    the same images by the same weights, code, libraries and processor. Those of a plugin never are:
    its code may do more than its weights say, such as build a layer at the first images. A damaged
    file is never used. A folder that cannot be read or written costs a line in the log and no more.
    """
    extractor = EXTRACTORS[network.name]
    if extractor.knows_classes or extractor.is_plugin:
        return extract(network, images)
    try:
        file = find_cache_folder() / "features" / _name_file(network, images)
        features = _read(file, log)
    except (ActionableError, OSError) as error:
        print(f"features of real images are not shared: {error}", file=log)
        return extract(network, images)
    if features is None:
        features = extract(network, images)
        _write(file, features, log)
    device = next(network.parameters()).device
    logits = None if features.logits is None else features.logits.to(device)
    return Features(features.features.to(device), logits)


def _name_file(network: nn.Module, images: Tensor) -> str:
    """A name with a digest of all that decides the bits of features."""
    device = next(network.parameters()).device
    decides = {
        "network": network.sha256,
        "weights": _digest_tensors(network.state_dict()),
        "images": _digest_tensors({"images": images}),
        "code": code_digest.digest(Path(code_digest.LIBRARY) / "evaluation/extractor.py"),
        "versions": provenance.list_versions(),
        "machine": take_fingerprint(torch.get_num_threads(), describe_device(device))["digest"],
    }
    digest = provenance.sha256(provenance.canonical_json(decides))
    return f"{network.name.replace('/', '_')}-{digest[:32]}.npz"


def _digest_tensors(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)  # NumPy has no bfloat16
    return digest.hexdigest()


def _read(file: Path, log: TextIO | None) -> Features | None:
    """The features in `file`; None if there is no such file, or a damaged one."""
    if not file.exists():
        return None
    with file.open("rb") as opened:
        if opened.read(DIGEST_SIZE) != _digest_rest(opened):
            print(f"{file} is damaged, so it is made again", file=log)
            return None
        with np.load(opened, allow_pickle=False) as arrays:
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    print(f"features of {len(tensors['features'])} real images are those in {file}", file=log)
    return Features(tensors["features"], tensors.get("logits"))


def _write(file: Path, features: Features, log: TextIO | None) -> None:
    tensors = {"features": features.features, "logits": features.logits}
    arrays = {name: value.cpu().numpy() for name, value in tensors.items() if value is not None}
    try:
        with files.whole(file) as temporary, temporary.open("w+b") as opened:
            opened.seek(DIGEST_SIZE)
            np.savez(opened, **arrays)
            digest = _digest_rest(opened)
            opened.seek(0)
            opened.write(digest)
    except (ActionableError, OSError) as error:
        print(f"features of real images are not shared: {error}", file=log)


def _digest_rest(opened: BinaryIO) -> bytes:
    """The SHA-256 of all bytes after the digest; leaves the file where they begin."""
    opened.seek(DIGEST_SIZE)
    digest = hashlib.file_digest(opened, "sha256").digest()
    opened.seek(DIGEST_SIZE)
    return digest
