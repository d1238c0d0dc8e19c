"""Augmentations: against single images in NumPy, and what they must leave as it is."""

import numpy as np
import pytest
import torch
from ganbench.augmentation import operations
from ganbench.augmentation.augmentation import (
    AUGMENTATION_STREAMS,
    DIFFAUGMENT,
    Augmentation,
    list_operations,
)
from ganbench.networks.build import build_discriminator
from ganbench.randomness import Stream
from ganbench.regularizers import gradients_at
from ganbench.study.schema import StudyError
from ganbench.training.run import set_up_game
from ganbench.training.step import Game, adversarial_step
from training_example import make_pixels, read_weights, resolve_run

DIFF = {"name": "diffaugment", "operations": list(DIFFAUGMENT), "probability": 1.0}
FLIP = {**DIFF, "name": "flip"}
OPERATIONS = {
    "flip": operations.flip,
    "brighten": operations.brighten,
    "saturate": operations.saturate,
    "contrast": operations.contrast,
    "translate": operations.translate,
    "cut_out": operations.cut_out,
}


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> torch.Tensor:
    """Nine images of an odd and an even size, in float64."""
    return torch.rand(9, 3, 15, 8, generator=noise(1), dtype=torch.float64) * 2 - 1


def move(image: np.ndarray, down: int, right: int) -> np.ndarray:
    moved = np.zeros_like(image)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                moved[:, row, column] = image[:, row - down, column - right]
    return moved


def cut(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Without the square of half the image's size, 8 rows and 4 columns, around a centre."""
    emptied = image.copy()
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if row - 4 <= y < row + 4 and column - 2 <= x < column + 2:
                emptied[:, y, x] = 0
    return emptied


def shares(count: int, stream: torch.Generator) -> list[float]:
    return torch.rand(count, 1, 1, 1, generator=stream).flatten().tolist()


def one_by_one(name: str, images: torch.Tensor, stream: torch.Generator) -> np.ndarray:
    """Zhao et al. 2020, Section 4.1, image by image, from the same numbers."""
    count, pixels = len(images), images.numpy()
    if name == "translate":
        # 1/8 of 15 and of 8 pixels, rounded
        down = torch.randint(-2, 3, (count,), generator=stream).tolist()
        right = torch.randint(-1, 2, (count,), generator=stream).tolist()
        return np.stack([move(*arguments) for arguments in zip(pixels, down, right, strict=True)])
    if name == "cut_out":
        rows = torch.randint(0, 16, (count,), generator=stream).tolist()
        columns = torch.randint(0, 9, (count,), generator=stream).tolist()
        return np.stack([cut(*arguments) for arguments in zip(pixels, rows, columns, strict=True)])
    changes = {
        "flip": lambda image, u: image[:, :, ::-1] if u < 0.5 else image,
        "brighten": lambda image, u: image + u - 0.5,
        "saturate": lambda image, u: 2 * u * image + (1 - 2 * u) * image.mean(axis=0),
        "contrast": lambda image, u: (u + 0.5) * image + (0.5 - u) * image.mean(),
    }
    drawn = shares(count, stream)
    return np.stack([changes[name](*pair) for pair in zip(pixels, drawn, strict=True)])


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_equals_the_paper_on_single_images(name, images):
    expected = one_by_one(name, images, noise())
    changed = OPERATIONS[name](images, noise())
    np.testing.assert_allclose(changed.numpy(), expected, rtol=1e-6, atol=1e-7)
    assert not np.allclose(expected, images.numpy())


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_differentiable_twice(name):
    small = torch.rand(2, 3, 4, 4, generator=noise(2), dtype=torch.float64, requires_grad=True)

    def change(batch: torch.Tensor) -> torch.Tensor:
        return OPERATIONS[name](batch, noise(5)) ** 2

    assert torch.autograd.gradcheck(change, small)
    assert torch.autograd.gradgradcheck(change, small)


def test_shift_beyond_the_image_leaves_nothing(images):
    far = torch.full((9,), 20)
    assert not operations.shift(images, far, torch.zeros_like(far)).any()


def test_diffaugment_makes_the_chosen_changes_in_the_order_of_the_paper(images):
    stream = noise()
    options = {**DIFF, "operations": ["cutout", "colour"]}
    (augment,) = list_operations(options)
    changed = augment(images, stream)
    expected, stream = images, noise()
    torch.rand(9, 1, 1, 1, generator=stream)  # which images are augmented: all
    for name in ("brighten", "saturate", "contrast", "cut_out"):
        expected = OPERATIONS[name](expected, stream)
    assert torch.equal(changed, expected)


@pytest.mark.parametrize("options", [FLIP, DIFF], ids=["flip", "diffaugment"])
def test_only_the_share_of_the_probability_is_augmented(options):
    batch = torch.rand(4000, 1, 8, 8, generator=noise(1))
    (augment,) = list_operations({**options, "probability": 0.3})
    unchanged = (augment(batch, noise()) == batch).flatten(1).all(dim=1)
    share = 0.3 / 2 if options is FLIP else 0.3  # half of the images are flipped
    assert float(unchanged.float().mean()) == pytest.approx(1 - share, abs=0.03)


def play(augment: dict | None, steps: int = 3, **options: object) -> Game:
    training = {} if augment is None else {"augment": augment}
    game = set_up_game(
        resolve_run("cifar10", **training, **options), "d", 0, make_pixels("cifar10")
    )
    for step in range(1, steps + 1):
        adversarial_step(game, step)
    return game


@pytest.mark.parametrize("name", ["flip", "diffaugment"])
@pytest.mark.parametrize("objective", ["non_saturating", "relativistic"])
def test_augmentation_with_probability_zero_keeps_every_bit(name, objective):
    options = {"objective": objective, "regularizers": {"r1": {}}}
    plain = play(None, **options)
    other = play({"name": name, "probability": 0}, **options)
    changed = play({"name": name}, **options)
    for one, two, three in zip(plain.players, other.players, changed.players, strict=True):
        assert torch.equal(read_weights(one.network), read_weights(two.network))
        assert not torch.equal(read_weights(one.network), read_weights(three.network))


def watch_images(game: Game) -> list[torch.Tensor]:
    """Images that the discriminator is applied to, from now on."""
    seen: list[torch.Tensor] = []
    game.discriminator.network.register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].detach())
    )
    return seen


