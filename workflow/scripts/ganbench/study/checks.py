"""Checks that a schema cannot make: they compare several keys or need the size of a dataset."""

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.catalogue import architectures, datasets, metrics
from ganbench.catalogue.extractors import (
    AUTO,
    CLASSIFIER,
    EXTRACTORS,
    PRETRAINED,
    TIMM,
    Extractor,
    choose_extractor,
    is_timm,
)
from ganbench.catalogue.metrics import BY_FEATURES, BY_POINTS
from ganbench.catalogue.objectives import read_objective
from ganbench.catalogue.suggestions import suggest
from ganbench.catalogue.updates import find_update_problem
from ganbench.formula.boundary import falls_without_bound, separates_at_zero
from ganbench.study.schema import StudyError, load_schema
from ganbench.study.timm_keys import check_timm

FOLDER_KEYS = ("layout", "labels", "unread_share")
"""Keys of a dataset that only an image_folder has, also when it is resolved."""


def check_name(path: str, name: str, names: Iterable[str], expected: str) -> None:
    """Raises StudyError unless `name` is one of `names`."""
    names = list(names)
    if name not in names:
        raise StudyError(
            f"{path}: found {name!r}, expected {expected}: {', '.join(names)}{suggest(name, names)}"
        )


def check_own_name(
    group: str, name: str, key: str, names: Iterable[str], others: Iterable[str] = ()
) -> None:
    """Raises StudyError unless the name of a dataset or variant without `key` can stand for it.

    `others` are further names that do, but no values of the key.
    """
    names = list(names)
    if name not in names:
        raise StudyError(
            f"{group}.{name}: found no key {key!r}, and no shipped {key} has the name {name!r}; "
            f"add the key: one of {', '.join(names)}{suggest(name, [*others, *names])}"
        )


def check_dataset(path: str, dataset: Mapping[str, Any]) -> None:
    """Refuses a dataset with keys that its kind does not use, or without those that it needs."""
    kind = datasets.KINDS[dataset["kind"]]
    if kind.name == "image_folder":
        for key in ("source", "resolution"):
            if not dataset[key]:
                raise StudyError(f"{path}: missing the key {key!r}, which an image_folder needs")
        return
    defaults = load_schema()["$defs"]["dataset"]["properties"]
    for key in ("resolution", "channels", *FOLDER_KEYS):
        if dataset[key] != defaults[key]["default"]:
            raise StudyError(
                f"{path}.{key}: {kind.name} has its own, only an image_folder takes one; "
                "remove the key"
            )
    if dataset["source"] and (kind.base or kind.name) == "digits":
        raise StudyError(f"{path}.source: digits are part of scikit-learn; remove the key")
    if kind.type == "points":
        for key in ("source", "extractor_images"):
            if dataset[key]:
                raise StudyError(
                    f"{path}.{key}: {kind.name} is drawn from a known density; remove the key"
                )
    elif dataset["extractor_images"] is not None:
        _check_extractor_images(path, kind, dataset["extractor_images"])


def _check_extractor_images(path: str, kind: datasets.Kind, extractor_images: int) -> None:
    if kind.base:
        raise StudyError(
            f"{path}.extractor_images: {kind.name} has {kind.parts['extractor']:,} stacks of "
            "images that it keeps for the extractor; remove the key"
        )
    if "extractor" in kind.parts:
        raise StudyError(
            f"{path}.extractor_images: {kind.name} has an official part for the extractor; "
            "remove the key"
        )
    available = datasets.plan_splits(kind.parts, 0)["train"].size
    if extractor_images >= available:
        raise StudyError(
            f"{path}.extractor_images: found {extractor_images}, expected less than {available}, "
            "so that images to train on are left"
        )


def check_evaluation(study: Mapping[str, Any]) -> None:
    """Refuses an evaluation with too few samples, or without the classes or weights it needs."""
    evaluation = study["evaluation"]
    _check_weights(evaluation)
    for name, dataset in study["datasets"].items():
        if dataset["type"] == "images":
            extractor = choose_extractor(dataset, evaluation)
            _check_extractor(name, dataset, extractor)
            _check_primary(name, dataset, evaluation["primary_metric"], extractor)
            _check_samples(name, dataset, evaluation["samples"], extractor)


