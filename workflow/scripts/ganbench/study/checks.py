"""What a schema cannot say of a study, for it takes several keys, or a dataset's size, together."""

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.catalogue import architectures, datasets, metrics
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.study.schema import StudyError

GRADIENT_PENALTIES = ("gradient_penalty", "dragan", "r1", "r2")


def known(path: str, found: str, names: Iterable[str], expected: str) -> None:
    """Raises StudyError unless `found` is one of `names`."""
    if found not in (names := list(names)):
        raise StudyError(f"{path}: found {found!r}, expected {expected}: {', '.join(names)}")


def check_dataset(path: str, dataset: Mapping[str, Any]) -> None:
    """Refuses keys that mean nothing for this kind of dataset, and asks for those it needs."""
    kind = datasets.KINDS[dataset["kind"]]
    if kind.name == "image_folder":
        for key in ("source", "resolution"):
            if not dataset[key]:
                raise StudyError(f"{path}: missing the key {key!r}, which an image_folder needs")
        return
    for key in ("resolution", "channels"):
        if dataset[key] is not None:
            raise StudyError(
                f"{path}.{key}: {kind.name} has its own; only an image_folder takes it"
            )
    if dataset["source"] and kind.name == "digits":
        raise StudyError(f"{path}.source: digits come with scikit-learn and need no source")
    if kind.type == "points":
        for key in ("source", "extractor_images"):
            if dataset[key]:
                raise StudyError(f"{path}.{key}: {kind.name} is drawn from a known density")
    elif dataset["extractor_images"] is not None:
        _check_extractor_images(path, kind, dataset["extractor_images"])


def _check_extractor_images(path: str, kind: datasets.Kind, found: int) -> None:
    if "extractor" in kind.parts:
        raise StudyError(f"{path}.extractor_images: {kind.name} has an official part for it")
    left = datasets.plan_splits(kind.parts, 0)["train"].size
    if found >= left:
        raise StudyError(
            f"{path}.extractor_images: found {found}, expected less than {left}, of which the "
            "rest is trained on"
        )


def check_evaluation(study: Mapping[str, Any]) -> None:
    """Refuses an evaluation that would have too few samples, no classes or no such metric."""
    evaluation = study["evaluation"]
    extractor, primary = evaluation["extractor"], evaluation["primary_metric"]
    if evaluation["weights"] and extractor == "classifier":
        raise StudyError("evaluation.weights: the classifier is trained here and has none")
    if primary == "IS" and not EXTRACTORS[extractor].classes:
        raise StudyError(
            f"evaluation.primary_metric: found 'IS', which needs classes; {extractor} has none"
        )
    images = {
        name: dataset for name, dataset in study["datasets"].items() if dataset["type"] == "images"
    }
    for name, dataset in images.items():
        if extractor == "classifier" and dataset["extractor_images"] == 0:
            raise StudyError(
                f"datasets.{name}.extractor_images: found 0, but the extractor is the classifier, "
                "which is trained on that split"
            )
        _check_samples(name, dataset, evaluation["samples"], extractor)


def _check_samples(
    name: str, dataset: Mapping[str, Any], samples: int | None, extractor: str
) -> None:
    least = metrics.minimum_samples(extractor)
    if samples is not None and samples < least:
        raise StudyError(
            f"evaluation.samples: found {samples}, expected at least {least} for the metrics over "
            f"{extractor}"
        )
    if dataset["sizes"] is None:
        return
    there = min(dataset["sizes"]["train"], dataset["sizes"]["held_out"])
    if samples is not None and samples > there:
        raise StudyError(
            f"evaluation.samples: found {samples}, expected at most the {there} images of {name}'s "
            "smaller split (train, held_out), so that the floor has the same count"
        )
    if there < least:
        raise StudyError(
            f"datasets.{name}: its smaller split has {there} images; metrics need {least}"
        )


def check_run(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    """Refuses the resolved parameters of a run that cannot be trained; `shape` is of an image."""
    if parameters["steps"] < parameters["snapshots"]:
        raise StudyError(
            f"training.snapshots ({run}): found {parameters['snapshots']}, "
            f"expected at most one per step, of which there are {parameters['steps']}"
        )
    if shape and parameters["stop"] and parameters["stop"]["metric"] == "JSD":
        raise StudyError(
            f"training.stop.metric ({run}): found 'JSD', expected 'duality_gap': "
            "the density of images is not known"
        )
    _check_network(parameters, shape, run)


def _check_network(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    network = parameters["network"]
    if shape is None and network["name"] != "mlp":
        raise StudyError(
            f"training.network.name ({run}): found {network['name']!r}, "
            "expected 'mlp': the dataset holds points, not images"
        )
    if problem := architectures.problem(network, shape):
        raise StudyError(f"training.network ({run}): {problem}")
    penalties = [name for name in GRADIENT_PENALTIES if name in parameters["regularizers"]]
    if penalties and architectures.discriminator_norm(network) == "batch":
        raise StudyError(
            f"training.network.discriminator_norm ({run}): found 'batch', expected 'none' or "
            f"'layer' with {penalties[0]}, which needs each image's own gradient"
        )
