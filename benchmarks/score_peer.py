"""Torch-fidelity's own program on this benchmark's images, with the classifier as its extractor."""

from collections.abc import Callable
from typing import Any

import torch
import torch_fidelity as fidelity
from torch import Tensor, nn
from torch_fidelity import metrics as its_program
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN

NAMES = {
    "FD": "frechet_inception_distance",
    "IS": "inception_score_mean",
    "KID": KEY_METRIC_KID_MEAN,
    "precision": "precision",
    "recall": "recall",
}
"""Its names of our metrics."""

FASTEST = {
    "dtype": torch.float32,
    "save_cpu_ram": True,
    "batch_size": 50,
    "prc_batch_size": 500,
}
"""Its fastest settings. Tried were two precisions, batches of 50 to 500, blocks of 500 to 10,000
images for precision and recall, and save_cpu_ram both ways."""

PARTS = {
    "create_feature_extractor": "features",
    "extract_featuresdict_from_input_id_cached": "features",
    "isc_featuresdict_to_metric": "IS",
    "fid_featuresdict_to_statistics_cached": "FD",
    "fid_statistics_to_metric": "FD",
    "kid_featuresdict_to_metric": "KID",
    "prc_featuresdict_to_metric": "precision, recall",
}
"""The functions that its program calls, and the part of the work that each does."""


class Images(torch.utils.data.TensorDataset):
    """Images as torch-fidelity takes them: a dataset of tensors."""

    def __getitem__(self, index: int) -> Tensor:
        """One image, where the base class returns a tuple of one."""
        return super().__getitem__(index)[0]


def scores(
    network: nn.Module,
    generated: Tensor,
    real: Tensor,
    clock: Callable[..., Any],
    **options: Any,
) -> dict[str, float]:
    """The scores that its `calculate_metrics` gives uint8 images; `clock` times each part.

    `options` are its own and `dtype`, the type of the features.
    """
    options = FASTEST | options
    fidelity.register_feature_extractor("classifier", _make_adapter(network, options.pop("dtype")))
    originals = {name: getattr(its_program, name) for name in PARTS}
    for name, original in originals.items():
        setattr(its_program, name, _time(clock, PARTS[name], original))
    try:
        values = fidelity.calculate_metrics(
            input1=Images(generated),
            input2=Images(real),
            feature_extractor="classifier",
            isc=True,
            fid=True,
            kid=True,
            prc=True,
            cache=False,
            cuda=False,
            verbose=False,
            **options,
        )
    finally:
        for name, original in originals.items():
            setattr(its_program, name, original)
    return {name: values[key] for name, key in NAMES.items()}


def _time(clock: Callable[..., Any], part: str, function: Callable) -> Callable:
    return lambda *arguments, **options: clock(part, function, *arguments, **options)


def _make_adapter(network: nn.Module, dtype: torch.dtype) -> type[FeatureExtractorBase]:
    class Adapter(FeatureExtractorBase):
        def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
            super().__init__(name, features_list)
            self.network = network

        get_provided_features_list = staticmethod(lambda: ("features", "logits"))
        get_default_feature_layer_for_metric = staticmethod(
            lambda metric: "logits" if metric == "isc" else "features"
        )
        can_be_compiled = staticmethod(lambda: False)

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            outputs = dict(zip(("features", "logits"), self.network(images), strict=True))
            return tuple(outputs[name].to(dtype) for name in self.features_list)

    return Adapter
