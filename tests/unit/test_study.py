"""A study: what it resolves to, which value counts, and what is refused with which words."""

import copy
import json

import pytest
import yaml
from ganbench.catalogue import objectives
from ganbench.catalogue.variants import VARIANTS
from ganbench.study import resolve as study
from ganbench.study.schema import StudyError, load_schema
from project import ROOT, tiny_study

SCHEMA = load_schema()
SHIPPED = sorted(ROOT.glob("config/*.yaml")) + sorted(ROOT.glob("tests/studies/*.yaml"))
MINE = {"discriminator": "softplus(-r) + softplus(f)", "generator": "softplus(-f)"}


def smallest(**changes) -> dict:
    """The shortest study that there is, with keys changed."""
    return {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}, **changes}


def resolved(**changes) -> dict:
    return study.resolve(smallest(**changes), "s.yaml")


def parameters(**changes) -> dict:
    """The parameters of the only run of `smallest` with changes."""
    return resolved(**changes)["runs"]["digits"]["minimax"]


def refused(config) -> str:
    with pytest.raises(StudyError) as error:
        study.resolve(config, "s.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


def documented_defaults(group: str) -> dict:
    """The defaults that the schema states for a group, and for the groups it refers to."""
    found = {}
    for key, part in SCHEMA["$defs"][group]["properties"].items():
        within = part["$ref"].rsplit("/", 1)[1] if "$ref" in part else None
        found[key] = documented_defaults(within) if within else part["default"]
    return found


def test_smallest_study_trains_with_the_documented_defaults():
    found = parameters()
    expected = documented_defaults("training")
    assert {key: found[key] for key in expected} == expected
    assert set(found) == {"objective", "regularizers", "data", "keep_discriminator", *expected}


def test_smallest_study_has_the_documented_defaults_everywhere_else():
    found = resolved()
    assert found["evaluation"] == documented_defaults("evaluation")
    assert found["seeds"] == list(range(SCHEMA["properties"]["seeds"]["default"]))
    assert found["log_interval"] == SCHEMA["properties"]["log_interval"]["default"]
    assert found["title"] == "s"
    assert found["baseline"] == "minimax"


@pytest.mark.parametrize("highest", range(4))
def test_each_level_goes_over_the_one_below(highest):
    given = [{"training": {"batch_size": 10 * level}} for level in (1, 2, 3)]
    given = [level if number < highest else {} for number, level in enumerate(given)]
    found = parameters(**given[0], datasets={"digits": given[1]}, variants={"minimax": given[2]})
    assert found["batch_size"] == (10 * highest or documented_defaults("training")["batch_size"])


def test_groups_are_merged_and_lists_replaced():
    found = parameters(
        training={"optimizer": {"lr": 0.5, "betas": [0.1, 0.2]}},
        datasets={"digits": {"training": {"optimizer": {"betas": [0.3, 0.4]}}}},
        variants={"minimax": {"training": {"optimizer": {"name": "sgd"}}}},
    )
    expected = {"name": "sgd", "lr": 0.5, "betas": [0.3, 0.4], "momentum": 0.0}
    assert found["optimizer"] == expected


def test_override_changes_its_own_variant_alone():
    changes = {"variants": {"minimax": {}, "slow": {"objective": "minimax"}}}
    before = resolved(**changes)["runs"]["digits"]
    changes["variants"]["slow"]["training"] = {"optimizer": {"lr": 5e-5}}
    after = resolved(**changes)["runs"]["digits"]
    assert after["minimax"] == before["minimax"]
    assert after["slow"]["optimizer"]["lr"] == 5e-5


def test_regularizers_of_a_variant_get_their_defaults():
    found = parameters(variants={"minimax": {"regularizers": {"r1": {}, "dragan": {"weight": 3}}}})
    assert found["regularizers"] == {
        "r1": {"weight": 10, "every": 1},
        "dragan": {"weight": 3, "every": 1, "scale": 0.5},
    }


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_empty_variant_under_a_shipped_name_is_that_variant(name):
    shipped = VARIANTS[name]
    found = resolved(variants={name: {}})
    assert found["variants"][name]["objective"] == shipped["objective"]
    assert set(found["variants"][name]["regularizers"]) == set(shipped["regularizers"])
    for key, value in shipped.get("training", {}).items():
        assert found["variants"][name]["training"][key] == value


def test_shipped_variant_can_be_changed_in_one_key():
    found = resolved(variants={"wgan_gp": {"training": {"optimizer": {"lr": 1}}}})
    optimizer = found["runs"]["digits"]["wgan_gp"]["optimizer"]
    assert (optimizer["lr"], optimizer["betas"]) == (1.0, [0.0, 0.9])


@pytest.mark.parametrize("name", sorted(objectives.OBJECTIVES))
def test_every_objective_of_the_catalogue_is_a_variant_by_its_name(name):
    assert name not in VARIANTS
    objective = resolved(variants={name: {}})["runs"]["digits"][name]["objective"]
    assert objective["name"] == name
    assert objective["generator"] == objectives.OBJECTIVES[name]["generator"]


def test_runs_are_every_dataset_variant_and_seed_in_the_studys_order():
    found = resolved(variants={"non_saturating": {}, "minimax": {}}, seeds=[3, 1])
    assert list(study.list_runs(found)) == [
        ("digits", "non_saturating", 3),
        ("digits", "non_saturating", 1),
        ("digits", "minimax", 3),
        ("digits", "minimax", 1),
    ]


def test_dataset_of_another_name_says_its_kind():
    found = resolved(datasets={"mine": {"kind": "digits"}})
    assert found["datasets"]["mine"]["kind"] == "digits"


def test_objective_of_the_studys_own_is_kept_and_unused_ones_are_not():
    found = resolved(objectives={"mine": MINE, "idle": MINE}, variants={"a": {"objective": "mine"}})
    assert set(found["objectives"]) == {"mine"}
    assert found["objectives"]["mine"]["title"] == "mine"
    assert found["runs"]["digits"]["a"]["objective"] == {"name": "mine", **MINE, "constants": {}}


def test_words_about_an_objective_are_no_part_of_a_run():
    own = {"variants": {"minimax": {"objective": "mine"}}}
    plain = parameters(objectives={"mine": MINE}, **own)
    described = parameters(objectives={"mine": {**MINE, "title": "T", "paper": "P"}}, **own)
    assert described == plain


def test_resolving_leaves_the_given_study_as_it_was():
    given = tiny_study()
    before = copy.deepcopy(given)
    study.resolve(given, "s.yaml")
    assert given == before


def test_resolved_study_is_plain_json():
    found = resolved()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_studies_resolve(file):
    found = study.resolve(yaml.safe_load(file.read_text(encoding="utf-8")), file.name)
    assert list(study.list_runs(found))


@pytest.mark.parametrize(
    "written", ["lr: 2e-4", "lr: '2e-4'", "lr: 2.0e-4", "lr: 0.0002", "lr: '0.0002'", "lr: 2E-4"]
)
def test_a_number_is_the_same_however_it_is_written(written):
    assert parameters(training={"optimizer": yaml.safe_load(written)})["optimizer"]["lr"] == 2e-4


@pytest.mark.parametrize("written", [8000, "8000", "8e3", 8e3, "8000.0"])
def test_whole_numbers_too(written):
    steps = parameters(training={"steps": written})["steps"]
    assert (steps, type(steps)) == (8000, int)


@pytest.mark.parametrize(
    ("written", "seeds"), [("3", [0, 1, 2]), (["0", "7"], [0, 7]), ([5], [5]), (1, [0])]
)
def test_seeds_as_yaml_and_as_the_command_line_gives_them(written, seeds):
    assert resolved(seeds=written)["seeds"] == seeds


def test_numbers_in_lists_and_constants_are_read():
    assert parameters(training={"optimizer": {"betas": ["0", "9e-1"]}})["optimizer"]["betas"] == [
        0.0,
        0.9,
    ]
    mine = {**MINE, "constants": {"a": "1e-1"}}
    found = resolved(objectives={"mine": mine}, variants={"v": {"objective": "mine"}})
    assert found["objectives"]["mine"]["constants"] == {"a": 0.1}


def test_a_whole_number_written_for_a_real_one_is_the_same_parameter():
    one, other = ({"optimizer": {"lr": value}} for value in (1, 1.0))
    assert json.dumps(parameters(training=one)) == json.dumps(parameters(training=other))


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
        ({"title": 3}, "title: found 3, expected text"),
        ({"training": {"device": "gpu"}}, "found 'gpu', expected one of auto, cpu, cuda"),
        ({"training": {"optimizer": {"lr": 0}}}, "optimizer.lr: found 0.0, expected more than 0"),
        (
            {"training": {"optimizer": {"betas": [0.5]}}},
            "betas: found 1 items, expected at least 2",
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
        ({"datasets": {"foo": {}}}, "datasets.foo.kind: found 'foo', expected a kind of dataset"),
        ({"variants": {"foo": {}}}, "variants.foo.objective: found 'foo', expected an objective"),
        ({"variants": {"a": {"objective": "nope"}}}, "variants.a.objective: found 'nope'"),
        ({"baseline": "foo"}, "baseline: found 'foo', expected a variant of the study: minimax"),
        ({"study": "../up"}, "study: found '../up', expected a name of a-z, 0-9 and _"),
        ({"study": ""}, "study: found '', expected a name"),
        ({"study": "s" * 61}, "expected a name of a-z, 0-9 and _ (at most 60 characters)"),
        ({"variants": {"Mine!": {"objective": "minimax"}}}, "variants: found 'Mine!'"),
        ({"datasets": {"a/b": {"kind": "digits"}}}, "datasets: found 'a/b', expected a name"),
        ({"objectives": {"minimax": MINE}}, "objectives.minimax: the catalogue has this name"),
        ({"objectives": {"mine": {"generator": "f"}}}, "mine: missing the key 'discriminator'"),
        (
            {"objectives": {"mine": {**MINE, "generator": "softplus(-f"}}},
            "s.yaml: objectives: objective 'mine', generator: 'softplus(-f', column",
        ),
        (
            {"objectives": {"mine": {**MINE, "generator": "__import__('os')"}}},
            "s.yaml: objectives: objective 'mine', generator",
        ),
        (
            {"objectives": {"mine": {**MINE, "generator": "1 - r"}}},
            "objective 'mine', generator: '1 - r', column 1: the formula does not depend on f",
        ),
        (
            {"training": {"steps": 4, "snapshots": 5}},
            "training.snapshots (minimax on digits): found 5, expected at most",
        ),
    ],
)
def test_message_names_key_found_and_expected(changes, message):
    assert message in refused(smallest(**changes))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "nan", "-inf", "1e999"])
