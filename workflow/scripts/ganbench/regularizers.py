"""Regularizers: any set of them goes with any objective.

A penalty is a term added to the discriminator's loss: of its gradients, or of its outputs alone. A
constraint changes the network or its weights, and `top_k` the generator's loss. Each stands beside
its paper's formula. D is here the logit, before any sigmoid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganbench.augmentation.operations import flip, translate
from ganbench.formula.torch_loss import Loss
from ganbench.networks.build import mixes_samples
from ganbench.networks.second_order import differentiable_inputs

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Penalty:
    """A term of the discriminator's loss: weight × `factor` × the mean cost of D's gradients.

    `place(real, fake, noise, options)` are the images of these gradients, `(batch, …)`, from real
    and generated ones and a random stream. `cost(gradients)` is `(batch,)`, from the gradients of
    all images, `(batch, pixels)`.
    """

    place: Callable[[Tensor, Tensor, torch.Generator, Options], Tensor]
    cost: Callable[[Tensor], Tensor]
    factor: float = 1.0


def gradients_at(
    discriminator: nn.Module, images: Tensor, augment: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """∇ₓD(x) of each image on its own, `(batch, pixels)`, differentiable in D's weights.

    With an augmentation T it is ∇ₓD(T(x)).
    """
    images = images.detach().requires_grad_()
    with differentiable_inputs(discriminator):
        logits = discriminator(augment(images) if augment else images)
        (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.flatten(1)


def squared_distance_to_one(gradients: Tensor) -> Tensor:
    """(‖∇D‖₂ − 1)² of each image."""
    return (gradients.norm(dim=1) - 1).square()


def square(gradients: Tensor) -> Tensor:
    """‖∇D‖₂² of each image; its gradient is finite at 0, unlike the norm's."""
    return gradients.square().sum(dim=1)


def place_between(real: Tensor, fake: Tensor, noise: torch.Generator, _options: Options) -> Tensor:
    """x̂ = εx + (1 − ε)G(z), with one ε ~ U(0, 1) for each image."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), generator=noise, device=real.device)
    return share * real + (1 - share) * fake


def place_near(real: Tensor, _fake: Tensor, noise: torch.Generator, options: Options) -> Tensor:
    """x + δ with δ ~ N(0, c²), where c is `scale` times the standard deviation of the pixels."""
    delta = torch.randn(real.shape, generator=noise, device=real.device)
    return real + options["scale"] * real.std() * delta


PENALTIES: dict[str, Penalty] = {
    # λ E (‖∇D(x̂)‖₂ − 1)² (Gulrajani et al. 2017, Eq. 3)
    "gradient_penalty": Penalty(place_between, squared_distance_to_one),
    # λ E (‖∇D(x + δ)‖₂ − 1)² (Kodali et al. 2017, Section 2.4)
    "dragan": Penalty(place_near, squared_distance_to_one),
    # γ/2 E ‖∇D(x)‖² on real images (Mescheder et al. 2018, Eq. 9)
    "r1": Penalty(lambda real, _fake, _noise, _options: real, square, 1 / 2),
    # γ/2 E ‖∇D(G(z))‖² on fake images (Mescheder et al. 2018, Eq. 10)
    "r2": Penalty(lambda _real, fake, _noise, _options: fake, square, 1 / 2),
}
"""Terms of the discriminator's loss, by their names in a study."""


def consistency(
    discriminator: nn.Module,
    batches: tuple[Tensor, Tensor],
    logits: tuple[Tensor, Tensor],
    noise: torch.Generator | None,
    options: Options,
) -> Tensor:
    """λ_real E (D(x) − D(T(x)))² + λ_fake E (D(G(z)) − D(T(G(z))))² (Zhao et al. 2021, bCR).

    T moves an image by up to 1/8 of its size and, with `flip`, exchanges left and right of half of
    them. `batches` and `logits` are of real and of fake images.
    """
    changed = [translate(images, noise) for images in batches]
    if options["flip"]:
        changed = [flip(images, noise) for images in changed]
    if mixes_samples(discriminator):
        others = [discriminator(images) for images in changed]
    else:
        others = discriminator(torch.cat(changed)).split([len(images) for images in changed])
    real, fake = ((one - other).square().mean() for one, other in zip(logits, others, strict=True))
    return options["real_weight"] * real + options["fake_weight"] * fake


