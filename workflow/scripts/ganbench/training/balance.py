"""The numbers of an objective's formulas that move while training, such as k of BEGAN."""

import torch
from torch import Tensor

from ganbench.catalogue.objectives import Objective
from ganbench.formula.torch_loss import compile_loss


class Balance:
    """The state variables of one run's objective, by name, each in [0, 1] and 0 at the start.

    `state` are scalars on the device that losses read where they lie, so that a recorded step reads
    them too. Most objectives have none.
    """

    def __init__(self, objective: Objective, device: torch.device) -> None:
        self.state = {name: torch.zeros((), device=device) for name in objective.balance}
        self._rules = {
            name: compile_loss(rule, self.state) for name, rule in objective.balance.items()
        }

    @torch.no_grad()
    def update(self, real: Tensor, fake: Tensor) -> None:
        """Moves every variable by the mean of its formula, once a step, all at the same time.

        `real` are D's outputs on real images and `fake` those in the generator's update, as in k ←
        k + λ (γ L(x) − L(G(z_G))) (Berthelot et al. 2017, Section 3.4).
        """
        moves = [rule(real, fake) for rule in self._rules.values()]
        for number, move in zip(self.state.values(), moves, strict=True):
            number.add_(move).clamp_(0, 1)
