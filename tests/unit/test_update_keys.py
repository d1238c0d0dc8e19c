"""The keys `updates` and `consensus_weight`: who has them, what they go with, what is counted."""

import pandas as pd
import pytest
from ganbench.catalogue.updates import ALTERNATING, CONSENSUS_WEIGHT, UPDATES
from ganbench.report.updates_of_players import describe_updates
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError, load_schema
from project import tiny_study
from training_example import resolve_run, train_run

KEYS = load_schema()["$defs"]["training"]["properties"]


def resolve_variants(training: dict | None = None, **variants: dict) -> dict:
    """A study with these keys of `training`, and variants with these of their own."""
    study = tiny_study(evaluation={})
    study["training"] |= training or {}
    study["variants"] = {
        name: {"objective": "minimax", "training": own} for name, own in variants.items()
    }
    return resolve(study, "s.yaml")


def test_defaults_of_the_schema_are_those_of_the_catalogue():
    assert KEYS["updates"]["default"] == ALTERNATING
    assert KEYS["consensus_weight"]["default"] == CONSENSUS_WEIGHT
    assert KEYS["updates"]["enum"] == list(UPDATES)


@pytest.mark.parametrize(
    "given",
    [{"updates": "alternating"}, {"consensus_weight": 3}, {"updates": "alternating", "ema": 0}],
    ids=["alternating", "weight alone", "both"],
)
def test_runs_that_alternate_have_the_parameters_they_had_before_there_was_a_choice(given):
    assert resolve_run(**given) == resolve_run()
    assert not {"updates", "consensus_weight"} & set(resolve_run())


def test_runs_have_the_keys_that_have_an_effect():
    study = resolve_variants(
        {"updates": "consensus"},
        default={},
        own={"consensus_weight": 0.5},
        ahead={"updates": "extragradient", "consensus_weight": 2},
        back={"updates": "alternating"},
    )
    pairs = {
        name: (run.get("updates"), run.get("consensus_weight"))
        for name, run in study["runs"]["digits"].items()
    }
    assert pairs == {
        "default": ("consensus", CONSENSUS_WEIGHT),
        "own": ("consensus", 0.5),
        "ahead": ("extragradient", None),
        "back": (None, None),
    }


def test_updates_can_be_swept():
    config = tiny_study(evaluation={}, variants={"minimax": {}})
    config["sweep"] = {"training": {"updates": list(UPDATES)}}
    runs = resolve(config, "s.yaml")["runs"]["digits"]
    names = ["minimax", *(f"minimax_s{number}" for number in range(2, len(UPDATES) + 1))]
    assert [runs[name].get("updates", ALTERNATING) for name in names] == list(UPDATES)
    assert "minimax_s1" not in runs  # it is the variant itself, which is trained once


@pytest.mark.parametrize("updates", [kind for kind in UPDATES if kind != "consensus"])
@pytest.mark.parametrize("regularizer", ["r1", "gradient_penalty", "weight_clip"])
def test_other_updates_go_with_every_regularizer_and_precision(updates, regularizer):
    assert resolve_run(updates=updates, regularizers={regularizer: {}}, precision="bf16")


@pytest.mark.parametrize("regularizer", ["weight_clip", "spectral_norm"])
def test_consensus_goes_with_constraints(regularizer):
    assert resolve_run(updates="consensus", regularizers={regularizer: {}})


@pytest.mark.parametrize("regularizer", ["gradient_penalty", "dragan", "r1", "r2"])
def test_consensus_with_a_penalty_is_refused(regularizer):
    with pytest.raises(StudyError) as error:
        resolve_run(updates="consensus", regularizers={"weight_clip": {}, regularizer: {}})
    message = f"training.updates (v on digits): found 'consensus' with {regularizer}, expected"
    assert message in str(error.value)
    assert "remove it or choose other updates" in str(error.value)


def test_consensus_in_bf16_is_refused():
    with pytest.raises(StudyError) as error:
        resolve_run(updates="consensus", precision="bf16")
    assert "training.precision (v on digits): found 'bf16', expected 'tf32'" in str(error.value)


def test_unknown_updates_are_refused_with_the_known_ones():
    with pytest.raises(StudyError) as error:
        resolve_run(updates="extra_gradient")
    assert "training.updates" in str(error.value)
    assert "extragradient" in str(error.value)


@pytest.mark.parametrize(("updates", "batches"), [("extragradient", 3), ("consensus", 2)])
def test_history_counts_the_images_of_every_pass(tmp_path, updates, batches):
    parameters = resolve_run(updates=updates, discriminator_steps=2, steps=6, history_interval=3)
    run, _ = train_run(tmp_path, parameters)
    history = pd.read_csv(tmp_path / "history.csv")
    assert history.images.tolist() == [3 * batches * 16, 6 * batches * 16]
    assert history.discriminator_steps.tolist() == [6, 12]
    assert run["images_per_second"] == pytest.approx(6 * batches * 16 / run["seconds"], rel=0.02)


def test_the_methods_name_each_kind_with_its_variants_and_the_weight():
    study = resolve_variants(
        plain={}, ahead={"updates": "extragradient"}, agreed={"updates": "consensus"}
    )
    texts = {group["title"]: group["variants"] for group in describe_updates(study)}
    assert texts == {
        "Alternating updates": "Variants: plain",
        "Extragradient": "Variants: ahead",
        "Consensus optimization": "Variants: agreed with γ = 10",
    }
    (only,) = describe_updates(resolve_variants(plain={}))
    assert (only["title"], only["variants"]) == ("Alternating updates", "")


def test_the_methods_name_datasets_where_updates_differ_between_them():
    study = tiny_study(evaluation={}, variants={"minimax": {}})
    study["datasets"]["mnist"] = {"training": {"updates": "optimistic"}}
    texts = [group["variants"] for group in describe_updates(resolve(study, "s.yaml"))]
    assert texts == ["Variants: minimax on digits", "Variants: minimax on mnist"]
