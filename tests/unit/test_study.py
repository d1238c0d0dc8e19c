"""A study resolves to the parameters of its runs, or is refused in words that help."""

import copy
import json

import pytest
import yaml
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.catalogue.variants import VARIANTS
from ganbench.study import resolve as studies
from ganbench.study.schema import StudyError, load_schema
from project import ROOT, tiny_study

SCHEMA = load_schema()
SHIPPED = sorted(ROOT.glob("config/*.yaml")) + sorted(ROOT.glob("tests/studies/*.yaml"))
FORMULAS = {"discriminator": "softplus(-r) + softplus(f)", "generator": "softplus(-f)"}
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "eps": 1e-8}
SPLITS = ("train", "held_out", "extractor")


def make_study(**changes) -> dict:
    """The shortest study possible, with keys changed."""
    return {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}, **changes}


def resolve(**changes) -> dict:
    return studies.resolve(make_study(**changes), "s.yaml")


def resolve_run(**changes) -> dict:
    """The parameters of the only run of `make_study`."""
    return resolve(**changes)["runs"]["digits"]["minimax"]


def refuse(config) -> str:
    """The message with which a study is refused."""
    with pytest.raises(StudyError) as error:
        studies.resolve(config, "s.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


def list_defaults(group: str) -> dict:
    """The defaults that the schema documents for a group and the groups within it.

    Without those of keys that a run has only where they have an effect.
    """
    defaults = {}
    for key, part in SCHEMA["$defs"][group]["properties"].items():
        if not {"x-override", "x-where-used", "x-optional"}.isdisjoint(part):
            continue
        target = part["$ref"].rsplit("/", 1)[1] if "$ref" in part else None
        defaults[key] = list_defaults(target) if target else part["default"]
    return defaults


def test_shortest_study_trains_with_the_documented_defaults():
    run, defaults = resolve_run(), list_defaults("training") | {"optimizer": ADAM}
    defaults["network"] |= {"generator_norm": "batch", "discriminator_norm": "batch"}
    assert {key: run[key] for key in defaults} == defaults
    assert set(run) == {"objective", "regularizers", "data", "keep_discriminator", *defaults}


def test_shortest_study_has_the_documented_defaults_elsewhere():
    study = resolve()
    assert study["evaluation"] == list_defaults("evaluation")
    assert study["seeds"] == list(range(SCHEMA["properties"]["seeds"]["default"]))
    assert study["log_interval"] == SCHEMA["properties"]["log_interval"]["default"]
    assert study["title"] == "s"
    assert study["baseline"] == "minimax"


@pytest.mark.parametrize("highest", range(4), ids=["schema", "study", "dataset", "variant"])
def test_each_level_overrides_the_one_below(highest):
    study, dataset, variant = (
        {"training": {"batch_size": 10 * level}} if level <= highest else {} for level in (1, 2, 3)
    )
    run = resolve_run(**study, datasets={"digits": dataset}, variants={"minimax": variant})
    assert run["batch_size"] == (10 * highest or list_defaults("training")["batch_size"])


POINTS = ("mixture_1d", "gaussian_ring", "gaussian_grid", "spiral")
FOR_POINTS = {"steps": 4000, "batch_size": 256}
MLP = {"name": "mlp", "generator_norm": "none", "discriminator_norm": "none"}


@pytest.mark.parametrize("kind", POINTS)
def test_study_of_three_lines_works_on_points(kind):
    run = resolve(datasets={kind: {}})["runs"][kind]["minimax"]
    assert {key: run[key] for key in FOR_POINTS} == FOR_POINTS
    assert run["network"] == list_defaults("network") | MLP
    assert run["latent"] == {"size": 8, "prior": "normal"}
    assert run["optimizer"] == ADAM | {"lr": 0.001, "betas": [0.0, 0.99]}


def test_defaults_of_points_leave_images_of_the_same_study_alone():
    runs = resolve(datasets={"digits": {}, "spiral": {}})["runs"]
    assert runs["digits"]["minimax"] == resolve_run()
    assert runs["spiral"]["minimax"]["network"]["name"] == "mlp"


@pytest.mark.parametrize("highest", range(4), ids=["points", "study", "dataset", "variant"])
@pytest.mark.parametrize(("key", "default"), [*FOR_POINTS.items(), ("snapshots", 5)])
def test_each_level_overrides_the_defaults_of_points(highest, key, default):
    study, dataset, variant = (
        {"training": {key: 100 * level}} if level <= highest else {} for level in (1, 2, 3)
    )
    changes = {"datasets": {"spiral": dataset}, "variants": {"minimax": variant}}
    run = resolve(**study, **changes)["runs"]["spiral"]["minimax"]
    assert run[key] == (100 * highest or default)


def test_group_of_the_study_keeps_the_other_defaults_of_points():
    run = resolve(datasets={"spiral": {}}, training={"network": {"width": 16}, "latent": {}})
    parameters = run["runs"]["spiral"]["minimax"]
    assert parameters["network"] == list_defaults("network") | MLP | {"width": 16}
    assert parameters["latent"]["size"] == 8


@pytest.mark.parametrize("name", ["dcgan", "infogan"])
def test_network_for_images_that_the_study_names_is_refused_for_points(name):
    changes = {"datasets": {"spiral": {}}, "training": {"network": {"name": name}}}
    message = refuse(make_study(**changes))
    assert f"(minimax on spiral): found {name!r}, expected 'mlp'" in message


def test_groups_are_merged_and_lists_replaced():
    run = resolve_run(
        training={"optimizer": {"lr": 0.5, "betas": [0.1, 0.2]}},
        datasets={"digits": {"training": {"optimizer": {"betas": [0.3, 0.4]}}}},
        variants={"minimax": {"training": {"optimizer": {"name": "adamw"}}}},
    )
    assert (run["optimizer"]["lr"], run["optimizer"]["betas"]) == (0.5, [0.3, 0.4])
    assert run["optimizer"]["name"] == "adamw"


def test_override_changes_only_its_variant():
    variants = {"minimax": {}, "slow": {"objective": "minimax"}}
    before = resolve(variants=variants)["runs"]["digits"]
    variants["slow"]["training"] = {"optimizer": {"lr": 5e-5}}
    after = resolve(variants=variants)["runs"]["digits"]
    assert after["minimax"] == before["minimax"]
    assert after["slow"]["optimizer"]["lr"] == 5e-5


def test_regularizers_get_their_defaults():
    run = resolve_run(variants={"minimax": {"regularizers": {"r1": {}, "dragan": {"weight": 3}}}})
    assert run["regularizers"] == {
        "r1": {"weight": 10, "every": 1},
        "dragan": {"weight": 3, "every": 1, "scale": 0.5},
    }


@pytest.mark.parametrize("level", ["study", "dataset", "variant", "sweep"])
def test_optional_group_has_its_defaults_whichever_level_gives_it(level):
    given = {"augment": {"name": "flip"}}
    swept = {"training": {"augment.name": ["flip"]}, "settings": 1}
    changes = {
        "study": {"training": given},
        "dataset": {"datasets": {"digits": {"training": given}}},
        "variant": {"variants": {"minimax": {"training": given}}},
        "sweep": {"sweep": swept},
    }
    runs = resolve(**changes[level])["runs"]["digits"]
    name = "minimax_s1" if level == "sweep" else "minimax"
    assert runs[name]["augment"] == list_defaults("augment") | {"name": "flip"}
    assert ("augment" in runs["minimax"]) == (level != "sweep")


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_empty_variant_with_a_shipped_name_is_the_shipped_one(name):
    shipped = VARIANTS[name]
    variant = resolve(variants={name: {}})["variants"][name]
    assert variant["objective"] == shipped["objective"]
    assert set(variant["regularizers"]) == set(shipped["regularizers"])
    for key, value in shipped.get("training", {}).items():
        assert variant["training"][key] == value


def test_single_key_of_a_shipped_variant_can_be_changed():
    study = resolve(variants={"wgan_gp": {"training": {"optimizer": {"lr": 1}}}})
    optimizer = study["runs"]["digits"]["wgan_gp"]["optimizer"]
    assert (optimizer["lr"], optimizer["betas"]) == (1.0, [0.0, 0.9])


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_every_objective_of_the_catalogue_is_a_variant_by_its_name(name):
    assert name not in VARIANTS or VARIANTS[name]["objective"] == name
    objective = resolve(variants={name: {}})["runs"]["digits"][name]["objective"]
    assert objective["name"] == name
    assert objective["generator"] == OBJECTIVES[name]["generator"]


def test_runs_are_listed_in_the_order_of_the_study():
    study = resolve(variants={"non_saturating": {}, "minimax": {}}, seeds=[3, 1])
    assert list(studies.list_runs(study)) == [
        ("digits", "non_saturating", 3),
        ("digits", "non_saturating", 1),
        ("digits", "minimax", 3),
        ("digits", "minimax", 1),
    ]


def test_dataset_of_another_name_has_a_kind():
    study = resolve(datasets={"mine": {"kind": "digits"}})
    assert study["datasets"]["mine"]["kind"] == "digits"


def test_only_objectives_that_variants_use_are_kept():
    variants = {"a": {"objective": "mine"}}
    study = resolve(objectives={"mine": FORMULAS, "idle": FORMULAS}, variants=variants)
    assert set(study["objectives"]) == {"mine"}
    assert study["objectives"]["mine"]["title"] == "mine"
    objective = study["runs"]["digits"]["a"]["objective"]
    assert objective == {"name": "mine", **FORMULAS, "constants": {}}


def test_description_of_an_objective_is_not_part_of_a_run():
    variants = {"minimax": {"objective": "mine"}}
    plain = resolve_run(objectives={"mine": FORMULAS}, variants=variants)
    description = {"title": "T", "paper": "P"}
    described = resolve_run(objectives={"mine": {**FORMULAS, **description}}, variants=variants)
    assert described == plain


def test_resolving_does_not_change_its_argument():
    study = tiny_study()
    before = copy.deepcopy(study)
    studies.resolve(study, "s.yaml")
    assert study == before


def test_resolved_study_is_plain_json():
    study = resolve()
    assert json.loads(json.dumps(study, allow_nan=False)) == study


def test_study_of_the_readme_is_one():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    written = text.partition("```yaml\n")[2].partition("```")[0]
    study = studies.resolve(yaml.safe_load(written), "mine.yaml")
    assert set(study["runs"]["digits"]) == {"minimax", "non_saturating", "slow", "mine"}


@pytest.mark.parametrize("name", ["config", "fashion_mnist"])
def test_replication_is_the_same_study_on_other_seeds(name):
    own, former = (
        yaml.safe_load((ROOT / f"config/{file}.yaml").read_text(encoding="utf-8"))
        for file in (
            f"{'goodfellow2014' if name == 'config' else name}_replication",
            name,
        )
    )
    seeds = [studies.resolve(study, "s.yaml")["seeds"] for study in (own, former)]
    assert len(seeds[0]) == 2 * len(seeds[1])
    assert not set(seeds[0]) & set(seeds[1])
    differs = {key for key in own.keys() | former.keys() if own.get(key) != former.get(key)}
    assert differs == {"study", "title", "description", "seeds"}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_studies_resolve(file):
    study = studies.resolve(yaml.safe_load(file.read_text(encoding="utf-8")), file.name)
    assert list(studies.list_runs(study))


@pytest.mark.parametrize(
    "text", ["lr: 2e-4", "lr: '2e-4'", "lr: 2.0e-4", "lr: 0.0002", "lr: '0.0002'", "lr: 2E-4"]
)
def test_number_is_the_same_however_it_is_written(text):
    assert resolve_run(training={"optimizer": yaml.safe_load(text)})["optimizer"]["lr"] == 2e-4


@pytest.mark.parametrize("value", [8000, "8000", "8e3", 8e3, "8000.0"])
def test_whole_number_is_the_same_however_it_is_written(value):
    steps = resolve_run(training={"steps": value})["steps"]
    assert (steps, type(steps)) == (8000, int)


@pytest.mark.parametrize(
    ("value", "seeds"), [("3", [0, 1, 2]), (["0", "7"], [0, 7]), ([5], [5]), (1, [0])]
)
def test_seeds_are_a_number_or_a_list(value, seeds):
    assert resolve(seeds=value)["seeds"] == seeds


def test_numbers_in_lists_and_constants_are_read():
    betas = resolve_run(training={"optimizer": {"betas": ["0", "9e-1"]}})["optimizer"]["betas"]
    assert betas == [0.0, 0.9]
    objectives = {"mine": {**FORMULAS, "constants": {"a": "1e-1"}}}
    study = resolve(objectives=objectives, variants={"v": {"objective": "mine"}})
    assert study["objectives"]["mine"]["constants"] == {"a": 0.1}


def test_whole_number_for_a_real_one_is_the_same_parameter():
    one, other = ({"optimizer": {"lr": value}} for value in (1, 1.0))
    assert json.dumps(resolve_run(training=one)) == json.dumps(resolve_run(training=other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sedes": 3}, "s.yaml: unknown key 'sedes', expected one of"),
        ({"sedes": 3}, "did you mean 'seeds'?"),
        ({"training": {"step": 3}}, "s.yaml: training: unknown key 'step'"),
        ({"variants": {"minimax": {"lr": 3}}}, "s.yaml: variants.minimax: unknown key 'lr'"),
        ({"datasets": {"digits": {"path": ""}}}, "datasets.digits: unknown key 'path'"),
        (
            {"variants": {"minimax": {"regularizers": {"r3": {}}}}},
            "variants.minimax.regularizers: unknown key 'r3'",
        ),
        ({"training": {"steps": "many"}}, "training.steps: found 'many', expected a whole number"),
        ({"training": {"steps": 1.5}}, "training.steps: found 1.5, expected a whole number"),
        ({"training": {"steps": True}}, "training.steps: found True, expected a whole number"),
        ({"training": {"steps": None}}, "training.steps: found None, expected a whole number"),
        ({"training": {"steps": 0}}, "training.steps: found 0, expected at least 1"),
        ({"training": [1]}, "training: found [1], expected a mapping of keys"),
        ({"title": [3]}, "title: found [3], expected text"),
        ({"training": {"device": "gpu"}}, "found 'gpu', expected one of auto, cpu, cuda"),
        ({"training": {"optimizer": {"lr": 0}}}, "optimizer.lr: found 0.0, expected more than 0"),
        (
            {"training": {"optimizer": {"betas": [0.5]}}},
            "betas: found 1 item, expected at least 2",
        ),
        (
            {"training": {"optimizer": {"betas": [0.5, 1]}}},
            "betas.1: found 1.0, expected less than 1",
        ),
        ({"seeds": 0}, "seeds: found 0, expected at least 1"),
        ({"seeds": -1}, "seeds: found -1, expected at least 1"),
        ({"seeds": []}, "seeds: found 0 items, expected at least 1"),
        ({"seeds": [0, 0]}, "seeds: found [0, 0], expected no value twice"),
        ({"seeds": [0, "0"]}, "seeds: found [0, 0], expected no value twice"),
        ({"seeds": [-1]}, "seeds.0: found -1, expected at least 0"),
        ({"datasets": {}}, "datasets: found 0 items, expected at least 1"),
        ({"datasets": []}, "datasets: found [], expected a mapping of keys"),
        ({"variants": {}}, "variants: found 0 items, expected at least 1"),
        ({"datasets": {"foo": {}}}, "datasets.foo: found no key 'kind', and no shipped kind has"),
        ({"datasets": {"mnits": {}}}, "did you mean 'mnist'?"),
        ({"datasets": {"a": {"kind": "mnits"}}}, "datasets.a.kind: found 'mnits', expected a kind"),
        ({"variants": {"foo": {}}}, "variants.foo: found no key 'objective', and no shipped obj"),
        ({"variants": {"wgangp": {}}}, "did you mean 'wgan_gp'?"),
        ({"variants": {"a": {"objective": "nonsaturating"}}}, "did you mean 'non_saturating'?"),
        (
            {"variants": {"a": {"objective": {"name": "hingee", "margin": 1}}}},
            "did you mean 'hinge'?",
        ),
        ({"baseline": "minmax"}, "did you mean 'minimax'?"),
        ({"training": {"network": {"name": "DCGAN"}}}, "did you mean 'dcgan'?"),
        ({"evaluation": {"extractor": "clasifier"}}, "did you mean 'classifier'?"),
        (
            {"evaluation": {"primary_metric": "FID"}},
            "; FID is FD with `extractor: inception-v3-compat`",
        ),
        (
            {"step": 10},
            "; did you mean 'steps' of training? Write training: {steps: 10} in the file, or "
            "--config 'training={steps: 10}'",
        ),
        (
            {"reference": {"url": "http://x.org/a.zip", "sha256": "0" * 64}},
            "reference.url: found 'http://x.org/a.zip', expected the address, which begins with "
            "https",
        ),
        (
            {"reference": {"url": "https://x.org/a.zip", "sha256": "00"}},
            "reference.sha256: found '00', expected the SHA-256 of the archive, 64 hexadecimal",
        ),
        ({"variants": {"a": {"objective": "nope"}}}, "variants.a.objective: found 'nope'"),
        ({"baseline": "foo"}, "baseline: found 'foo', expected a variant of the study: minimax"),
        ({"study": "../up"}, "study: found '../up', expected a name of a-z, 0-9 and _"),
        ({"study": ""}, "study: found '', expected a name"),
        ({"study": "s" * 61}, "expected a name of a-z, 0-9 and _ (at most 60 characters)"),
        ({"variants": {"Mine!": {"objective": "minimax"}}}, "variants: found 'Mine!'"),
        ({"datasets": {"a/b": {"kind": "digits"}}}, "datasets: found 'a/b', expected a name"),
        (
            {"objectives": {"minimax": FORMULAS}},
            "objectives.minimax: the catalogue has an objective of this name",
        ),
        ({"objectives": {"mine": {"generator": "f"}}}, "mine: missing the key 'discriminator'"),
        (
            {"objectives": {"mine": {**FORMULAS, "generator": "softplus(-f"}}},
            "s.yaml: objectives: objective 'mine', generator: 'softplus(-f', column",
        ),
        (
            {"objectives": {"mine": {**FORMULAS, "generator": "__import__('os')"}}},
            "s.yaml: objectives: objective 'mine', generator",
        ),
        (
            {"objectives": {"mine": {**FORMULAS, "generator": "1 - r"}}},
            "objective 'mine', generator: '1 - r', column 1: the formula does not depend on f",
        ),
        (
            {"training": {"steps": 4, "snapshots": 5}},
            "snapshots (minimax on digits): found 5, expected at most the number of steps, 4",
        ),
    ],
)
def test_message_names_key_found_and_expected(changes, message):
    assert message in refuse(make_study(**changes))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "nan", "-inf", "1e999"])