@pytest.mark.parametrize("key", ["lr", "momentum"])
def test_numbers_that_are_not_finite_are_refused(key, number):
    said = refused(smallest(training={"optimizer": {key: number}}))
    assert f"training.optimizer.{key}: found" in said


def test_number_with_a_thousand_digits_is_refused_in_a_short_message():
    said = refused(smallest(training={"steps": "9" * 1000}))
    assert "training.steps: found '999" in said
    assert len(said) < 150


@pytest.mark.parametrize("key", ["study", "datasets", "variants"])
def test_required_keys_are_missed(key):
    given = smallest()
    del given[key]
    assert refused(given) == f"s.yaml: missing the key {key!r}"


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_a_file_that_is_no_mapping_is_refused(config):
    assert "expected a mapping of keys" in refused(config)


@pytest.mark.parametrize("variants", [["minimax"], "minimax", {"minimax": "yes"}, {"minimax": [1]}])
def test_variants_of_another_shape_are_refused(variants):
    assert "expected a mapping of keys" in refused(smallest(variants=variants))


def test_keys_of_an_override_are_checked_as_strictly():
    for level in ("datasets", "variants"):
        name = next(iter(smallest()[level]))
        given = smallest(**{level: {name: {"training": {"optimizer": {"lrate": 1}}}}})
        assert f"{level}.{name}.training.optimizer: unknown key 'lrate'" in refused(given)


