"""Resolves a study: checks it, fills in defaults, and works out the parameters of every run.

The only module that resolves configuration. Each of four levels overrides the one before: the
schema's defaults (some differ for points), the study's `training`, the dataset's, the variant's.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

from ganbench.catalogue import architectures, datasets, metrics
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.catalogue.plugin_parts import PluginError
from ganbench.catalogue.plugins import (
    identify_part,
    list_plugin_files,
    register_plugins,
)
from ganbench.catalogue.updates import simplify_updates
from ganbench.catalogue.variants import VARIANTS
from ganbench.formula.language import FormulaError
from ganbench.study import sweep
from ganbench.study.checks import (
    FOLDER_KEYS,
    check_dataset,
    check_evaluation,
    check_name,
    check_own_name,
    check_run,
    check_score_of_stop,
)
from ganbench.study.declared import check_declarations
from ganbench.study.grid import expand_grid
from ganbench.study.objective_constants import name_objectives
from ganbench.study.paths import expand_path, find_plugins
from ganbench.study.player_optimizers import override_training, resolve_optimizer, write_defaults
from ganbench.study.reference_match import check_references
from ganbench.study.references import (
    complete_variant,
    read_references,
    record_references,
)
from ganbench.study.scheduled_numbers import check_use, resolve_schedule
from ganbench.study.schema import (
    StudyError,
    check_size,
    fill_defaults,
    load_schema,
    merge,
    subtract,
    validate,
)

EXECUTION = ("checkpoint_interval", "log_interval", "gpu_slots", "tensorboard")
"""Keys of a study that change how it runs and no result."""


def resolve(config: Mapping[str, Any], source: str, folders: Iterable[Path] = ()) -> dict[str, Any]:
    """The whole study with every default filled in, as plain JSON.

    `source` names the study's file in messages, and `folders` are those in which its plugins and
    references are looked for, besides the working directory. `runs[dataset][variant]` holds the
    resolved parameters of a run, except for its seed; it includes the settings of a sweep, which
    `settings` lists, but for those that share the run of another. Raises StudyError with one
    message that names the file, the key, what was found and what was expected.
    """
    check_size(config, source)  # before a grid is expanded, whose parts may refer to themselves
    folders = list(folders)
    with _prefix_errors(source):
        written = config.get("plugins") if isinstance(config, Mapping) else None
        parts = register_plugins(find_plugins(written, folders))
        schema = load_schema()
        config = name_objectives(expand_grid(_insert_shipped_variants(config)))
    given = validate(config, schema, source)
    study = fill_defaults(given, schema, schema)
    variants = list(study["variants"])
    if study["sweep"]:
        with _prefix_errors(source):
            study = name_objectives(sweep.add_settings(study))
        study = fill_defaults(validate(study, schema, source), schema, schema)
    with _prefix_errors(source):
        references = read_references(study.get("reference"), folders)
        if references:
            study["references"] = record_references(references, study)
        _resolve_names(study)
        check_evaluation(study)
        _resolve_objectives(study)
        study["runs"] = _resolve_runs(study, given.get("training", {}))
        check_references(study, references)
    if parts:
        study["parts"] = parts
    settings = [name for name in study["variants"] if name not in variants]
    study["settings"] = {
        name: {"of": sweep.strip_setting(name), **study["variants"].pop(name)} for name in settings
    }
    sweep.share_runs(study)
    used = {variant["objective"] for variant in study["variants"].values()}
    study["objectives"] = {
        name: study["objectives"][name] for name in study["objectives"] if name in used
    }
    return study


@contextmanager
def _prefix_errors(source: str) -> Iterator[None]:
    """Puts the name of the study's file before the message of an error."""
    try:
        yield
    except PluginError as error:
        raise StudyError(f"{source}: plugins: {error}") from None
    except FormulaError as error:
        raise StudyError(f"{source}: objectives: {error}") from None
    except StudyError as error:
        raise StudyError(f"{source}: {error}") from None


def list_runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Every run of the study's variants as (dataset, variant, seed), in the study's order."""
    for dataset in study["datasets"]:
        for variant in study["variants"]:
            for seed in study["seeds"]:
                yield dataset, variant, seed


def list_sweep_runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Every run of the sweep's settings in the same form; none without a sweep.

    Runs of settings that share those of another are not among them.
    """
    for dataset, setting, seed in list_runs({**study, "variants": study["settings"]}):
        if setting in study["runs"][dataset]:
            yield dataset, setting, seed


