"""The operations of adaptive discriminator augmentation, a subset of Karras et al. 2020.

They are those that the paper calls pixel blitting, isotropic scaling, and the changes of colour.
Left out are rotation by any angle, anisotropic scaling, fractional translation, filtering, noise
and cutout. What leaves the image is filled with 0, where the paper reflects it, and a smaller image
is not filtered first. Distributions are those of the paper's Appendix B.
"""

import math

import torch
from torch import Tensor

from ganbench.augmentation.operations import (
    Noise,
    Operation,
    apply_to_share,
    draw_uniform,
    draw_whole,
    flip,
    translate,
)

BATCHES = 4
"""Batches of real images between two changes of the probability."""


def turn(images: Tensor, noise: Noise) -> Tensor:
    """Turns a square image by 0 to 3 quarters of a circle."""
    quarters = draw_whole(images, 0, 3, noise).view(-1, 1, 1, 1)
    images = torch.where(quarters >= 2, images.flip((2, 3)), images)
    return torch.where(quarters % 2 == 1, images.transpose(2, 3).flip(2), images)


def zoom(images: Tensor, noise: Noise) -> Tensor:
    """Scales about the centre by s, where log₂ s ~ N(0, 0.2²); bilinear.

    As matrix products, whose gradients are matrix products: on a GPU in `tf32` they are rounded.
    """
    factor = (0.2 * _draw_normal(images, noise)).exp2().view(-1, 1)
    rows, columns = (_resample(size, factor).to(images.dtype)[:, None] for size in images.shape[2:])
    return rows @ images @ columns.transpose(2, 3)


def _resample(size: int, factor: Tensor) -> Tensor:
    """The share of each old pixel in each new one along an axis, `(batch, size, size)`."""
    place, centre = torch.arange(size, device=factor.device), (size - 1) / 2
    source = (place - centre) / factor + centre
    return (1 - (source[:, :, None] - place).abs()).clamp(min=0)


def shift_brightness(images: Tensor, noise: Noise) -> Tensor:
    """x + b with b ~ N(0, 0.2²)."""
    return images + 0.2 * _draw_normal(images, noise)


def scale_contrast(images: Tensor, noise: Noise) -> Tensor:
    """c x, where log₂ c ~ N(0, 0.5²)."""
    return images * (0.5 * _draw_normal(images, noise)).exp2()


def invert_luma(images: Tensor, noise: Noise) -> Tensor:
    """Negates the grey part of each pixel with probability 1/2."""
    inverted = images - 2 * images.mean(dim=1, keepdim=True)
    return torch.where(draw_uniform(images, noise) < 0.5, inverted, images)


def rotate_hue(images: Tensor, noise: Noise) -> Tensor:
    """Rotates the colour about the grey axis by θ ~ U(−π, π); Rodrigues' formula."""
    angle = (2 * draw_uniform(images, noise) - 1) * math.pi
    grey = images.mean(dim=1, keepdim=True)
    across = (images.roll(-2, 1) - images.roll(-1, 1)) / math.sqrt(3)
    return grey + angle.cos() * (images - grey) + angle.sin() * across


def scale_saturation(images: Tensor, noise: Noise) -> Tensor:
    """Distances from the grey of each pixel, times s, where log₂ s ~ N(0, 1)."""
    grey = images.mean(dim=1, keepdim=True)
    return grey + _draw_normal(images, noise).exp2() * (images - grey)


def _draw_normal(images: Tensor, noise: Noise) -> Tensor:
    return torch.randn(len(images), 1, 1, 1, generator=noise, device=images.device)


GEOMETRIC = (flip, turn, translate, zoom)
GREY = (shift_brightness, scale_contrast, invert_luma)
COLOUR = (rotate_hue, scale_saturation)


def build_ada(probability: Tensor) -> Operation:
    """The operations in the paper's order, each with that probability for each image.

    `probability` is a tensor on the device, which may change in place.
    """
    always = [apply_to_share(operation, probability) for operation in (*GEOMETRIC, *GREY)]
    coloured = [apply_to_share(operation, probability) for operation in COLOUR]

    def augment(images: Tensor, noise: Noise) -> Tensor:
        for operation in (*always, *(coloured if images.shape[1] == 3 else ())):
            images = operation(images, noise)
        return images

    return augment


@torch.no_grad()
def adapt(state: dict[str, Tensor], logits: Tensor, *, target: float, images: float) -> None:
    """Moves the probability p after each `BATCHES` batches of real images, in place.

    r_t = E sign(D(x)) is 1 where D knows every real image; p rises while r_t is over `target`
    and falls otherwise, so fast that it gets from 0 to 1 over `images` of them (Section 3.1).
    """
    state["signs"].add_(logits.sign().mean())
    state["batches"].add_(1)
    is_due = state["batches"] == BATCHES
    direction = (state["signs"] / BATCHES - target).sign()
    change = direction * (BATCHES * len(logits) / images)
    state["probability"].add_(torch.where(is_due, change, 0)).clamp_(0, 1)
    for name in ("signs", "batches"):
        state[name].mul_(~is_due)