def test_constants_of_a_catalogue_objective_can_be_set():
    given = {"least_squares": {"constants": {"a": -1}}}
    found = parameters(variants={"minimax": {"objective": "least_squares"}}, objectives=given)
    constants = found["objective"]["constants"]
    assert constants["a"] == -1
    assert constants["b"] == 1  # the others stay what they are


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            {"constants": {"q": 1}},
            "objectives.least_squares.constants: found 'q', expected a const",
        ),
        ({"generator": "f"}, "the catalogue has this name; set its constants alone"),
    ],
)
def test_catalogue_objective_is_otherwise_left_alone(definition, message):
    with pytest.raises(StudyError, match=message):
        resolved(objectives={"least_squares": definition})


FOLDER = {"kind": "image_folder", "source": "photos", "resolution": 32}


def test_image_folder_says_what_only_the_study_knows():
    found = resolved(datasets={"photos": FOLDER})["datasets"]["photos"]
    assert found["shape"] == [3, 32, 32]
    assert (found["sizes"], found["samples"]) == (None, None)
    grey = resolved(datasets={"photos": {**FOLDER, "channels": 1}})["datasets"]["photos"]
    assert grey["shape"] == [1, 32, 32]


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
def test_shape_and_sizes_of_a_kind_are_known_before_it_is_read(kind, shape, sizes):
    found = resolved(datasets={kind: {}})["datasets"][kind]
    assert found["shape"] == shape
    assert tuple(found["sizes"][split] for split in ("train", "held_out", "extractor")) == sizes
    assert found["samples"] == min(10_000, *sizes[:2])


