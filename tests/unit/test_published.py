"""Published numbers: beside a study's own where the protocol is the same, and nowhere else."""

import pytest
import yaml
from ganbench.catalogue import objectives
from ganbench.catalogue.published import PUBLISHED, find_published
from ganbench.study import resolve as study
from project import ROOT


def lucic(**changes) -> dict:
    config = yaml.safe_load((ROOT / "config/lucic2018.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        at = config
        *groups, key = path.split("__")
        for group in groups:
            at = at.setdefault(group, {})
        at[key] = value
    return study.resolve(config, "lucic2018.yaml")


def test_runs_of_the_shipped_protocol_have_their_number_beside_them():
    found = find_published(lucic())
    beside = [each for each in found if each["dataset"] != "celeba"]
    assert [each["mismatches"] for each in beside] == [[]] * 18
    assert all(each["laid_beside"] for each in beside)
    assert {(each["dataset"], each["variant"]) for each in found} == {
        (dataset, variant)
        for dataset in ("mnist", "fashion_mnist", "cifar10", "celeba")
        for variant in lucic()["variants"]
    }


def test_celeba_is_refused_for_its_images_are_made_otherwise():
    found = [each for each in find_published(lucic()) if each["dataset"] == "celeba"]
    assert len(found) == 6
    for each in found:
        assert not each["laid_beside"]
        assert each["mismatches"] == [
            "reference images is 19,962, published with 10,000",
            "images were published with a crop of 160×160 without antialiasing, "
            "here 178×178 with it",
        ]


def test_number_of_the_paper():
    (found,) = [
        each
        for each in find_published(lucic())
        if (each["dataset"], each["variant"]) == ("cifar10", "non_saturating")
    ]
    assert (found["metric"], found["mean"], found["std"]) == ("FID", 58.5, 1.9)
    assert "Lucic" in found["source"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("evaluation__extractor", "vgg16", "extractor is vgg16, published with inception-v3-comp"),
        ("evaluation__samples", 5000, "samples is 5,000, published with 10,000"),
        ("evaluation__primary_reference", "train", "reference split is train, published with held"),
        ("training__network__name", "mlp", "network is mlp, published with infogan"),
        ("training__network__width", 32, "width is 32, published with 64"),
        ("training__latent__size", 128, "size of the latent is 128, published with 64"),
        ("training__latent__prior", "normal", "prior is normal, published with uniform"),
        ("training__batch_size", 128, "batch size is 128, published with 64"),
        ("training__optimizer__name", "sgd", "optimizer is sgd, published with adam"),
        ("training__ema", 0.999, "running mean of weights is 0.999, published with 0"),
        ("datasets__mnist__training__steps", 18749, "D updates is 18,749, published with 18,750"),
        ("training__discriminator_steps", 2, "D updates is 37,500, published with 18,750"),
        (
            "datasets__mnist__extractor_images",
            10000,
            "training images is 50,000, published with 60,000",
        ),
        (
            "training__stop",
            {"metric": "duality_gap", "patience": 2},
            "runs may stop early, the published ones used their whole budget",
        ),
    ],
)
def test_anything_that_differs_is_named_and_the_number_refused(path, value, words):
    mnist = [
        each
        for each in find_published(lucic(**{path: value}))
        if (each["dataset"], each["variant"]) == ("mnist", "minimax")
    ]
    assert [each["laid_beside"] for each in mnist] == [False]
    assert any(each.startswith(words) for each in mnist[0]["mismatches"])


def test_a_variant_is_known_by_its_objective_and_regularizers_and_not_by_its_name():
    hinge = {"wgan_gp": {"objective": "hinge"}, "minimax": {}}
    changed = lucic(variants=hinge, baseline="minimax")
    assert {each["variant"] for each in find_published(changed)} == {"minimax"}
    renamed = lucic(variants={"mine": {"objective": "minimax"}}, baseline="mine")
    assert {each["variant"] for each in find_published(renamed)} == {"mine"}


def test_study_of_no_published_dataset_has_none():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert find_published(study.resolve(config, "config.yaml")) == []


def test_catalogue_names_objectives_that_exist_and_has_a_number_for_each():
    for table in PUBLISHED:
        for row in table["objectives"].values():
            assert row["objective"] in objectives.OBJECTIVES
        for values in table["values"].values():
            assert set(values) == set(table["objectives"])
