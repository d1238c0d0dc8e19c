"""Reads a study: checks it, fills in defaults, and resolves the parameters of every run.

The only module that resolves configuration. Precedence, four levels: schema defaults < the study's
`training` < the dataset's `training` < the variant's `training`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ganbench.catalogue import datasets, metrics, objectives
from ganbench.catalogue.variants import VARIANTS
from ganbench.formula.language import FormulaError
from ganbench.study import sweep
from ganbench.study.checks import check_dataset, check_evaluation, check_run, known
from ganbench.study.schema import StudyError, checked, load_schema, merged

EXECUTION = ("checkpoint_interval", "log_interval", "gpu_slots")
"""Keys of a study that say how it is carried out, and change no result."""


def resolve(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The whole study, every default filled in, as plain JSON.

    `source` names the study's file in messages. `runs[dataset][variant]` holds the resolved
    parameters of a run, also of each of a sweep's `settings`; the seed is not among them. Raises
    StudyError with one message that names the file, the key, what was found and what is expected.
    """
    study = checked(_with_shipped_variants(config), load_schema(), source)
    variants = list(study["variants"])
    study = _with_settings(study, source)
    try:
        _name_things(study)
        check_evaluation(study)
        _read_objectives(study)
        study["runs"] = {
            dataset: {
                variant: _run_parameters(study, dataset, variant) for variant in study["variants"]
            }
            for dataset in study["datasets"]
        }
        study["settings"] = {
            name: {"of": sweep.variant_of(name), **study["variants"].pop(name)}
            for name in list(study["variants"])
            if name not in variants
        }
    except FormulaError as error:
        raise StudyError(f"{source}: objectives: {error}") from None
    except StudyError as error:
        raise StudyError(f"{source}: {error}") from None
    return study


def _with_settings(study: dict[str, Any], source: str) -> dict[str, Any]:
    """The study with its sweep's settings among its variants, where it has a sweep."""
    if not study["sweep"]:
        return study
    try:
        swept = sweep.with_settings(study)
    except StudyError as error:
        raise StudyError(f"{source}: {error}") from None
    return checked(swept, load_schema(), source)


def list_runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Every run of a study's variants as (dataset, variant, seed), in the study's order."""
    for dataset in study["datasets"]:
        for variant in study["variants"]:
            for seed in study["seeds"]:
                yield dataset, variant, seed


def list_sweep_runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Every run of a sweep's settings in the same form; none without a sweep."""
    yield from list_runs({**study, "variants": study["settings"]})