def test_images_left_out_of_the_extractor_split_are_trained_on():
    changes = {"extractor_images": 0}
    evaluation = {"extractor": "inception-v3-compat"}
    found = resolved(datasets={"cifar10": changes}, evaluation=evaluation)["datasets"]["cifar10"]
    assert found["sizes"] == {"train": 50_000, "held_out": 10_000, "extractor": 0}


def of_dataset(name, **keys):
    return {"datasets": {name: keys}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (of_dataset("image_folder", source="x"), "missing the key 'resolution'"),
        (of_dataset("image_folder", resolution=32), "missing the key 'source'"),
        (of_dataset("cifar10", resolution=64), "datasets.cifar10.resolution: cifar10 has its own"),
        (of_dataset("mnist", channels=3), "datasets.mnist.channels: mnist has its own"),
        (of_dataset("digits", source="x"), "digits come with scikit-learn"),
        (of_dataset("spiral", source="x"), "spiral is drawn from a known density"),
        (of_dataset("spiral", extractor_images=5), "spiral is drawn from a known density"),
        (of_dataset("celeba", extractor_images=5), "celeba has an official part for it"),
        (of_dataset("mnist", extractor_images=60_000), "found 60000, expected less than 60000"),
        (of_dataset("mnist", extractor_images=0), "the extractor is the classifier"),
        ({"evaluation": {"samples": 600}}, "at most the 599 images of digits's smaller split"),
        ({"evaluation": {"weights": "x"}}, "the classifier is trained here and has none"),
        (
            {"evaluation": {"extractor": "vgg16", "primary_metric": "IS"}},
            "found 'IS', which needs classes; vgg16 has none",
        ),
        (
            {"training": {"network": {"name": "sngan_resnet"}}},
            "sngan_resnet fits resolutions of 32 or 64; the images have 8",
        ),
        (
            {
                "training": {"network": {"discriminator_norm": "batch"}},
                "variants": {"minimax": {"regularizers": {"r1": {}}}},
            },
            "which needs each image's own gradient",
        ),
        (
            {
                **of_dataset("mnist"),
                "training": {"network": {"name": "infogan"}},
                "variants": {"wgan_gp": {}},
            },
            "found 'batch', expected 'none' or 'layer' with gradient_penalty",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(changes, message):
    assert message in refused(smallest(**changes))