@pytest.mark.parametrize("key", ["lr", "momentum"])
def test_number_that_is_not_finite_is_refused(key, number):
    message = refuse(make_study(training={"optimizer": {key: number}}))
    assert f"training.optimizer.{key}: found" in message


def test_number_with_a_thousand_digits_is_refused_in_a_short_message():
    message = refuse(make_study(training={"steps": "9" * 1000}))
    assert "training.steps: found '999" in message
    assert len(message) < 150


@pytest.mark.parametrize("key", ["study", "datasets", "variants"])
def test_missing_required_key_is_named(key):
    config = make_study()
    del config[key]
    assert refuse(config) == f"s.yaml: missing the key {key!r}"


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_file_that_is_not_a_mapping_is_refused(config):
    assert "expected a mapping of keys" in refuse(config)


@pytest.mark.parametrize("variants", [["minimax"], "minimax", {"minimax": "yes"}, {"minimax": [1]}])
def test_variants_of_another_shape_are_refused(variants):
    assert "expected a mapping of keys" in refuse(make_study(variants=variants))


@pytest.mark.parametrize(("level", "name"), [("datasets", "digits"), ("variants", "minimax")])
def test_unknown_key_of_an_override_is_refused(level, name):
    config = make_study(**{level: {name: {"training": {"optimizer": {"lrate": 1}}}}})
    assert f"{level}.{name}.training.optimizer: unknown key 'lrate'" in refuse(config)