def lecam(logits: tuple[Tensor, Tensor], means: Tensor, options: Options) -> Tensor:
    """λ (E (D(x) − α_F)² + E (D(G(z)) − α_R)²) (Tseng et al. 2021, R_LC).

    α_R and α_F are moving averages of D's mean output on real and fake images, of which this batch
    is the last. `means` `(3,)` holds them and, to correct their bias towards the initial 0 (Kingma
    and Ba 2015, Section 3), the average of 1; it is updated in place.
    """
    real, fake = logits
    with torch.no_grad():
        batch = torch.stack([real.mean(), fake.mean(), torch.ones_like(means[2])])
        means.lerp_(batch.to(means.dtype), 1 - options["decay"])
        real_mean, fake_mean = means[:2] / means[2]
    distances = (real - fake_mean).square().mean() + (fake - real_mean).square().mean()
    return options["weight"] * distances


def top_k(loss: Loss, share: float) -> Loss:
    """The generator's loss on the k fake samples with the highest D(G(z)) (Sinha et al. 2020).

    k is the same share of every batch; the paper lowers it while training. A loss that compares
    real samples with fake ones keeps those of the same places in the batch.
    """

    def loss_of_best(r: Tensor | None, f: Tensor) -> Tensor:
        best = f.detach().argsort(descending=True, stable=True)[: max(1, round(share * len(f)))]
        # picked by a sum, whose gradient has a deterministic kernel
        is_best = best[:, None] == torch.arange(len(f), device=f.device)
        r, f = (x if x is None else torch.where(is_best, x, 0).sum(dim=1) for x in (r, f))
        return loss(r, f)

    return loss_of_best


OUTPUT_REGULARIZERS = ("consistency", "lecam", "top_k")
"""Regularizers of D's outputs, by their names in a study; see `Regularization`."""


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
    Karras et al. 2020, Section 3.1). With `in_one_pass`, one pass takes the gradients of all
    penalties, which is the same but for rounding: a GPU spends more time on starting a pass than on
    its arithmetic. `augment` changes the images of penalties, as all that D sees. `state` are the
    tensors that change while training.
    """

    options: Mapping[str, Options]
    noise: torch.Generator | None = None
    in_one_pass: bool = False
    augment: Callable[[Tensor], Tensor] | None = None
    state: dict[str, Tensor] = field(default_factory=dict)

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
        if "lecam" in self.options:
            self.state["lecam"] = next(discriminator.parameters()).new_zeros(3)

    def restrict(self, loss: Loss) -> Loss:
        """The generator's loss with what the study leaves out of it."""
        return top_k(loss, self.options["top_k"]["share"]) if "top_k" in self.options else loss

    def due(self, update: int) -> tuple[str, ...]:
        """The penalties on gradients of discriminator update `update` (from 0)."""
        return tuple(
            name
            for name, options in self.options.items()
            if name in PENALTIES and update % options["every"] == 0
        )

    def penalty(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        update: int,
        logits: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor | None:
        """The sum of the penalties due at discriminator update `update` (from 0), a scalar.

        `logits` are those of the real and the fake images in this update. None if no penalty is
        due.
        """
        due = self.due(update)
        places = [PENALTIES[name].place(real, fake, self.noise, self.options[name]) for name in due]
        terms = []
        for name, gradients in zip(due, self._gradients_at(discriminator, places), strict=True):
            penalty, options = PENALTIES[name], self.options[name]
            scale = options["every"] * options["weight"] * penalty.factor
            terms.append(scale * penalty.cost(gradients).mean())
        terms += self._penalise_outputs(discriminator, (real, fake), logits)
        return sum(terms[1:], terms[0]) if terms else None

    def _penalise_outputs(
        self,
        discriminator: nn.Module,
        batches: tuple[Tensor, Tensor],
        logits: tuple[Tensor, Tensor] | None,
    ) -> list[Tensor]:
        terms = []
        if options := self.options.get("consistency"):
            terms.append(consistency(discriminator, batches, logits, self.noise, options))
        if options := self.options.get("lecam"):
            terms.append(lecam(logits, self.state["lecam"], options))
        return terms

    def _gradients_at(self, discriminator: nn.Module, places: list[Tensor]) -> list[Tensor]:
        if self.in_one_pass and len(places) > 1:
            sizes = [len(images) for images in places]
            gradients = gradients_at(discriminator, torch.cat(places), self.augment)
            return list(gradients.split(sizes))
        return [gradients_at(discriminator, images, self.augment) for images in places]

    def constrain(self, discriminator: nn.Module) -> None:
        """Changes the weights after each update."""
        if "weight_clip" in self.options:
            weight_clip(discriminator, self.options["weight_clip"]["limit"])
