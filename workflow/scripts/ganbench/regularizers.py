"""Regularizers of the discriminator: any set of them goes with any objective.

A penalty is a term added to the discriminator's loss; a constraint changes the network or its
weights. Each is one function beside its paper's formula. D is here the logit, before any sigmoid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganbench.networks.build import mixes_samples

Options = Mapping[str, Any]
Penalty = Callable[[nn.Module, Tensor, Tensor, torch.Generator, Options], Tensor]
"""From D, real and fake images `(batch, …)`, a random stream and options to a scalar."""


def gradient_norms(discriminator: nn.Module, images: Tensor) -> Tensor:
    """‖∇ₓD(x)‖₂ of each image on its own, `(batch,)`, differentiable in D's weights."""
    images = images.detach().requires_grad_()
    logits = discriminator(images)
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.flatten(1).norm(dim=1)


def squared_gradient_norms(discriminator: nn.Module, images: Tensor) -> Tensor:
    """‖∇ₓD(x)‖₂² of each image, `(batch,)`; its gradient is finite at 0, unlike the norm's."""
    images = images.detach().requires_grad_()
    logits = discriminator(images)
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.flatten(1).square().sum(dim=1)


def gradient_penalty(
    discriminator: nn.Module, real: Tensor, fake: Tensor, noise: torch.Generator, options: Options
) -> Tensor:
    """λ E (‖∇D(x̂)‖₂ − 1)², x̂ = εx + (1 − ε)G(z), ε ~ U(0, 1) (Gulrajani et al. 2017, Eq. 3)."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), generator=noise, device=real.device)
    between = share * real + (1 - share) * fake
    return options["weight"] * (gradient_norms(discriminator, between) - 1).square().mean()


def dragan(
    discriminator: nn.Module, real: Tensor, fake: Tensor, noise: torch.Generator, options: Options
) -> Tensor:
    """λ E (‖∇D(x + δ)‖₂ − 1)², δ ~ N(0, c²) around real x (Kodali et al. 2017, Section 2.4).

    c is `scale` times the standard deviation of the batch's pixels.
    """
    delta = torch.randn(real.shape, generator=noise, device=real.device)
    near = real + options["scale"] * real.std() * delta
    return options["weight"] * (gradient_norms(discriminator, near) - 1).square().mean()


def r1(
    discriminator: nn.Module, real: Tensor, fake: Tensor, noise: torch.Generator, options: Options
) -> Tensor:
    """γ/2 E ‖∇D(x)‖² on real images (Mescheder et al. 2018, Eq. 9)."""
    return options["weight"] / 2 * squared_gradient_norms(discriminator, real).mean()


def r2(
    discriminator: nn.Module, real: Tensor, fake: Tensor, noise: torch.Generator, options: Options
) -> Tensor:
    """γ/2 E ‖∇D(G(z))‖² on fake images (Mescheder et al. 2018, Eq. 10)."""
    return options["weight"] / 2 * squared_gradient_norms(discriminator, fake).mean()


PENALTIES: dict[str, Penalty] = {
    "gradient_penalty": gradient_penalty,
    "dragan": dragan,
    "r1": r1,
    "r2": r2,
}
"""Terms of the discriminator's loss, by their names in a study."""


@torch.no_grad()
def weight_clip(discriminator: nn.Module, limit: float) -> None:
    """Clips every weight to [−c, c] after each update (Arjovsky et al. 2017, Algorithm 1)."""
    for weight in discriminator.parameters():
        weight.clamp_(-limit, limit)


def spectral_norm(discriminator: nn.Module) -> None:
    """Divides every weight matrix by its largest singular value, W / σ(W).

    σ comes from one power iteration per forward pass (Miyato et al. 2018, Algorithm 1). The vectors
    of the iteration are part of the network's state; the initial weights do not change.
    """
    for layer in list(discriminator.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            parametrizations.spectral_norm(layer, n_power_iterations=1)


CONSTRAINTS = ("weight_clip", "spectral_norm")
"""Changes to the network or its weights, by their names in a study; see `Regularization`."""


@dataclass(frozen=True)
class Regularization:
    """The set of regularizers of one run, as a training step uses them.

    `options` are the resolved options of each regularizer, by name. A penalty with `every: k` is
    added only at every k-th update of the discriminator, multiplied by k (lazy regularization,
    Karras et al. 2020, Section 3.1).
    """

    options: Mapping[str, Options]
    noise: torch.Generator | None = None

    def prepare(self, discriminator: nn.Module) -> None:
        """Changes the network once, before training.

        Raises ValueError if a penalty needs each sample's own gradient, and batch normalisation
        mixes the samples.
        """
        penalties = [name for name in self.options if name in PENALTIES]
        if penalties and mixes_samples(discriminator):
            raise ValueError(
                f"{penalties[0]} needs the gradient of each sample's own logit, and batch "
                "normalisation mixes samples: set discriminator_norm to none or layer"
            )
        if "spectral_norm" in self.options:
            spectral_norm(discriminator)

    def due(self, update: int) -> tuple[str, ...]:
        """The penalties of discriminator update `update` (from 0)."""
        return tuple(
            name
            for name, options in self.options.items()
            if name in PENALTIES and update % options["every"] == 0
        )

    def penalty(self, discriminator: nn.Module, real: Tensor, fake: Tensor, update: int) -> Tensor:
        """The sum of the penalties due at discriminator update `update` (from 0), a scalar."""
        total = torch.zeros((), device=real.device)
        for name in self.due(update):
            options = self.options[name]
            term = PENALTIES[name](discriminator, real, fake, self.noise, options)
            total = total + options["every"] * term
        return total

    def constrain(self, discriminator: nn.Module) -> None:
        """Changes the weights after each update."""
        if "weight_clip" in self.options:
            weight_clip(discriminator, self.options["weight_clip"]["limit"])