def _check_weights(evaluation: Mapping[str, Any]) -> None:
    requested = evaluation["extractor"]
    if is_timm(requested):
        check_timm(requested, evaluation["weights"], evaluation["sha256"])
        return
    if evaluation["sha256"]:
        raise StudyError(
            f"evaluation.sha256: only weights of an extractor `{TIMM}NAME` have it, and found the "
            f"extractor `{requested}`; remove the key"
        )
    if evaluation["weights"] and requested in EXTRACTORS and EXTRACTORS[requested].is_plugin:
        raise StudyError(
            f"evaluation.weights: the extractor `{requested}` is of a plugin, whose code finds its "
            "weights; remove the key"
        )
    if evaluation["weights"] and requested not in PRETRAINED:
        reason = {
            AUTO: "chooses a ruler or the classifier, of which neither takes weights",
            CLASSIFIER: "is trained by the workflow and takes no weights",
        }.get(requested, "is a ruler whose weights are shipped and takes no weights")
        raise StudyError(
            f"evaluation.weights: the extractor `{requested}` {reason}; remove "
            f"the key or choose another extractor: {', '.join(PRETRAINED)}"
        )


def _check_extractor(name: str, dataset: Mapping[str, Any], extractor: str) -> None:
    """Refuses an extractor whose training images or classes the dataset `name` does not have."""
    if EXTRACTORS[extractor].is_ruler:
        _check_ruler(name, dataset, EXTRACTORS[extractor])
    if extractor != CLASSIFIER:
        return
    if dataset["extractor_images"] == 0:
        raise StudyError(
            f"datasets.{name}.extractor_images: found 0, expected more: the extractor "
            "`classifier` is trained on that split"
        )
    if dataset.get("labels") == "none":
        raise StudyError(
            f"datasets.{name}.labels: found 'none', but the extractor `classifier` is trained "
            "to tell classes apart; choose another as `evaluation.extractor`: "
            f"{', '.join(PRETRAINED)}"
        )


def _check_ruler(name: str, dataset: Mapping[str, Any], ruler: Extractor) -> None:
    if dataset["kind"] not in ruler.kinds:
        raise StudyError(
            f"evaluation.extractor: found {ruler.name!r}, which measures {', '.join(ruler.kinds)} "
            f"and not the dataset {name} of kind {dataset['kind']}; write `auto`, which chooses "
            "for each dataset"
        )
    if not ruler.measures(dataset):
        raise StudyError(
            f"datasets.{name}.extractor_images: found {dataset['extractor_images']}, but "
            f"{ruler.name} was trained on a split of {ruler.images}: with another one, images "
            "that it has learnt would be measured. Remove the key, or choose the extractor "
            "`classifier`, which is trained on this split"
        )


def _check_primary(name: str, dataset: Mapping[str, Any], primary: str, extractor: str) -> None:
    if primary in metrics.STACKED and not _finds_modes(dataset, extractor):
        kinds = [kind.name for kind in datasets.KINDS.values() if kind.base]
        raise StudyError(
            f"evaluation.primary_metric: found {primary!r}, which needs a dataset of kind "
            f"{', '.join(kinds)} and a ruler or the extractor `classifier`; {name} is of kind "
            f"{dataset['kind']} and has {extractor}"
        )
    if primary == "IS" and not EXTRACTORS[extractor].classes:
        raise StudyError(
            "evaluation.primary_metric: found 'IS', which needs an extractor with classes; "
            f"{extractor} has none"
        )


def _finds_modes(dataset: Mapping[str, Any], extractor: str) -> bool:
    """Whether an extractor finds a class in each channel of a dataset's images."""
    return bool(datasets.KINDS[dataset["kind"]].base) and EXTRACTORS[extractor].knows_classes


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
    available = min(dataset["sizes"]["train"], dataset["sizes"]["held_out"])
    if samples is not None and samples > available:
        raise StudyError(
            f"evaluation.samples: found {samples}, expected at most {available}, the size of the "
            f"smaller of train and held_out of {name}, so that real images can be scored in the "
            "same number"
        )
    if available < least:
        raise StudyError(
            f"datasets.{name}: found {available} images in the smaller of train and held_out, "
            f"expected at least {least} for the metrics over {extractor}"
        )


