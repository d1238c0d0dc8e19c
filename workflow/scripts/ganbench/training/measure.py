"""Measures training: the columns of the history, and the first non-finite loss."""

from collections.abc import Sequence

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
    "g_update_size",
)
"""Columns of `history.csv`.

`step` counts iterations of Algorithm 1, `images` the real images that the discriminator has seen,
`seconds` the training time. `measure` explains the others.
"""


def gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of the gradient in the last update of `network`, a scalar."""
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    return torch.stack(torch._foreach_norm(gradients)).norm()


def copy_weights(network: nn.Module) -> list[Tensor]:
    """The present weights of `network`, before a step whose `update_size` is to be measured."""
    return [weight.detach().clone() for weight in network.parameters()]


@torch.no_grad()
def update_size(network: nn.Module, before: Sequence[Tensor]) -> Tensor:
    """‖w − w′‖ / ‖w′‖ over all weights w of `network`, with w′ = `before`, a scalar.

    It is what the weights really moved by: a change below their float32 resolution counts as 0.
    """
    changes = torch._foreach_sub(list(network.parameters()), list(before))
    change, size = (torch.stack(torch._foreach_norm(part)).norm() for part in (changes, before))
    return change / size


def measure(game: Game, losses: Losses, before: Sequence[Tensor]) -> Tensor:
    """The last ten columns of a history row, as one tensor `(10,)` on the device.

    All are of the batches of one iteration, with D = sigmoid(logit). `value` is V(D, G) =
    E log D(x) + E log(1 - D(G(z))) (Goodfellow et al. 2014, Eq. 1), whatever the objective.
    `d_real` is the mean of D(x), `d_fake` the mean of D(G(z)). `g_d_fake` is the mean of D(G(z)) on
    the generator's own batch, and `g_weight` the mean of |∂L_G/∂f| there. `g_update_size` is that
    of the generator's weights, which were `before` the iteration.
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
            update_size(game.generator.network, before),
        ]
    )


LOSSES = ("discriminator loss", "regularizer", "generator loss")
"""The losses of a step, in the order in which it computes them."""


class FirstNonFinite:
    """Remembers the first step with a non-finite loss, without waiting for the device.

    It counts the steps of each loss on the device, so that a CUDA graph can: the count becomes NaN
    when the loss is not finite, and `finite` keeps the last one that was a number.
    """

    def __init__(self, device: torch.device) -> None:
        self.count = torch.zeros(len(LOSSES), device=device)
        self.finite = torch.zeros(len(LOSSES), device=device)

    def watch(self, losses: Losses) -> None:
        """Checks the losses of the next step."""
        no_penalty = losses.discriminator  # the first loss of two is the one that is named
        penalty = no_penalty if losses.penalty is None else losses.penalty
        values = torch.stack([losses.discriminator, penalty, losses.generator])
        self.count.add_(values, alpha=0).add_(1)
        torch.fmax(self.finite, self.count, out=self.finite)

    def reason(self, generator: nn.Module, step: int) -> tuple[int, str] | None:
        """The step and the reason of divergence, or None. Waits for the device."""
        finite = self.finite.tolist()
        if (last := min(finite)) < step:
            return int(last) + 1, f"non-finite {LOSSES[finite.index(last)]}"
        if not all(weight.isfinite().all() for weight in generator.parameters()):
            return step, "non-finite generator weights"
        return None
