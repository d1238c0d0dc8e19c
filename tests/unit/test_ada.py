"""Adaptive augmentation: its operations on single images in NumPy, and its probability."""

import colorsys
import math

import numpy as np
import pytest
import torch
from ganbench.augmentation import ada
from ganbench.augmentation.augmentation import AUGMENTATION_STREAMS, Augmentation
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.formula.boundary import separates_at_zero
from ganbench.study.schema import StudyError
from ganbench.training.flops import count_flops
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from training_example import make_pixels, read_weights, resolve_run

OPERATIONS = (*ada.GEOMETRIC[1:2], ada.zoom, *ada.GREY, *ada.COLOUR)
every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.__name__
)


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def zoom_image(image: np.ndarray, factor: float) -> np.ndarray:
    """Bilinear interpolation, pixel by pixel; 0 outside."""
    zoomed = np.zeros_like(image)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            y = (row - (height - 1) / 2) / factor + (height - 1) / 2
            x = (column - (width - 1) / 2) / factor + (width - 1) / 2
            for near_y in (math.floor(y), math.floor(y) + 1):
                for near_x in (math.floor(x), math.floor(x) + 1):
                    if 0 <= near_y < height and 0 <= near_x < width:
                        share = (1 - abs(y - near_y)) * (1 - abs(x - near_x))
                        zoomed[:, row, column] += share * image[:, near_y, near_x]
    return zoomed


def hue_matrix(angle: float) -> np.ndarray:
    """The rotation about (1, 1, 1)/√3, as the exponential of its generator's eigenvalues."""
    axis = np.ones(3) / math.sqrt(3)
    cross = np.array(
        [[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]], dtype=complex
    )
    values, vectors = np.linalg.eig(cross)
    return (vectors @ np.diag(np.exp(angle * values)) @ np.linalg.inv(vectors)).real


def change_image(name: str, image: np.ndarray, drawn: float) -> np.ndarray:
    """One image, from the number drawn for it."""
    grey = image.mean(axis=0)
    match name:
        case "turn":
            return np.rot90(image, int(drawn), axes=(1, 2))
        case "zoom":
            return zoom_image(image, 2 ** (0.2 * drawn))
        case "shift_brightness":
            return image + 0.2 * drawn
        case "scale_contrast":
            return image * 2 ** (0.5 * drawn)
        case "invert_luma":
            return image - 2 * grey if drawn < 0.5 else image
        case "rotate_hue":
            matrix = hue_matrix((2 * drawn - 1) * math.pi)
            return np.einsum("ij,jhw->ihw", matrix, image)
        case "scale_saturation":
            return 2**drawn * image + (1 - 2**drawn) * grey


@every_operation
def test_operation_equals_the_paper_on_single_images(operation):
    name, stream = operation.__name__, noise()
    images = torch.rand(7, 3, 6, 6, generator=noise(1), dtype=torch.float64) * 2 - 1
    if name == "turn":
        drawn = torch.randint(0, 4, (7,), generator=stream)
    elif name in ("invert_luma", "rotate_hue"):
        drawn = torch.rand(7, 1, 1, 1, generator=stream)
    else:
        drawn = torch.randn(7, 1, 1, 1, generator=stream)
    expected = [
        change_image(name, image, number)
        for image, number in zip(images.numpy(), drawn.flatten().tolist(), strict=True)
    ]
    changed = operation(images, noise()).numpy()
    np.testing.assert_allclose(changed, np.stack(expected), rtol=1e-5, atol=1e-6)
    assert not np.allclose(changed, images.numpy())


def test_hue_is_rotated_from_red_over_green_to_blue(monkeypatch):
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    third = torch.full((1, 1, 1, 1), (2 / 3 + 1) / 2)  # an angle of 2π/3
    monkeypatch.setattr(ada, "draw_uniform", lambda *_: third)
    green = ada.rotate_hue(red, None)
    assert colorsys.rgb_to_hsv(*green.flatten().tolist())[0] == pytest.approx(1 / 3, abs=1e-6)


@every_operation
def test_operation_is_differentiable_twice(operation):
    small = torch.rand(2, 3, 4, 4, generator=noise(2), dtype=torch.float64, requires_grad=True)

    def change(batch: torch.Tensor) -> torch.Tensor:
        return operation(batch, noise(5)) ** 2

    assert torch.autograd.gradcheck(change, small)
    assert torch.autograd.gradgradcheck(change, small)


