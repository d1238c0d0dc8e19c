"""The optimizers that a study can name.

They are written out for two reasons. Their step counts live on the device, so that a CUDA graph can
advance them and steps have the same bits with and without graphs. And torch.optim imports torch's
compiler at the first optimizer, which takes a job longer than everything else that it imports.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.networks.layers import is_on_gpu

EPSILON = 1e-8
"""Added to the denominators of Adam and RMSprop, as in torch."""
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
    gradient at every step.
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
        torch._fused_adam_(
            weights,
            gradients,
            means["means"],
            means["squares"],
            [],
            [steps] * len(weights),
            lr=self.options["lr"],
            beta1=first,
            beta2=second,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )


class RMSprop(Optimizer):
    """Tieleman and Hinton 2012, Lecture 6.5: each gradient over the root of its mean square.

    With momentum, what moves the weights is a decaying sum of these, as in torch.
    """

    MEANS = ("squares", "momenta")

    def _move(
        self, weights: list[Tensor], gradients: list[Tensor], means: Mapping[str, list[Tensor]]
    ) -> None:
        squares, momenta = means["squares"], means["momenta"]
        torch._foreach_mul_(squares, RMSPROP_DECAY)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - RMSPROP_DECAY)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, EPSILON)
        if self.options["momentum"] == 0:
            torch._foreach_addcdiv_(weights, gradients, roots, value=-self.options["lr"])
            return
        torch._foreach_mul_(momenta, self.options["momentum"])
        torch._foreach_addcdiv_(momenta, gradients, roots)
        torch._foreach_add_(weights, momenta, alpha=-self.options["lr"])


class SGD(Optimizer):
    """Gradient descent; with momentum, along a decaying sum of gradients (Polyak 1964).

    By torch's kernel for all weights at once.
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
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
"""The optimizers, by their names in a study."""


def build_optimizer(options: Mapping[str, Any], weights: Iterable[nn.Parameter]) -> Optimizer:
    """Builds the optimizer of a run's resolved `optimizer` options, for `weights`."""
    return OPTIMIZERS[options["name"]](weights, options)