def test_discriminator_sees_augmented_images_in_both_players_updates():
    network = {"discriminator_norm": "none"}  # so that real and fake images share a pass
    game = play(DIFF, steps=0, objective="relativistic", network=network)
    seen = watch_images(game)
    adversarial_step(game, 1)
    judged, deceiving, compared = seen
    batch = len(judged) // 2
    for images in (judged[:batch], judged[batch:], deceiving, compared):
        assert (images == 0).flatten(1).float().mean(dim=1).min() > 1 / 16  # a quarter is cut out


def test_real_and_fake_images_are_changed_alike_and_independently():
    streams = {name: noise(number) for number, name in enumerate(AUGMENTATION_STREAMS)}
    device = torch.device("cpu")
    augment = Augmentation({**DIFF, "operations": ["translation"]}, streams, device)
    point = torch.zeros(3000, 1, 8, 8)
    point[:, :, 4, 4] = 1
    places = [augment(point, name).flatten(1).argmax(dim=1) for name in AUGMENTATION_STREAMS[:2]]
    counts = [torch.bincount(place, minlength=64) for place in places]
    expected = torch.zeros(8, 8)
    expected[3:6, 3:6] = 3000 / 9
    for count in counts:
        assert float((count - expected.flatten()).abs().max()) < 75  # over four deviations
    assert float((places[0] == places[1]).float().mean()) == pytest.approx(1 / 9, abs=0.03)


@pytest.mark.promise("matched-seeds")
@pytest.mark.parametrize(
    "options",
    [
        {"objective": "relativistic"},
        {"regularizers": {"r1": {}}},
        {"network": {"discriminator_norm": "batch"}},
    ],
    ids=["real images in G's update", "penalty", "separate passes"],
)
def test_variants_with_one_seed_see_the_same_augmentations(options):
    games = [play(DIFF, steps=2), play(DIFF, steps=2, **options)]
    blank = torch.ones(16, 3, 32, 32)
    for name in (Stream.AUGMENTED_REAL, Stream.AUGMENTED_FAKE, Stream.GENERATOR_AUGMENTED_FAKE):
        one, other = (game.augment(blank, name) for game in games)
        assert torch.equal(one, other)


@pytest.mark.promise("matched-seeds")
def test_augmented_variants_keep_batches_and_latents():
    plain, other = play(None, regularizers={"r1": {}}), play(DIFF)
    assert torch.equal(plain.sample_real(), other.sample_real())
    assert torch.equal(plain.sample_generator_latent(), other.sample_generator_latent())


def test_penalty_takes_the_gradient_through_the_augmentation():
    torch.manual_seed(0)
    parameters = resolve_run(network={"width": 3, "discriminator_norm": "none"})
    network = build_discriminator(parameters, (1, 8, 8)).double()
    batch = torch.rand(3, 1, 8, 8, generator=noise(1), dtype=torch.float64)
    (augment,) = list_operations(DIFF)

    def judge(images: torch.Tensor) -> torch.Tensor:
        return network(augment(images, noise(3)))

    gradients = gradients_at(network, batch, lambda images: augment(images, noise(3)))
    steps = 1e-6 * torch.eye(64, dtype=torch.float64).view(64, 1, 1, 8, 8)
    with torch.no_grad():
        slopes = [(judge(batch + step) - judge(batch - step)) / 2e-6 for step in steps]
    torch.testing.assert_close(gradients.detach(), torch.stack(slopes, dim=1), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["flip", "diffaugment", "ada"])
def test_augmentation_of_points_is_refused(name):
    message = rf"training\.augment\.name \(v on mixture_1d\): found '{name}', expected 'none'"
    with pytest.raises(StudyError, match=message):
        resolve_run("mixture_1d", network={"name": "mlp"}, augment={"name": name})


def test_variant_can_switch_off_the_augmentation_of_the_study():
    assert "augment" not in resolve_run()
    assert resolve_run(augment={"name": "none"})["augment"]["name"] == "none"