def test_single_constant_of_a_catalogue_objective_can_be_set():
    objectives = {"least_squares": {"constants": {"a": -1}}}
    run = resolve_run(variants={"minimax": {"objective": "least_squares"}}, objectives=objectives)
    assert run["objective"]["constants"]["a"] == -1
    assert run["objective"]["constants"]["b"] == 1


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            {"constants": {"q": 1}},
            "objectives.least_squares.constants: found 'q', expected a const",
        ),
        ({"generator": "f"}, "set only its constants, or choose another name"),
    ],
)
def test_catalogue_objective_cannot_be_redefined(definition, message):
    assert message in refuse(make_study(objectives={"least_squares": definition}))


def test_image_folder_takes_its_shape_from_the_study():
    dataset = {"kind": "image_folder", "source": "photos", "resolution": 32}
    photos = resolve(datasets={"photos": dataset})["datasets"]["photos"]
    assert photos["shape"] == [3, 32, 32]
    assert (photos["sizes"], photos["samples"]) == (None, None)
    grey = resolve(datasets={"photos": {**dataset, "channels": 1}})["datasets"]["photos"]
    assert grey["shape"] == [1, 32, 32]
    assert [photos[key] for key in studies.FOLDER_KEYS] == ["auto", "folders", 0.01]


def test_keys_of_image_folders_are_no_part_of_other_datasets():
    """So studies of published datasets resolve as they did before these keys."""
    assert not set(resolve()["datasets"]["digits"]) & set(studies.FOLDER_KEYS)


