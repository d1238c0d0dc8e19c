"""The optimizers and schedules of a run's players, from all levels of a study."""

import copy

import pytest
from ganbench.catalogue.optimizer_options import PLAYERS, select_player
from ganbench.study import resolve as studies
from ganbench.study.newer_keys import complete_study
from ganbench.study.schema import StudyError


def make_study(**changes: object) -> dict:
    return {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}, **changes}


def resolve(**changes: object) -> dict:
    return studies.resolve(make_study(**changes), "s.yaml")


def resolve_run(variant: str = "minimax", **changes: object) -> dict:
    return resolve(**changes)["runs"]["digits"][variant]


def refuse(**changes: object) -> str:
    with pytest.raises(StudyError) as error:
        resolve(**changes)
    return str(error.value)


def with_optimizer(**options: object) -> dict:
    return {"training": {"optimizer": options}}


def list_rates(run: dict) -> list[float]:
    return [select_player(run["optimizer"], player)["lr"] for player in PLAYERS]


def test_options_of_one_player_override_those_of_both():
    run = resolve_run(**with_optimizer(lr=1e-3, discriminator={"lr": 4e-3}, generator={"eps": 0.1}))
    assert list_rates(run) == [4e-3, 1e-3]
    assert run["optimizer"]["discriminator"] == {"lr": 4e-3, "eps": 1e-8}


def test_equal_options_of_both_players_are_those_of_a_study_that_gives_them_once():
    once = resolve_run(**with_optimizer(name="sgd", lr=0.1))
    apart = {"name": "sgd", "lr": 0.1}
    assert resolve_run(**with_optimizer(discriminator=apart, generator=apart)) == once


def test_a_level_overrides_both_players_options_of_the_one_below():
    study = with_optimizer(lr=1e-3, generator={"lr": 4e-3})
    variants = {
        "minimax": {},
        "slow": {"objective": "minimax", **with_optimizer(lr=1e-5)},
        "slow_generator": {"objective": "minimax", **with_optimizer(generator={"lr": 1e-5})},
    }
    runs = resolve(**study, variants=variants)["runs"]["digits"]
    assert list_rates(runs["minimax"]) == [1e-3, 4e-3]
    assert list_rates(runs["slow"]) == [1e-5, 1e-5]
    assert list_rates(runs["slow_generator"]) == [1e-3, 1e-5]


def test_shipped_variants_keep_the_optimizer_of_their_paper_below_a_study_with_two_rates():
    study = with_optimizer(lr=1e-4, generator={"lr": 4e-4})
    run = resolve_run("wgan_clip", **study, variants={"wgan_clip": {}})
    assert run["optimizer"] == {"name": "rmsprop", "lr": 5e-5, "momentum": 0.0, "eps": 1e-8}


READ = {
    "adam": {"betas": [0.1, 0.2], "eps": 1e-3},
    "adamw": {"betas": [0.1, 0.2], "eps": 1e-3, "weight_decay": 0.02},
    "rmsprop": {"momentum": 0.7, "eps": 1e-3},
    "sgd": {"momentum": 0.7, "nesterov": True},
}
VALUES = {key: value for options in READ.values() for key, value in options.items()}
UNREAD = [(name, key) for name in READ for key in VALUES if key not in READ[name]]


@pytest.mark.parametrize("name", READ)
def test_an_optimizer_has_the_options_that_it_reads_and_no_others(name):
    options = resolve_run(**with_optimizer(name=name, lr=0.5, **READ[name]))["optimizer"]
    assert options == {"name": name, "lr": 0.5, **READ[name]}


@pytest.mark.parametrize(("name", "key"), UNREAD)
@pytest.mark.parametrize("player", [None, *PLAYERS])
def test_an_option_that_the_optimizer_does_not_read_is_refused(name, key, player):
    options = {"name": name, key: VALUES[key]}
    message = refuse(**with_optimizer(**({player: options} if player else options)))
    path = f"optimizer.{player}.{key}" if player else f"optimizer.{key}"
    assert f"training.{path} (minimax on digits): found {VALUES[key]}, but {name}, the" in message
    assert "remove the key, or write it beside the name of an optimizer that reads it" in message