def without_execution(study: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved study without the keys that change no result."""
    return {key: value for key, value in study.items() if key not in EXECUTION}


def execution(study: Mapping[str, Any]) -> dict[str, Any]:
    """What a job reads of a resolved study beside its rule's parameters.

    A rule's parameters decide whether it runs again. These values change no result: the keys of
    `EXECUTION`, and where verified files lie (`weights` of the extractor, `sources` by dataset).
    """
    return {
        **{key: study[key] for key in EXECUTION},
        "weights": study["evaluation"]["weights"],
        "sources": {name: dataset["source"] for name, dataset in study["datasets"].items()},
    }


def _with_shipped_variants(config: Any) -> Any:
    """The study with shipped variants put in where it names one without an objective of its own."""
    variants = config.get("variants") if isinstance(config, Mapping) else None
    if not isinstance(variants, Mapping):
        return config
    put_in = {
        name: merged(VARIANTS[name], given or {})
        if name in VARIANTS
        and isinstance(given or {}, Mapping)
        and not (given or {}).get("objective")
        else given
        for name, given in variants.items()
    }
    return {**config, "variants": put_in}


def _name_things(study: dict[str, Any]) -> None:
    """Puts in what is named by default, and checks that every name means something."""
    if isinstance(study["seeds"], int):
        study["seeds"] = list(range(study["seeds"]))
    study["title"] = study["title"] or study["study"]
    study["baseline"] = study["baseline"] or next(iter(study["variants"]))
    known("baseline", study["baseline"], study["variants"], "a variant of the study")
    for name, dataset in study["datasets"].items():
        dataset["kind"] = kind = dataset["kind"] or name
        known(f"datasets.{name}.kind", kind, datasets.KINDS, "a kind of dataset")
        check_dataset(f"datasets.{name}", dataset)
        dataset.update(_facts(dataset, study["evaluation"]))
        dataset["channels"] = dataset["channels"] or (3 if kind == "image_folder" else None)
    there = {**objectives.OBJECTIVES, **study["objectives"]}
    for name, variant in study["variants"].items():
        variant["objective"] = variant["objective"] or name
        known(f"variants.{name}.objective", variant["objective"], there, "an objective")


def _facts(dataset: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from a dataset's kind; sizes are None where only its content tells."""
    kind = datasets.KINDS[dataset["kind"]]
    sizes = _split_sizes(kind, dataset["extractor_images"]) if kind.parts else None
    samples = evaluation["samples"]
    if sizes:
        samples = metrics.sample_count(samples, min(sizes["train"], sizes["held_out"]))
    return {
        "type": kind.type,
        "shape": datasets.sample_shape(dataset),
        "sizes": sizes,
        "samples": None if kind.type == "points" else samples,
        "primary": metrics.primary_metric(kind.type, evaluation),
    }


def _split_sizes(kind: datasets.Kind, extractor_images: int | None) -> dict[str, int]:
    cuts = datasets.plan_splits(kind.parts, extractor_images)
    return {split: cut.size for split, cut in cuts.items()}


def _run_parameters(study: Mapping[str, Any], dataset: str, variant: str) -> dict[str, Any]:
    """All that decides the bits of a run, but for its seed."""
    of_dataset, of_variant = study["datasets"][dataset], study["variants"][variant]
    training = merged(study["training"], of_dataset.get("training", {}))
    training = merged(training, of_variant.get("training", {}))
    found = {
        "objective": _trained(study["objectives"], of_variant["objective"]),
        "regularizers": of_variant["regularizers"],
        "data": {"kind": of_dataset["kind"], "type": of_dataset["type"]},
        "keep_discriminator": (
            of_dataset["type"] == "points" or study["evaluation"]["duality_gap"]
        ),
        **training,
    }
    check_run(found, of_dataset["shape"], f"{variant} on {dataset}")
    return found


def _read_objectives(study: dict[str, Any]) -> None:
    """Checks the study's formulas and keeps the objectives that its variants use."""
    known = dict(objectives.OBJECTIVES)
    for name, definition in study["objectives"].items():
        known[name] = _defined(name, {key: each for key, each in definition.items() if each})
        objectives.read_objective(name, known[name])
    used = dict.fromkeys(variant["objective"] for variant in study["variants"].values())
    study["objectives"] = {name: _described(name, known[name]) for name in used}


def _defined(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """An objective of the study's own, or one of the catalogue with its constants set anew."""
    shipped = objectives.OBJECTIVES.get(name)
    if shipped is None:
        for player in ("discriminator", "generator"):
            if player not in given:
                raise StudyError(f"objectives.{name}: missing the key {player!r}")
        return given
    if set(given) - {"constants"}:
        raise StudyError(
            f"objectives.{name}: the catalogue has this name; "
            "set its constants alone, or choose another name"
        )
    constants = shipped.get("constants", {})
    for constant in given.get("constants", {}):
        known(f"objectives.{name}.constants", constant, constants, f"a constant of {name}")
    return merged(shipped, given)


def _described(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    plain = {"title": "", "year": None, "paper": "", "known_for": "", "constants": {}}
    described = {**plain, **definition}
    return {**described, "title": described["title"] or name}


def _trained(definitions: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What of an objective changes a run: not its title, nor its citation."""
    keys = ("discriminator", "generator", "constants")
    return {"name": name, **{key: definitions[name][key] for key in keys}}
