"""The optimizers that a study can name.

They are written out for two reasons. Their step counts live on the device, so that a CUDA graph can
advance them and steps have the same bits with and without graphs. And torch.optim imports torch's
compiler at the first optimizer, which takes a job longer than everything else that it imports.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.networks.layers import is_on_gpu

RMSPROP_DECAY = 0.99
"""Decay of RMSprop's mean of squared gradients, as in torch."""
PIECE = 8192
"""Numbers in a piece of a tensor on a GPU, where torch's kernels give 65,536 to a block of threads.

A network of a million weights would occupy 16 of a GPU's hundred processors.
"""


class Optimizer:
    """Moves `weights` along their gradients.

    `state` are its running means by name, each a list with a tensor for every weight, and its step
    count. A class says in `MEANS` which it has and how it moves in `_move`. All weights must have a
    gradient at every step. `options` are those of a study; the learning rate and the second beta
    may be tensors on the device, which a schedule fills.
    """

    MEANS: tuple[str, ...] = ()

    def __init__(self, weights: Iterable[nn.Parameter], options: Mapping[str, Any]) -> None:
        self.weights, self.options = list(weights), options
        self.state = {
            name: [torch.zeros_like(weight) for weight in self.weights] for name in self.MEANS
        }
        self._pieces = cut([weight.detach() for weight in self.weights])
        self._means = {name: cut(tensors) for name, tensors in self.state.items()}

    def zero_grad(self) -> None:
        """Forgets the gradients, so that the next ones are written and not added."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Moves the weights once."""
        self._move(self._pieces, cut([weight.grad for weight in self.weights]), self._means)

    def state_dict(self) -> dict[str, list[Tensor]]:
        """What later steps depend on, for `torch.save`."""
        return self.state

    def load_state_dict(self, state: Mapping[str, list[Tensor]]) -> None:
        """Copies a `state_dict` of an optimizer of the same weights."""
        for name, values in self.state.items():
            for value, saved in zip(values, state[name], strict=True):
                value.copy_(saved)

    def _move(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        """Moves weights along gradients; `means` are the running means for each of them."""
        raise NotImplementedError


def cut(tensors: list[Tensor]) -> list[Tensor]:
    """Flat views of `tensors`, whole on a CPU and in pieces of at most `PIECE` numbers on a GPU.

    A weight and its gradient have the same layout in memory, which torch sees to, so their pieces
    fit. The tensors must be dense.
    """
    size = PIECE if is_on_gpu(tensors[0]) else None
    flat = [tensor.as_strided((tensor.numel(),), (1,)) for tensor in tensors]
    return [piece for tensor in flat for piece in tensor.split(size or tensor.numel())]


class Adam(Optimizer):
    """Kingma and Ba 2015, Algorithm 1, by torch's kernel for all weights at once."""

    MEANS = ("means", "squares")

    def __init__(self, weights: Iterable[nn.Parameter], options: Mapping[str, Any]) -> None:
        super().__init__(weights, options)
        self.state["steps"] = [torch.zeros((), device=self.weights[0].device)]

    def _move(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        (steps,) = self.state["steps"]
        steps += 1
        first, second = self.options["betas"]
        if isinstance(second, Tensor):
            self._move_with_scheduled_beta(weights, gradients, means)
            return
        self._choose_kernel()(
            weights,
            gradients,
            means["means"],
            means["squares"],
            [],
            [steps] * len(weights),
            lr=self.options["lr"],
            beta1=first,
            beta2=second,
            weight_decay=self._weight_decay(),
            eps=self.options["eps"],
            amsgrad=False,
            maximize=False,
        )

    def _choose_kernel(self) -> Callable[..., None]:
        return torch._fused_adam_

    def _weight_decay(self) -> float:
        return 0.0

    def _move_with_scheduled_beta(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        """The same step, where torch's kernel would need the second beta on the host.

        The correction of the second moment is 1 − β₂ᵗ with the β₂ of step t, as in torch.optim
        where its option is changed between steps.
        """
        (steps,), (first, second) = self.state["steps"], self.options["betas"]
        lr = self.options["lr"]
        if self._weight_decay():
            torch._foreach_mul_(weights, 1 - lr * self._weight_decay())
        torch._foreach_lerp_(means["means"], gradients, 1 - first)
        squares = torch._foreach_mul(gradients, gradients)
        torch._foreach_mul_(squares, 1 - second)
        torch._foreach_mul_(means["squares"], second)
        torch._foreach_add_(means["squares"], squares)
        roots = torch._foreach_sqrt(means["squares"])
        torch._foreach_div_(roots, (1 - second**steps).sqrt())
        torch._foreach_add_(roots, self.options["eps"])
        moves = torch._foreach_div(means["means"], roots)
        torch._foreach_mul_(moves, lr / (1 - first**steps))
        torch._foreach_sub_(weights, moves)


class AdamW(Adam):
    """Adam whose weights decay apart from it (Loshchilov and Hutter 2019, Algorithm 2)."""

    def _choose_kernel(self) -> Callable[..., None]:
        return torch._fused_adamw_

    def _weight_decay(self) -> float:
        return self.options["weight_decay"]


class RMSprop(Optimizer):
    """Tieleman and Hinton 2012, Lecture 6.5: each gradient over the root of its mean square.

    With momentum, what moves the weights is a decaying sum of these, as in torch.
    """

    MEANS = ("squares", "momenta")

    def _move(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        squares, momenta = means["squares"], means["momenta"]
        lr, momentum = self.options["lr"], self.options["momentum"]
        torch._foreach_mul_(squares, RMSPROP_DECAY)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - RMSPROP_DECAY)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, self.options["eps"])
        if momentum:
            torch._foreach_mul_(momenta, momentum)
            torch._foreach_addcdiv_(momenta, gradients, roots)
        if isinstance(lr, Tensor):
            moves = momenta if momentum else torch._foreach_div(gradients, roots)
            torch._foreach_sub_(weights, torch._foreach_mul(moves, lr))
        elif momentum:
            torch._foreach_add_(weights, momenta, alpha=-lr)
        else:
            torch._foreach_addcdiv_(weights, gradients, roots, value=-lr)


class SGD(Optimizer):
    """Gradient descent; with momentum, along a decaying sum of gradients (Polyak 1964).

    With `nesterov`, the sum is taken one step further (Sutskever et al. 2013, Eq. 7). By torch's
    kernel for all weights at once.
    """

    MEANS = ("momenta",)

    def _move(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        momentum = self.options["momentum"]
        torch._fused_sgd_(
            weights,
            gradients,
            means["momenta"] if momentum else [],
            weight_decay=0.0,
            momentum=momentum,
            lr=self.options["lr"],
            dampening=0.0,
            nesterov=self.options["nesterov"],
            maximize=False,
            is_first_step=False,
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
"""The optimizers, by their names in a study."""


def build_optimizer(options: Mapping[str, Any], weights: Iterable[nn.Parameter]) -> Optimizer:
    """Builds the optimizer of one player's resolved `optimizer` options, for `weights`."""
    return OPTIMIZERS[options["name"]](weights, options)