def check_run(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    """Refuses the resolved parameters of a run that cannot be trained.

    `shape` is that of an image, None for points; `run` names the run in messages.
    """
    steps, snapshots, stop = parameters["steps"], parameters["snapshots"], parameters["stop"]
    if steps < snapshots:
        raise StudyError(
            f"training.snapshots ({run}): found {snapshots}, expected at most the number of steps, "
            f"{steps}"
        )
    if stop and stop["metric"] in (BY_FEATURES if shape is None else BY_POINTS):
        raise StudyError(_describe_stop(stop["metric"], shape, run))
    if stop and stop["metric"] == "duality_gap":
        _check_gap(parameters["objective"], "JSD" if shape is None else "another objective", run)
    _check_augmentation(parameters, shape, run)
    _check_network(parameters, shape, run)
    _check_updates(parameters, run)


def check_score_of_stop(
    stop: Mapping[str, Any] | None,
    dataset: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    run: str,
) -> None:
    """Refuses a run that would stop by the classes of an extractor that has none."""
    if stop and stop["metric"] == "IS":
        extractor = choose_extractor(dataset, evaluation)
        if not EXTRACTORS[extractor].classes:
            raise StudyError(
                f"training.stop.metric ({run}): found 'IS', which needs an extractor with classes; "
                f"{extractor} has none"
            )


def _describe_stop(metric: str, shape: list[int] | None, run: str) -> str:
    """Why a run of points or images cannot stop by a metric of the other, and by what it can."""
    others, reason = (BY_FEATURES, "the density of images is not known")
    if shape is None:
        others, reason = (BY_POINTS, "points have no features")
    names = ", ".join(map(repr, others))
    return (
        f"training.stop.metric ({run}): found {metric!r}, expected 'duality_gap', {names}: {reason}"
    )


def _check_gap(objective: Mapping[str, Any], instead: str, run: str) -> None:
    name = objective["name"]
    if falls_without_bound(read_objective(name, objective).discriminator):
        raise StudyError(
            f"training.stop.metric ({run}): found 'duality_gap' with {name}, expected {instead}: "
            "the loss of its discriminator falls without bound, so that its gap is infinite"
        )


def _check_augmentation(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    name = parameters.get("augment", {"name": "none"})["name"]
    if shape is None and name != "none":
        raise StudyError(
            f"training.augment.name ({run}): found {name!r}, expected 'none': the dataset holds "
            "points, not images"
        )
    if name == "ada":
        _check_sign(parameters["objective"], run)
    if "consistency" in parameters["regularizers"]:
        if shape is None:
            raise StudyError(
                f"regularizers.consistency ({run}): flips and shifts need images, and the dataset "
                "holds points; remove it"
            )
        if name != "none":
            raise StudyError(
                f"training.augment.name ({run}): found {name!r}, expected 'none' with the "
                "regularizer consistency, which compares D on an image with D on a changed one"
            )


def _check_sign(objective: Mapping[str, Any], run: str) -> None:
    name = objective["name"]
    if not separates_at_zero(read_objective(name, objective).discriminator):
        raise StudyError(
            f"training.augment.name ({run}): found 'ada', expected 'none', 'flip' or 'diffaugment' "
            f"with {name}: ada follows the sign of D(x), and this objective does not make 0 the "
            "border between real and fake"
        )


def _check_network(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    network = parameters["network"]
    _check_reconstruction(parameters, shape, run)
    if shape is None and network["name"] != "mlp":
        raise StudyError(
            f"training.network.name ({run}): found {network['name']!r}, "
            "expected 'mlp': the dataset holds points, not images"
        )
    if problem := architectures.find_problem(network, shape):
        raise StudyError(f"training.network ({run}): {problem}")
    regularizers = parameters["regularizers"]
    penalties = architectures.list_penalties(regularizers)
    if penalties and architectures.discriminator_norm(network, regularizers) == "batch":
        raise StudyError(
            f"training.network.discriminator_norm ({run}): found 'batch', expected 'none' or "
            f"'layer' with {penalties[0]}, which needs the gradient of each image alone"
        )


def _check_reconstruction(parameters: Mapping[str, Any], shape: list[int] | None, run: str) -> None:
    """Refuses an objective that balances reconstruction errors where D reconstructs nothing."""
    objective, network = parameters["objective"], parameters["network"]["name"]
    if not objective.get("balance"):
        return
    states = ", ".join(objective["balance"])
    if shape is None:
        raise StudyError(
            f"objective ({run}): {objective['name']} balances the reconstruction errors of images "
            f"by {states}, and the dataset holds points; remove the variant or the dataset"
        )
    fitting = [name for name, a in architectures.ARCHITECTURES.items() if a.reconstructs]
    if network not in fitting:
        raise StudyError(
            f"training.network.name ({run}): found {network!r}, expected {', '.join(fitting)} with "
            f"the objective {objective['name']}, whose {states} balances reconstruction errors: "
            "the discriminator has to be an auto-encoder"
        )
    if "top_k" in parameters["regularizers"]:
        raise StudyError(
            f"regularizers.top_k ({run}): takes the fakes with the largest f as the most real, and "
            f"the f of {objective['name']} are errors, largest for the least real; remove it"
        )


def _check_updates(parameters: Mapping[str, Any], run: str) -> None:
    if problem := find_update_problem(parameters):
        key, reason = problem
        raise StudyError(f"training.{key} ({run}): {reason}")