@pytest.mark.parametrize(
    ("kind", "shape", "sizes"),
    [
        ("digits", [1, 8, 8], (599, 599, 599)),
        ("fashion_mnist", [1, 28, 28], (50_000, 10_000, 10_000)),
        ("mnist", [1, 28, 28], (50_000, 10_000, 10_000)),
        ("cifar10", [3, 32, 32], (40_000, 10_000, 10_000)),
        ("celeba", [3, 64, 64], (162_770, 19_962, 19_867)),
    ],
)
def test_shape_and_sizes_of_a_kind_are_resolved_without_its_data(kind, shape, sizes):
    dataset = resolve(datasets={kind: {}})["datasets"][kind]
    assert dataset["shape"] == shape
    assert tuple(dataset["sizes"][split] for split in SPLITS) == sizes
    assert dataset["samples"] == min(10_000, *sizes[:2])


def test_images_that_the_extractor_does_not_need_are_trained_on():
    dataset = resolve(
        datasets={"cifar10": {"extractor_images": 0}},
        evaluation={"extractor": "inception-v3-compat"},
    )["datasets"]["cifar10"]
    assert dataset["sizes"] == {"train": 50_000, "held_out": 10_000, "extractor": 0}


def change_dataset(name, **keys):
    return {"datasets": {name: keys}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (change_dataset("image_folder", source="x"), "missing the key 'resolution'"),
        (change_dataset("image_folder", resolution=32), "missing the key 'source'"),
        (change_dataset("cifar10", resolution=64), "cifar10.resolution: cifar10 has its own"),
        (change_dataset("mnist", channels=3), "datasets.mnist.channels: mnist has its own"),
        (change_dataset("mnist", layout="splits"), "datasets.mnist.layout: mnist has its own"),
        (change_dataset("digits", labels="none"), "datasets.digits.labels: digits has its own"),
        (
            change_dataset("image_folder", source="x", resolution=32, labels="none"),
            "datasets.image_folder.labels: found 'none', but the extractor `classifier`",
        ),
        (change_dataset("digits", source="x"), "digits are part of scikit-learn"),
        (change_dataset("spiral", source="x"), "spiral is drawn from a known density"),
        (change_dataset("spiral", extractor_images=5), "spiral is drawn from a known density"),
        (change_dataset("celeba", extractor_images=5), "celeba has an official part for the"),
        (change_dataset("mnist", extractor_images=60_000), "found 60000, expected less than 60000"),
        (change_dataset("mnist", extractor_images=0), "found 0, expected more: the extractor"),
        (
            {"evaluation": {"samples": 600}},
            "found 600, expected at most 599, the size of the small",
        ),
        (
            {"evaluation": {"weights": "x", "extractor": "classifier"}},
            "`classifier` is trained by the workflow and takes no weights",
        ),
        (
            {"evaluation": {"weights": "x"}},
            "`auto` chooses a ruler or the classifier, of which neither takes weights",
        ),
        (
            {"evaluation": {"weights": "x", "extractor": "digits-v1"}},
            "`digits-v1` is a ruler whose weights are shipped and takes no weights",
        ),
        (
            {"evaluation": {"extractor": "vgg16", "primary_metric": "IS"}},
            "found 'IS', which needs an extractor with classes; vgg16 has none",
        ),
        (
            {"training": {"network": {"name": "sngan_resnet"}}},
            "sngan_resnet fits resolutions of 32",
        ),
        (
            {
                "training": {"network": {"discriminator_norm": "batch"}},
                "variants": {"minimax": {"regularizers": {"r1": {}}}},
            },
            "which needs the gradient of each image alone",
        ),
        (
            {
                **change_dataset("mnist"),
                "training": {"network": {"name": "infogan", "discriminator_norm": "batch"}},
                "variants": {"wgan_gp": {}},
            },
            "found 'batch', expected 'none' or 'layer' with gradient_penalty",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(changes, message):
    assert message in refuse(make_study(**changes))