def test_an_option_of_a_level_below_for_another_optimizer_is_left_out():
    study = with_optimizer(
        name="adam", betas=[0.3, 0.4], generator={"weight_decay": 0.3, "name": "adamw"}
    )
    run = resolve_run(**study, variants={"minimax": with_optimizer(name="sgd")})
    assert run["optimizer"] == {"name": "sgd", "lr": 2e-4, "momentum": 0.0, "nesterov": False}


def test_an_option_above_is_refused_although_the_optimizer_is_named_below():
    study = with_optimizer(name="sgd")
    message = refuse(**study, variants={"minimax": with_optimizer(betas=[0.1, 0.2])})
    assert "training.optimizer.betas (minimax on digits): found [0.1, 0.2], but sgd" in message


def test_another_optimizer_for_a_shipped_variant_leaves_out_the_options_of_its_paper():
    variants = {"wgan_gp": with_optimizer(name="rmsprop", generator={"name": "sgd"})}
    run = resolve_run("wgan_gp", variants=variants)
    assert "betas" not in run["optimizer"]
    assert select_player(run["optimizer"], "generator")["name"] == "sgd"


def test_without_a_weight_decay_adamw_has_that_of_torch():
    assert resolve_run(**with_optimizer(name="adamw"))["optimizer"]["weight_decay"] == 0.01
    none = resolve_run(**with_optimizer(name="adamw", weight_decay=0))
    assert none["optimizer"]["weight_decay"] == 0


def test_nesterov_without_momentum_and_a_player_within_a_player_are_refused():
    message = refuse(**with_optimizer(name="sgd", nesterov=True))
    assert "nesterov (minimax on digits): found true with a momentum of 0" in message
    message = refuse(**with_optimizer(generator={"discriminator": {"lr": 1}}))
    assert "optimizer.generator.discriminator: found options of a player within" in message


def test_a_sweep_tries_the_options_of_one_player_with_those_of_the_other():
    rates = {"optimizer.generator.lr": [1e-4, "1e-3"], "optimizer.discriminator.lr": [0.5]}
    runs = resolve(sweep={"training": rates})["runs"]["digits"]
    assert list_rates(runs["minimax_s1"]) == [0.5, 1e-4]
    assert list_rates(runs["minimax_s2"]) == [0.5, 1e-3]


def test_a_swept_option_of_both_players_counts_over_a_variants_of_one():
    variants = {"minimax": with_optimizer(generator={"lr": 0.5, "betas": [0.1, 0.2]})}
    sweep = {"training": {"optimizer.lr": [1e-3], "optimizer.name": ["sgd"]}}
    assert list_rates(resolve_run("minimax_s1", variants=variants, sweep=sweep)) == [1e-3, 1e-3]


def test_points_have_their_defaults_below_a_study_with_options_of_one_player():
    changes = {"datasets": {"spiral": {}}, **with_optimizer(generator={"lr": 0.5})}
    study = resolve(**changes)
    run = study["runs"]["spiral"]["minimax"]
    assert list_rates(run) == [1e-3, 0.5]
    written = {
        "training": study["training"],
        "datasets": {"spiral": {"training": study["datasets"]["spiral"]["training"]}},
    }
    assert resolve(**written)["runs"] == study["runs"]


def test_a_study_resolved_before_there_were_schedules_completes_to_that_of_today():
    variants = {"minimax": {}, "wgan_clip": {}}
    today = resolve(variants=variants, **with_optimizer(betas=[0.5, 0.9]))
    earlier = copy.deepcopy(today)
    for training in (earlier["training"], *earlier["runs"]["digits"].values()):
        del training["schedule"]
        training["optimizer"] |= {"betas": [0.5, 0.9], "momentum": 0.0}
        for key in ("eps", "nesterov", "weight_decay"):
            training["optimizer"].pop(key, None)
    assert complete_study(earlier) == complete_study(today)
    earlier["runs"]["digits"]["minimax"]["optimizer"]["betas"] = [0.5, 0.8]
    assert complete_study(earlier) != complete_study(today)


