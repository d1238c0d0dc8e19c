"""Published scores stand beside a study's own only if the study follows their protocol."""

import pytest
import yaml
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.catalogue.published import PUBLISHED, find_published
from ganbench.study import resolve as studies
from project import ROOT


def resolve_lucic(**changes) -> dict:
    """The shipped study lucic2018 with keys changed, each given as `group__key`."""
    config = yaml.safe_load((ROOT / "config/lucic2018.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *groups, key = path.split("__")
        group = config
        for name in groups:
            group = group.setdefault(name, {})
        group[key] = value
    return studies.resolve(config, "lucic2018.yaml")


def test_runs_of_the_published_protocol_are_comparable():
    study = resolve_lucic()
    published = find_published(study)
    others = [entry for entry in published if entry["dataset"] != "celeba"]
    assert [entry["mismatches"] for entry in others] == [[]] * 18
    assert all(entry["comparable"] for entry in others)
    assert {(entry["dataset"], entry["variant"]) for entry in published} == {
        (dataset, variant)
        for dataset in ("mnist", "fashion_mnist", "cifar10", "celeba")
        for variant in study["variants"]
    }


def test_celeba_is_not_comparable_because_its_images_differ():
    celeba = [entry for entry in find_published(resolve_lucic()) if entry["dataset"] == "celeba"]
    assert len(celeba) == 6
    for entry in celeba:
        assert not entry["comparable"]
        assert entry["mismatches"] == [
            "reference images: 10,000 in the publication, 19,962 here",
            "preparation of images: a 160×160 crop without antialiasing in the publication, "
            "178×178 with antialiasing here",
        ]


def test_score_is_that_of_the_paper():
    (entry,) = [
        entry
        for entry in find_published(resolve_lucic())
        if (entry["dataset"], entry["variant"]) == ("cifar10", "non_saturating")
    ]
    assert (entry["metric"], entry["mean"], entry["std"]) == ("FID", 58.5, 1.9)
    assert "Lucic" in entry["source"]


@pytest.mark.parametrize(
    ("path", "value", "mismatch"),
    [
        ("evaluation__extractor", "vgg16", "extractor: inception-v3-compat in"),
        ("evaluation__samples", 5000, "generated images: 10,000 in the publication, 5,000 here"),
        ("evaluation__primary_reference", "train", "reference split: held_out in"),
        ("training__network__name", "mlp", "network: infogan in"),
        ("training__network__width", 32, "width: 64 in"),
        ("training__latent__size", 128, "latent dimensions: 64 in"),
        ("training__latent__prior", "normal", "prior: uniform in"),
        ("training__batch_size", 128, "batch size: 64 in"),
        ("training__optimizer__name", "sgd", "optimizer: adam in"),
        ("training__updates", "extragradient", "updates: alternating in"),
        ("training__ema", 0.999, "moving average of weights: 0 in"),
        ("training__augment", {"name": "flip"}, "augmentation: none in"),
        ("datasets__mnist__training__steps", 18749, "updates of D: 18,750 in"),
        ("training__discriminator_steps", 2, "updates of D: 18,750 in"),
        ("datasets__mnist__extractor_images", 10000, "training images: 60,000 in"),
        (
            "variants__minimax__training__stop",
            {"metric": "duality_gap", "patience": 2},
            "stopping: the whole budget",
        ),
    ],
)
def test_every_mismatch_is_named_and_makes_scores_incomparable(path, value, mismatch):
    mnist = [
        entry
        for entry in find_published(resolve_lucic(**{path: value}))
        if (entry["dataset"], entry["variant"]) == ("mnist", "minimax")
    ]
    assert [entry["comparable"] for entry in mnist] == [False]
    assert any(text.startswith(mismatch) for text in mnist[0]["mismatches"])


def test_variants_are_matched_by_objective_and_regularizers_not_by_name():
    hinge = resolve_lucic(
        variants={"wgan_gp": {"objective": "hinge"}, "minimax": {}}, baseline="minimax"
    )
    assert {entry["variant"] for entry in find_published(hinge)} == {"minimax"}
    renamed = resolve_lucic(variants={"mine": {"objective": "minimax"}}, baseline="mine")
    assert {entry["variant"] for entry in find_published(renamed)} == {"mine"}


def test_study_of_no_published_dataset_has_no_published_score():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert find_published(studies.resolve(config, "config.yaml")) == []


def test_published_tables_name_objectives_that_exist_and_score_each():
    for table in PUBLISHED:
        for row in table["objectives"].values():
            assert row["objective"] in OBJECTIVES
        for scores in table["values"].values():
            assert set(scores) == set(table["objectives"])