def test_each_operation_is_applied_with_the_probability(monkeypatch):
    """With brightness alone, the share of changed images is p, also after p changed in place."""
    monkeypatch.setattr(ada, "GEOMETRIC", ())
    monkeypatch.setattr(ada, "GREY", (ada.shift_brightness,))
    probability, images = torch.zeros(()), torch.zeros(4000, 1, 2, 2)
    augment = ada.build_ada(probability)
    for share in (0.0, 0.3, 1.0):
        probability.fill_(share)
        changed = augment(images, noise()).flatten(1).any(dim=1).float().mean()
        assert float(changed) == pytest.approx(share, abs=0.03 * (0 < share < 1))


def test_probability_follows_the_sign_of_real_logits_every_four_batches():
    options = {"name": "ada", "probability": 0.5, "target": 0.6, "images": 800}
    augment, history = Augmentation(options, {}, torch.device("cpu")), []
    known, unknown = torch.ones(20), torch.tensor([1.0, -2.0] * 10)
    for logits in [known] * 4 + [known] * 3 + [unknown] + [unknown] * 8:
        augment.watch(logits)
        history.append(float(augment.state["probability"]))
    # each change is 4 · 20 / 800; a mean sign of (3 + 0)/4 is over the target, one of 0 is not
    expected = [0.5] * 3 + [0.6] * 4 + [0.7] * 4 + [0.6] * 4 + [0.5]
    assert history == pytest.approx(expected)


@pytest.mark.parametrize(("sign", "limit"), [(1.0, 1.0), (-1.0, 0.0)])
def test_probability_stays_between_0_and_1(sign, limit):
    options = {"name": "ada", "probability": 0.5, "target": 0.0, "images": 10}
    augment = Augmentation(options, {}, torch.device("cpu"))
    for _ in range(12):
        augment.watch(torch.full((20,), sign))
    assert float(augment.state["probability"]) == limit


def play(augment: dict | None, steps: int = 9, **options: object):
    training = {} if augment is None else {"augment": augment}
    parameters = resolve_run("cifar10", **training, **options)
    game = set_up_game(parameters, "d", 0, make_pixels("cifar10"))
    for step in range(1, steps + 1):
        adversarial_step(game, step)
    return game


def test_ada_begins_with_the_bits_of_a_run_without_and_then_leaves_them():
    """Its probability is 0 until a fourth batch has been judged."""
    adaptive = {"name": "ada", "images": 100, "target": -1}
    for steps, equal in ((3, True), (9, False)):
        games = [play(augment, steps) for augment in (None, adaptive)]
        weights = [read_weights(game.generator.network) for game in games]
        assert torch.equal(*weights) == equal
    assert games[1].augment.state["probability"] > 0


def test_ada_with_a_probability_that_stays_0_keeps_every_bit():
    options = {"regularizers": {"r1": {}}}
    games = [play(augment, **options) for augment in (None, {"name": "ada", "target": 1})]
    for one, other in zip(*(game.players for game in games), strict=True):
        assert torch.equal(read_weights(one.network), read_weights(other.network))


@pytest.mark.promise("matched-seeds")
def test_draws_of_ada_do_not_depend_on_its_probability():
    games = [play({"name": "ada", "probability": start}, 2) for start in (0.1, 0.9)]
    for name in AUGMENTATION_STREAMS:
        one, other = (game.streams[name].get_state() for game in games)
        assert torch.equal(one, other)


ZERO = {"minimax", "non_saturating", "hinge", "reverse_kl", "pearson_chi2", "neyman_chi2"}
ZERO |= {"squared_hellinger", "jensen_shannon", "total_variation"}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_without_a_border_at_0_are_refused_with_the_reason(name):
    assert separates_at_zero(read_objective(name, OBJECTIVES[name]).discriminator) == (name in ZERO)
    if name in ZERO:
        assert resolve_run(objective=name, augment={"name": "ada"})["augment"]["target"] == 0.6
    else:
        with pytest.raises(StudyError, match=f"found 'ada'.* with {name}: ada follows the sign"):
            resolve_run(objective=name, augment={"name": "ada"})


def test_least_squares_has_its_border_at_0_with_targets_of_minus_1_and_1():
    definition = {**OBJECTIVES["least_squares"], "constants": {"a": -1, "b": 1, "c": 0}}
    assert separates_at_zero(read_objective("ls", definition).discriminator)


def test_matrix_products_of_ada_are_counted():
    options = [{}, {"augment": {"name": "ada"}}]
    plain, augmented = (
        count_flops(resolve_run(objective="minimax", batch_size=7, **option), (1, 8, 8))["step"]
        for option in options
    )
    # two products of 8 × 8 matrices for each of 14 images of D's update; in G's update they are
    # made for 7, and the gradient takes two more
    assert augmented - plain == (14 + 7 + 7) * 2 * 2 * 8**3