COSINE = {"kind": "cosine"}
FULL = {"kind": "cosine", "from": 1, "to": 0, "start": 0, "end": 1, "warm_up": 0}


def with_schedule(**schedule: object) -> dict:
    return {"training": {"schedule": {key.replace("__", "."): schedule[key] for key in schedule}}}


def test_a_schedule_gets_the_defaults_of_its_kind():
    assert resolve_run(**with_schedule(optimizer__lr=COSINE))["schedule"] == {"optimizer.lr": FULL}


def test_a_variants_schedule_replaces_the_studys_and_a_constant_undoes_it():
    variants = {
        "minimax": {},
        "steps": {
            "objective": "minimax",
            **with_schedule(optimizer__lr={"kind": "steps", "at": [0.5]}),
        },
        "none": {"objective": "minimax", **with_schedule(optimizer__lr={})},
    }
    study = with_schedule(optimizer__lr=COSINE | {"to": 0.5}, optimizer__generator__lr=COSINE)
    runs = resolve(**study, variants=variants)["runs"]["digits"]
    steps = {"kind": "steps", "at": [0.5], "by": 0.1, "warm_up": 0}
    assert runs["minimax"]["schedule"]["optimizer.generator.lr"] == FULL
    assert runs["steps"]["schedule"] == {"optimizer.lr": steps}
    assert runs["none"]["schedule"] == {}


def test_a_run_without_a_number_leaves_out_the_studys_schedule_of_it():
    schedule = with_schedule(optimizer__betas=COSINE, regularizers__r1__weight=COSINE)
    penalised = {"objective": "relativistic", "regularizers": {"r1": {}}}
    variants = {"wgan_clip": {}, "penalised": penalised}
    runs = resolve(**schedule, variants=variants)["runs"]["digits"]
    assert {name: list(run["schedule"]) for name, run in runs.items()} == {
        "wgan_clip": [],
        "penalised": ["optimizer.betas", "regularizers.r1.weight"],
    }


@pytest.mark.parametrize(
    ("key", "schedule", "message"),
    [
        ("optimizer.rate", {}, "schedule.optimizer.rate: not a number that can change, expected"),
        ("regularizers.weight_clip.weight", {}, "weight_clip.weight: not a number that can change"),
        ("regularizers.r1.every", {}, "r1.every: not a number that can change"),
        ("ema", COSINE, "training.schedule.ema: no run has this number; remove the key"),
        ("optimizer.lr", {"kind": "steps"}, "missing the key 'at'"),
        ("optimizer.lr", COSINE | {"start": 0.5, "end": 0.5}, "found end 0.5, expected more than"),
        ("optimizer.lr", COSINE | {"at": [0.5]}, "found the option 'at', but the kind 'cosine'"),
        ("optimizer.lr", {"kind": "cosin"}, "found 'cosin', expected one of constant, linear"),
        ("optimizer.lr", {"to": 0.5}, "found the option 'to', but the kind 'constant' reads only"),
        ("optimizer.betas", COSINE | {"to": 2}, "found a second beta of 0.999 times 2.0"),
        (
            "optimizer.generator.betas",
            {"kind": "steps", "at": [0.2, 0.4], "by": 1.1},
            "found a second beta of 0.999 times 1.21",
        ),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused(key, schedule, message):
    assert message in refuse(training={"schedule": {key: schedule}})


def test_a_variants_schedule_of_a_number_that_it_does_not_have_is_refused():
    message = refuse(variants={"minimax": with_schedule(ema=COSINE)})
    assert "training.schedule.ema (minimax on digits): the run does not have this number" in message
    message = refuse(datasets={"digits": with_schedule(ema=COSINE)})
    assert "datasets.digits.training.schedule.ema: no run has this number" in message


def test_whole_schedules_can_be_swept():
    sweep = {
        "training": {
            "schedule": [{"optimizer.lr": {"kind": kind}} for kind in ("linear", "cosine")]
        }
    }
    runs = resolve(sweep=sweep)["runs"]["digits"]
    schedules = [runs[f"minimax_s{n}"]["schedule"]["optimizer.lr"]["kind"] for n in (1, 2)]
    assert schedules == ["linear", "cosine"]
