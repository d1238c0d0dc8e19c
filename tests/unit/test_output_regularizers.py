"""Regularizers of D's outputs: closed forms, and every objective."""

import itertools

import pytest
import torch
from ganbench.augmentation import operations
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.networks.build import build_discriminator
from ganbench.regularizers import OUTPUT_REGULARIZERS, Regularization, top_k
from ganbench.study.schema import StudyError
from ganbench.terminal.arithmetic import estimate_step_operations
from ganbench.training.flops import count_flops
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from torch import nn
from training_example import PIXELS, choose_network, read_weights, resolve_run

CONSISTENCY = {"real_weight": 3.0, "fake_weight": 5.0, "flip": True}


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Linear(nn.Module):
    """D(x) = w·x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(64, generator=noise(), dtype=torch.float64))

    def forward(self, images):
        return images.flatten(1) @ self.weight


@pytest.fixture
def batches():
    return [torch.randn(5, 1, 8, 8, generator=noise(seed), dtype=torch.float64) for seed in (1, 2)]


def penalise(options: dict, network: nn.Module, batches: list[torch.Tensor]) -> torch.Tensor:
    logits = tuple(network(images) for images in batches)
    return Regularization(options, noise()).penalty(network, *batches, 0, logits)


@pytest.mark.parametrize("flips", [True, False], ids=["flips", "shifts only"])
def test_consistency_of_a_linear_discriminator_is_the_closed_form(batches, flips):
    """It is (w·(x − T(x)))², whose gradient is 2 (w·(x − T(x))) (x − T(x))."""
    network = Linear()
    penalty = penalise({"consistency": {**CONSISTENCY, "flip": flips}}, network, batches)
    (gradient,) = torch.autograd.grad(penalty, network.weight)
    stream, weight = noise(), network.weight.detach()
    changed = [operations.translate(images, stream) for images in batches]
    if flips:
        changed = [operations.flip(images, stream) for images in changed]
    expected, slope = 0.0, torch.zeros_like(weight)
    for factor, images, others in zip((3, 5), batches, changed, strict=True):
        for image, other in zip(images, others, strict=True):
            moved = (image - other).flatten()
            expected += factor / 5 * float(weight @ moved) ** 2
            slope += factor / 5 * 2 * (weight @ moved) * moved
    assert expected > 1
    assert float(penalty.detach()) == pytest.approx(expected)
    torch.testing.assert_close(gradient, slope)


def test_consistency_goes_with_batch_normalisation_in_separate_passes(batches):
    torch.manual_seed(0)
    options = {"width": 3, "discriminator_norm": "batch"}
    network = build_discriminator(resolve_run(network=options), (1, 8, 8)).double()
    passes = []
    network.register_forward_hook(lambda *_: passes.append(1))
    assert penalise({"consistency": CONSISTENCY}, network, batches).isfinite()
    assert len(passes) == 4  # two of the update, two of the changed images


def test_lecam_is_the_closed_form_with_averages_over_the_updates(batches):
    """α = Σ γᵗ⁻ˢ mₛ / Σ γᵗ⁻ˢ over the updates s ≤ t with mean outputs mₛ."""
    network, decay, weight = Linear(), 0.8, 0.3
    regularization = Regularization({"lecam": {"weight": weight, "decay": decay}}, noise())
    regularization.prepare(network)
    outputs = []
    for scale in (1.0, 2.0, -0.5):
        images = [scale * batch for batch in batches]
        logits = tuple(network(batch) for batch in images)
        outputs.append([part.detach() for part in logits])
        penalty = regularization.penalty(network, *images, 0, logits)
    shares = torch.tensor([decay**2, decay, 1.0], dtype=torch.float64)
    real_mean, fake_mean = (
        (shares * torch.stack([update[of].mean() for update in outputs])).sum() / shares.sum()
        for of in (0, 1)
    )
    real, fake = outputs[-1]
    expected = weight * ((real - fake_mean) ** 2).mean() + weight * ((fake - real_mean) ** 2).mean()
    torch.testing.assert_close(penalty.detach(), expected)
    (gradient,) = torch.autograd.grad(penalty, network.weight)
    x, z = (batch.flatten(1) for batch in images)
    slope = 2 * weight * ((real - fake_mean) @ x + (fake - real_mean) @ z) / 5
    torch.testing.assert_close(gradient, slope)  # the averages are constants


@pytest.mark.parametrize("share", [0.01, 0.4, 1.0])
def test_top_k_is_the_loss_on_the_best_fakes(share):
    f = torch.tensor([0.3, -1.0, 2.0, 2.0, 0.1], requires_grad=True)
    best = {0.01: [2], 0.4: [2, 3], 1.0: [2, 3, 0, 4, 1]}[share]
    loss = top_k(lambda r, f: f.square().mean(), share)(None, f)
    (gradient,) = torch.autograd.grad(loss, f)
    expected = torch.zeros(5)
    expected[best] = 2 * f.detach()[best] / len(best)
    assert float(loss.detach()) == pytest.approx(float(f.detach()[best].square().mean()))
    torch.testing.assert_close(gradient, expected)


def test_top_k_keeps_the_real_samples_that_the_best_fakes_are_compared_with():
    r, f = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.0, 5.0, -1.0, 3.0])
    seen = []
    top_k(lambda *logits: seen.append(logits), 0.5)(r, f)
    ((real, fake),) = seen
    assert (real.tolist(), fake.tolist()) == ([2.0, 4.0], [5.0, 3.0])


def test_top_k_of_a_diverged_generator_is_not_finite():
    """A run that diverges must end as one that did."""
    loss = top_k(lambda r, f: f.mean(), 0.5)(None, torch.tensor([1.0, float("nan"), 0.0, 2.0]))
    assert not loss.isfinite()


@pytest.mark.parametrize(
    ("objective", "name"),
    [
        pair
        for pair in itertools.product(OBJECTIVES, OUTPUT_REGULARIZERS)
        if pair != ("began", "top_k")  # refused, as test_began.py says
    ],
)
def test_output_regularizer_goes_with_every_objective_and_changes_training(objective, name):
    players = []
    for options in ({}, {name: {}}):
        network = choose_network(objective)
        run = resolve_run(objective=objective, regularizers=options, network=network)
        game = set_up_game(run, "digits", 0, PIXELS)
        for step in (1, 2):
            losses = adversarial_step(game, step)
        assert losses.generator.isfinite()
        assert (losses.penalty is None) == (name == "top_k" or not options)
        players.append([read_weights(player.network) for player in game.players])
    plain, regularized = players
    assert not any(torch.equal(one, other) for one, other in zip(plain, regularized, strict=True))


def test_flops_of_consistency_are_one_more_pass_of_both_batches():
    network = {"name": "mlp", "width": 5}
    options = ({}, {"consistency": {}}, {"consistency": {}, "r1": {"every": 2}}, {"r1": {}})
    counts, estimates = [], []
    for regularizers in options:
        parameters = resolve_run(regularizers=regularizers, network=network, batch_size=7)
        counts.append(count_flops(parameters, (1, 8, 8))["step"])
        estimates.append(estimate_step_operations(parameters, (1, 8, 8)))
    plain, consistent, with_lazy_r1, r1 = counts
    forward = 2 * (64 * 5 + 5 * 5 + 5 * 5 + 5)
    backward = 2 * forward - 2 * 64 * 5  # to the weights, and to all inputs but the first
    assert consistent - plain == 2 * 7 * (forward + backward)
    assert with_lazy_r1 - consistent == (r1 - plain) / 2
    assert estimates[1] - estimates[0] == 2 * 7 * 3 * forward


@pytest.mark.parametrize(
    ("dataset", "training", "message"),
    [
        ("digits", {"augment": {"name": "flip"}}, r"augment\.name \(v on digits\): found 'flip'"),
        ("mixture_1d", {"network": {"name": "mlp"}}, "flips and shifts need images"),
    ],
    ids=["augmentation", "points"],
)
def test_consistency_is_refused_where_it_would_compare_nothing(dataset, training, message):
    with pytest.raises(StudyError, match=message):
        resolve_run(dataset, regularizers={"consistency": {}}, **training)
