"""Schedules: their closed forms, and runs whose numbers follow them."""

import math

import pytest
import torch
from ganbench.report.schedule_notes import describe_schedules
from ganbench.study.schedules import factor
from ganbench.training.average import WeightAverage
from ganbench.training.run import Run, start_run
from torch import nn
from torch.optim import lr_scheduler
from training_example import PIXELS, read_weights, resolve_run

STEPS = 20
LINE = {"kind": "linear", "from": 1.0, "to": 0.0, "start": 0.0, "end": 1.0, "warm_up": 0.0}


def list_factors(**options: object) -> list[float]:
    return [factor(LINE | options, step, STEPS) for step in range(1, STEPS + 1)]


def list_torch_factors(kind: str, **options: object) -> list[float]:
    """The learning rates of one of torch's schedulers, starting from 1."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=1.0)
    scheduler = getattr(lr_scheduler, kind)(optimizer, **options)
    rates = []
    for _ in range(STEPS):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("options", "kind", "peer"),
    [
        ({}, "LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": STEPS}),
        (
            {"from": 0.25, "to": 0.75, "end": 0.5},
            "LinearLR",
            {"start_factor": 0.25, "end_factor": 0.75, "total_iters": STEPS // 2},
        ),
        ({"kind": "cosine"}, "CosineAnnealingLR", {"T_max": STEPS}),
        ({"kind": "cosine", "to": 0.3}, "CosineAnnealingLR", {"T_max": STEPS, "eta_min": 0.3}),
        (
            {"kind": "steps", "at": [0.25, 0.7], "by": 0.1},
            "MultiStepLR",
            {"milestones": [5, 14], "gamma": 0.1},
        ),
    ],
)
def test_factors_are_those_of_the_schedulers_of_torch(options, kind, peer):
    assert list_factors(**options) == pytest.approx(list_torch_factors(kind, **peer), abs=1e-12)


def test_a_line_and_a_cosine_rest_before_their_start_and_after_their_end():
    between = {"start": 0.25, "end": 0.75, "from": 2.0, "to": 0.5}
    for kind, middle in (("linear", 1.25), ("cosine", 1.25)):
        factors = list_factors(kind=kind, **between)
        assert factors[:6] == [2.0] * 6
        assert factors[10] == pytest.approx(middle)
        assert factors[15:] == [0.5] * 5


def test_a_warm_up_multiplies_any_kind_and_its_first_step_is_not_0():
    assert list_factors(kind="constant", warm_up=0.2) == [0.25, 0.5, 0.75, *[1.0] * 17]
    plain, warm = list_factors(kind="cosine"), list_factors(kind="cosine", warm_up=0.2)
    assert warm[:4] == pytest.approx([plain[n] * (n + 1) / 4 for n in range(4)])
    assert warm[4:] == plain[4:]
    assert list_factors(kind="constant", warm_up=0.01) == [1.0] * 20  # less than a step


def start(schedule: dict, **training: object) -> Run:
    parameters = resolve_run(schedule=schedule, steps=STEPS, **training)
    return start_run(parameters, "digits", 0, PIXELS)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "sgd"])
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_player_whose_learning_rate_falls_to_0_stands_still_and_the_other_moves(name, player):
    stop = {"kind": "steps", "at": [0.1], "by": 0.0}
    run = start({f"optimizer.{player}.lr": stop}, optimizer={"name": name, "lr": 0.01})
    networks = {"discriminator": run.game.discriminator, "generator": run.game.generator}

    def step_moves() -> dict[str, bool]:
        before = {key: read_weights(one.network) for key, one in networks.items()}
        run.take_step()
        return {
            key: not torch.equal(before[key], read_weights(networks[key].network)) for key in before
        }

    assert all(step_moves().values())
    run.take_step()
    for key, moves in step_moves().items():
        assert moves == (key != player)


def test_a_constant_frees_one_player_from_the_schedule_of_both():
    run = start({"optimizer.lr": {"kind": "linear"}, "optimizer.generator.lr": {}})
    rates = [player.optimizer.options["lr"] for player in run.game.players]
    assert [type(rate) for rate in rates] == [torch.Tensor, float]


def test_values_are_filled_in_place_where_a_recorded_step_reads_them():
    schedule = {
        "optimizer.lr": {"kind": "linear"},
        "optimizer.betas": {"kind": "cosine", "to": 0.5},
    }
    run = start(schedule, optimizer={"lr": 0.01, "betas": [0.5, 0.9]})
    options = run.game.generator.optimizer.options
    rate, (first, second) = options["lr"], options["betas"]
    places = (rate.data_ptr(), second.data_ptr())
    for _ in range(11):
        run.take_step()
    assert (rate.data_ptr(), second.data_ptr()) == places
    assert rate.item() == pytest.approx(0.01 * (1 - 10 / STEPS))
    assert second.item() == pytest.approx(0.9 * (0.5 + 0.5 * (1 + math.cos(math.pi / 2)) / 2))
    assert first == 0.5


def test_the_weight_of_a_penalty_follows_its_schedule():
    run = start(
        {"regularizers.r1.weight": {"kind": "linear", "to": 0.2}},
        regularizers={"r1": {}, "r2": {}},
    )
    plain = start({}, regularizers={"r1": {}})
    images = PIXELS[:8] / 128 - 1

    def penalty_of(run: Run) -> float:
        network = plain.game.discriminator.network
        return run.game.regularization.penalty(network, images, images, 0).item()

    full = penalty_of(plain)
    assert penalty_of(run) == pytest.approx(2 * full, rel=1e-5)
    run.schedules.set_step(11)
    assert penalty_of(run) == pytest.approx((1 + 0.6) * full, rel=1e-5)


def test_the_half_life_of_the_mean_rises_with_the_images_seen():
    """The ramp of Karras et al. 2022: halved weights after a share of the steps so far."""
    run = start({"ema": {"warm_up": 0.5}}, ema=0.5 ** (1 / 8))
    decays, weights = [], []
    for step in range(1, 15):
        run.take_step()
        weights.append(read_weights(run.game.generator.network))
        decays.append(0.5 ** (1 / (8 * min(step / 10, 1))))
    shares = [(1 - decay) * math.prod(decays[n + 1 :]) for n, decay in enumerate(decays)]
    total = sum(share * vector for share, vector in zip(shares, weights, strict=True))
    torch.testing.assert_close(read_weights(run.game.scored_generator), total / sum(shares))


def test_a_half_life_of_0_makes_the_mean_the_weights_themselves():
    network = nn.Linear(3, 2)
    average = WeightAverage(network, 0.999, lambda step: 0.0 if step < 3 else 1.0)
    for value in (1.0, 2.0):
        with torch.no_grad():
            network.weight.fill_(value)
        average.update(network)
        assert torch.equal(average.network.weight, network.weight)
    with torch.no_grad():
        network.weight.fill_(3.0)
    average.update(network)
    torch.testing.assert_close(average.network.weight, torch.full((2, 3), 2.001))


def test_the_report_says_each_schedule_once_in_words():
    warm = {"kind": "constant", "warm_up": 0.05}
    line = {"kind": "linear", "from": 1.0, "to": 0.1, "start": 0.0, "end": 0.5, "warm_up": 0.0}
    steps = {"kind": "steps", "at": [0.5, 0.75], "by": 0.1, "warm_up": 0.1}
    plain, both = {"schedule": {}}, {"schedule": {"ema": warm, "optimizer.lr": line}}
    runs = {
        "digits": {"a": both, "b": plain, "c": both},
        "spiral": {"a": both, "b": {"schedule": {"optimizer.lr": steps}}, "c": plain},
    }
    lines = [
        {"key": "ema", "text": "rising from 0 over the first 5 %"},
        {
            "key": "optimizer.lr",
            "text": "in a line from 1 to 0.1 times the number, between 0 % and 50 % of the steps",
        },
    ]
    text = "times 0.1 at 50 %, 75 % of the steps, rising from 0 over the first 10 %"
    others = [{"key": "optimizer.lr", "text": text}]
    assert describe_schedules({"runs": runs, "variants": {"a": {}, "b": {}, "c": {}}}) == [
        {"variants": ["a", "c"], "datasets": ["digits"], "lines": lines},
        {"variants": ["a"], "datasets": ["spiral"], "lines": lines},
        {
            "variants": ["b"],
            "datasets": ["spiral"],
            "lines": others,
        },
    ]
