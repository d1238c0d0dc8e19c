"""What is recorded of training: history rows, and the first non-finite loss."""

import math

import torch
from torch import Tensor, nn

from ganbench.duality_gap import minimax_value
from ganbench.training.step import Game, Losses

COLUMNS = (
    "step",
    "discriminator_steps",
    "generator_steps",
    "images",
    "seconds",
    "d_loss",
    "g_loss",
    "value",
    "d_real",
    "d_fake",
    "d_grad_norm",
    "g_grad_norm",
    "g_d_fake",
    "g_weight",
)
"""Columns of `history.csv`. `step` counts iterations of Algorithm 1, `images` the real images that
the discriminator was shown, `seconds` training time. The others are of one iteration's batches."""


def gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of the gradient that the last update of `network` followed."""
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    return torch.stack(torch._foreach_norm(gradients)).norm()


def measure(game: Game, losses: Losses) -> Tensor:
    """The last nine columns of a history row, as one tensor `(9,)` on the device.

    `value` is V(D, G) = E log D(x) + E log(1 - D(G(z))) whatever the objective (Eq. 1);
    `d_real` is the mean of D(x), `d_fake` that of D(G(z)), with D = sigmoid(logit). `g_d_fake` is
    the mean of D(G(z)) on the generator's own batch, `g_weight` the mean size of ∂L_G/∂f there.
    """
    return torch.stack(
        [
            losses.discriminator,
            losses.generator,
            minimax_value(losses.real, losses.fake),
            losses.real.sigmoid().mean(),
            losses.fake.sigmoid().mean(),
            gradient_norm(game.discriminator.network),
            gradient_norm(game.generator.network),
            losses.generator_fake.sigmoid().mean(),
            losses.generator_weight.abs().mean(),
        ]
    )


WATCHED = ("discriminator loss", "regularizer", "generator loss")
"""What may be non-finite first, in the order of a step."""


class FirstNonFinite:
    """Remembers the first step with a non-finite loss, without waiting for the device."""

    def __init__(self, device: torch.device) -> None:
        self.steps = torch.full((len(WATCHED),), math.inf, device=device)

    def watch(self, step: int, losses: Losses) -> None:
        """Takes note of the losses of one step."""
        found = torch.stack([losses.discriminator, losses.penalty, losses.generator])
        self.steps = torch.minimum(self.steps, torch.where(found.isfinite(), math.inf, float(step)))

    def reason(self, generator: nn.Module, step: int) -> tuple[int, str] | None:
        """The step and the reason of divergence, or None. Waits for the device."""
        steps = self.steps.tolist()
        if (first := min(steps)) < math.inf:
            return int(first), f"non-finite {WATCHED[steps.index(first)]}"
        if not all(each.isfinite().all() for each in generator.parameters()):
            return step, "non-finite generator weights"
        return None