def drop_execution(study: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved study without the keys that change no result."""
    return {key: value for key, value in study.items() if key not in EXECUTION}


def select_execution(study: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a resolved study that jobs read beside the parameters of their rules.

    Rules' parameters decide what runs again; these change no result. They are the keys of
    `EXECUTION` and the places of verified files: `plugins`, `weights` of the extractor, `sources`
    by dataset.
    """
    return {
        **{key: study[key] for key in EXECUTION},
        "plugins": list_plugin_files(),
        "weights": expand_path(study["evaluation"]["weights"]),
        "sources": {
            name: expand_path(dataset["source"]) for name, dataset in study["datasets"].items()
        },
    }


def _insert_shipped_variants(config: Any) -> Any:
    """Replaces each variant that has a shipped name and no objective by the shipped variant.

    With `recipe: equal` it has the study's own training, but for a network that it needs.
    """
    variants = config.get("variants") if isinstance(config, Mapping) else None
    if not isinstance(variants, Mapping):
        return config
    equal = config.get("recipe") == "equal"
    inserted = {name: _insert_shipped_variant(name, variants[name], equal) for name in variants}
    return {**config, "variants": inserted}


def _insert_shipped_variant(name: str, variant: Any, equal: bool) -> Any:
    overrides = variant or {}
    if name not in VARIANTS or not isinstance(overrides, Mapping) or overrides.get("objective"):
        return variant
    shipped = dict(VARIANTS[name])
    if equal:
        training = shipped.pop("training")
        needed = {key: training[key] for key in ("network",) if key in training}
        shipped |= {"training": needed} if needed else {}
    variant = merge(shipped, overrides)
    if "training" in shipped and isinstance(overrides.get("training"), Mapping):
        variant["training"] = override_training(shipped["training"], overrides["training"])
    return variant


def _resolve_names(study: dict[str, Any]) -> None:
    """Fills in names that have a default and checks that all names exist."""
    if isinstance(study["seeds"], int):
        study["seeds"] = list(range(study["seeds"]))
    study["title"] = study["title"] or study["study"]
    baseline = study["baseline"] or next(iter(study["variants"]))
    study["baseline"] = complete_variant("baseline", baseline, study)
    study["contrasts"] = [
        [complete_variant(f"contrasts.{place}", name, study) for name in pair]
        for place, pair in enumerate(study["contrasts"])
    ]
    for name, dataset in study["datasets"].items():
        if not dataset["kind"]:
            check_own_name("datasets", name, "kind", datasets.KINDS)
        dataset["kind"] = kind = dataset["kind"] or name
        check_name(f"datasets.{name}.kind", kind, datasets.KINDS, "a kind of dataset")
        check_dataset(f"datasets.{name}", dataset)
        if kind != "image_folder":
            for key in FOLDER_KEYS:
                del dataset[key]
        dataset.update(_derive_facts(dataset, study["evaluation"]))
        dataset["channels"] = dataset["channels"] or (3 if kind == "image_folder" else None)
    check_declarations(study)
    objectives = {**OBJECTIVES, **study["objectives"]}
    for name, variant in study["variants"].items():
        if not variant["objective"]:
            check_own_name("variants", name, "objective", objectives, VARIANTS)
        variant["objective"] = variant["objective"] or name
        check_name(f"variants.{name}.objective", variant["objective"], objectives, "an objective")


def _derive_facts(dataset: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that follow from a dataset's kind; `sizes` is None if only the files tell."""
    kind = datasets.KINDS[dataset["kind"]]
    sizes, samples = None, evaluation["samples"]
    if kind.parts:
        cuts = datasets.plan_splits(kind.parts, dataset["extractor_images"])
        sizes = {split: cut.size for split, cut in cuts.items()}
        samples = metrics.sample_count(samples, min(sizes["train"], sizes["held_out"]))
    return {
        "type": kind.type,
        "shape": datasets.find_sample_shape(dataset),
        "sizes": sizes,
        "samples": None if kind.type == "points" else samples,
        "primary": metrics.primary_metric(kind.type, dataset, evaluation),
    }


def _resolve_runs(
    study: Mapping[str, Any], training: Mapping[str, Any]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The parameters of every run; `training` holds the keys that the study itself sets.

    A dataset's own `training` gets the defaults of its type that differ from those of images, so
    that the resolved study, written as a file, resolves to itself.
    """
    schema = load_schema()
    runs = {}
    for name, dataset in study["datasets"].items():
        defaults = fill_defaults(training, schema["$defs"]["training"], schema, dataset["type"])
        levels = [defaults, dataset.get("training", {})]
        if own := subtract(defaults, study["training"]):
            dataset["training"] = write_defaults(own, *levels)
        runs[name] = {
            variant: _resolve_run(study, name, variant, levels) for variant in study["variants"]
        }
        check_use(
            levels[1].get("schedule", {}), list(runs[name].values()), f"datasets.{name}.training"
        )
    every_run = [run for variants in runs.values() for run in variants.values()]
    check_use(study["training"]["schedule"], every_run, "training")
    return runs


def _resolve_run(
    study: Mapping[str, Any],
    dataset_name: str,
    variant_name: str,
    below: list[Mapping[str, Any]],
) -> dict[str, Any]:
    """Everything that decides the bits of a run, except for its seed.

    `below` are the levels of `training` that the variant overrides: the study's with all defaults,
    and the dataset's.
    """
    dataset, variant = study["datasets"][dataset_name], study["variants"][variant_name]
    run, own = f"{variant_name} on {dataset_name}", variant.get("training", {})
    schema, given = load_schema(), reduce(override_training, (*below, own))
    # of an optional group, the levels may have given some keys only
    training = fill_defaults(given, schema["$defs"]["training"], schema, dataset["type"])
    is_points = dataset["type"] == "points"
    parameters = {
        "objective": _select_formulas(study["objectives"], variant["objective"]),
        "regularizers": variant["regularizers"],
        "data": {"kind": dataset["kind"], "type": dataset["type"]},
        "keep_discriminator": is_points or study["evaluation"]["duality_gap"],
        **simplify_updates(training),
        "optimizer": resolve_optimizer([*below, own], run),
    }
    base = variant.get("levels", {}).get("variant", variant_name)  # what a grid varies
    written = _drop_shipped(own.get("schedule", {}), base)
    parameters["schedule"] = resolve_schedule(parameters, written, run)
    check_run(parameters, dataset["shape"], run)
    check_score_of_stop(parameters["stop"], dataset, study["evaluation"], run)
    if plugin := identify_part("network", parameters["network"]["name"]):
        parameters["plugin"] = plugin
    return parameters | {"network": architectures.resolve_norms(parameters)}


def _drop_shipped(schedules: Mapping[str, Any], variant_name: str) -> dict[str, Any]:
    """The schedules of a variant that the study wrote, without those of the shipped variant."""
    names = (variant_name, sweep.strip_setting(variant_name))
    variant = next((VARIANTS[name] for name in names if name in VARIANTS), {})
    shipped = variant.get("training", {}).get("schedule", {})
    return {key: schedule for key, schedule in schedules.items() if shipped.get(key) != schedule}


def _resolve_objectives(study: dict[str, Any]) -> None:
    """Checks the study's formulas and keeps the objectives that its variants use."""
    definitions = dict(OBJECTIVES)
    for name, group in study["objectives"].items():
        keys = {key: value for key, value in group.items() if value}
        definitions[name] = _define_objective(name, keys)
        read_objective(name, definitions[name])
    used = dict.fromkeys(variant["objective"] for variant in study["variants"].values())
    study["objectives"] = {name: _fill_description(name, definitions[name]) for name in used}


def _define_objective(name: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """An objective of the study's own, or one of the catalogue with other constants."""
    shipped = OBJECTIVES.get(name)
    if shipped is None:
        for player in ("discriminator", "generator"):
            if player not in keys:
                raise StudyError(f"objectives.{name}: missing the key {player!r}")
        return keys
    if set(keys) - {"constants"}:
        raise StudyError(
            f"objectives.{name}: the catalogue has an objective of this name; set only its "
            "constants, or choose another name"
        )
    for constant in keys.get("constants", {}):
        path, constants = f"objectives.{name}.constants", shipped.get("constants", {})
        check_name(path, constant, constants, f"a constant of {name}")
    return merge(shipped, keys)


def _fill_description(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    empty = {"title": "", "year": None, "paper": "", "known_for": "", "constants": {}}
    return {**empty, **definition, "title": definition.get("title") or name}


def _select_formulas(definitions: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The part of an objective that changes a run: neither its title nor its citation."""
    definition, keys = definitions[name], ["discriminator", "generator", "constants"]
    keys += ["balance"] if definition.get("balance") else []
    return {"name": name, **{key: definition[key] for key in keys}}
