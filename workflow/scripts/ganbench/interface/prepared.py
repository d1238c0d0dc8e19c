"""Prepared datasets and features of real images, made once and kept in a folder for later calls."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import CLASSIFIER, choose_extractor
from ganbench.datasets.folder_digest import digest_folder
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.downloads.cache import find_cache_folder
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.jobs import code_digest, provenance
from ganbench.study.paths import expand_path
from ganbench.study.resolve import resolve

LIBRARY = code_digest.LIBRARY


class PreparedDataset(NamedTuple):
    """A dataset as a study resolves it, its extractor, and its prepared splits."""

    name: str
    resolved: Mapping[str, Any]
    extractor: str
    data: Path
    weights: str = ""
    sha256: str = ""


def resolve_run(
    dataset: str | Mapping[str, Any],
    variant: str | Mapping[str, Any] = "non_saturating",
    seed: int = 0,
    training: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The resolved study of one run.

    `dataset` and `variant` are names, or what a study has below such a name, with `kind` or
    `objective`; `evaluation` is a study's. Raises StudyError where a key or value is wrong.
    """
    name, keys = (dataset, {}) if isinstance(dataset, str) else ("dataset", dict(dataset))
    label, own = (variant, {}) if isinstance(variant, str) else ("variant", dict(variant))
    own["training"] = {**own.get("training", {}), **(training or {})}
    study = {"study": "run", "seeds": [seed], "datasets": {name: keys}, "variants": {label: own}}
    study["evaluation"] = dict(evaluation or {})
    return resolve(study, "arguments")


def prepare_dataset(
    dataset: str | Mapping[str, Any],
    cache: str | Path | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> PreparedDataset:
    """Prepares a dataset, or finds it in `cache`; `evaluation` chooses its extractor.

    Without `cache`, it is kept in the folder of downloads. It is prepared again when its files or
    the code that reads them change. Raises DatasetError where files are missing or cannot be used.
    """
    study = resolve_run(dataset, evaluation=evaluation)
    [(name, resolved)] = study["datasets"].items()
    resolved = {**resolved, "source": expand_path(resolved["source"])}
    is_folder = resolved["kind"] == "image_folder"
    extractor = (
        "" if resolved["type"] == "points" else choose_extractor(resolved, study["evaluation"])
    )
    folder = _find_folder(
        cache or find_cache_folder(),
        name,
        dataset=resolved,
        images=digest_folder(resolved["source"]) if is_folder else "",
        code=code_digest.digest(LIBRARY / "datasets/prepare.py"),
    )
    outputs = DatasetFiles(folder / "data.npz", folder / "card.json", folder / "examples.png")
    if not outputs.card.exists():  # written last
        with (folder / "prepare.log").open("w", encoding="utf-8") as log:
            prepare(
                name=name,
                dataset=resolved,
                needs_classes=extractor == CLASSIFIER,
                outputs=outputs,
                log=log,
            )
    weights, sha256 = expand_path(study["evaluation"]["weights"]), study["evaluation"]["sha256"]
    return PreparedDataset(name, resolved, extractor, outputs.data, weights, sha256)


def prepare_reference(dataset: PreparedDataset, samples: int) -> ReferenceFiles:
    """The extractor of a dataset of images, the features of its real images, and their floor.

    They lie beside its data. `samples` is the number of images that will be compared.
    """
    code = code_digest.digest(LIBRARY / "evaluation/reference.py")
    given = {"sha256": dataset.sha256} if dataset.sha256 else {}
    folder = _find_folder(
        dataset.data.parent, dataset.extractor, samples=samples, code=code, **given
    )
    outputs = ReferenceFiles(
        network=folder / "network.pt",
        features=folder / "features.npz",
        card=folder / "card.json",
        floor=folder / "floor.csv",
    )
    if not outputs.card.exists():  # written last
        with (folder / "extractor.log").open("w", encoding="utf-8") as log:
            make_reference(
                dataset=dataset.name,
                extractor=dataset.extractor,
                samples=samples,
                data_file=dataset.data,
                device="auto",
                stacked=bool(KINDS[dataset.resolved["kind"]].base),
                outputs=outputs,
                weights=dataset.weights,
                sha256=dataset.sha256,
                log=log,
            )
    return outputs


def _find_folder(parent: str | Path, name: str, **decides: Any) -> Path:
    """A folder, made if it is missing, whose name has a digest of all that decides its content."""
    digest = provenance.sha256(provenance.canonical_json(decides))
    folder = Path(parent).expanduser() / f"{name}-{digest[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
