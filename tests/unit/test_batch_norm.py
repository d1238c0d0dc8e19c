"""The moments by which generators with batch normalisation are scored."""

import copy

import pytest
import torch
from ganbench import randomness
from ganbench.evaluation.batch_norm import STANDING_BATCHES, Moments, choose_moments
from ganbench.evaluation.snapshots import generate_images, generate_points, load_generators
from ganbench.networks.build import build_generator
from ganbench.randomness import Stream
from ganbench.report.recipes import describe_moments
from ganbench.samples import sample_latents, to_uint8
from ganbench.study.resolve import resolve
from ganbench.training.average import WeightAverage
from torch import nn
from training_example import resolve_run

SHAPE = (1, 8, 8)
CPU = torch.device("cpu")


def make_layers() -> nn.Sequential:
    """A generator of points whose running moments are those of other weights."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    generator(torch.randn(50, 3))
    generator[0].weight.data.mul_(3)
    return generator.eval()


def draw_batches() -> list[torch.Tensor]:
    noise = torch.Generator().manual_seed(1)
    return [torch.randn(8, 3, generator=noise) for _ in range(20)]


def choose(kind: str) -> Moments:
    return Moments(kind, batch_size=8, sample_batches=draw_batches)


def test_standing_moments_are_the_means_over_the_batches():
    generator = make_layers()
    with torch.no_grad():
        hidden = torch.stack([generator[0](batch) for batch in draw_batches()])
    norm = choose("standing").apply(generator)[1]
    torch.testing.assert_close(norm.running_mean, hidden.mean(dim=(0, 1)))
    torch.testing.assert_close(norm.running_var, hidden.var(dim=1).mean(dim=0))
    assert not norm.training


def test_standing_moments_do_not_depend_on_those_of_the_snapshot_before():
    generator = make_layers()
    first = copy.deepcopy(choose("standing").apply(generator)[1].state_dict())
    generator[1].running_mean.fill_(7)
    again = choose("standing").apply(generator)[1].state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_averaged_generator_has_the_trained_ones_running_moments_and_its_own_standing_ones():
    network = make_layers().train()
    average = WeightAverage(network, decay=0.9)
    network(torch.randn(50, 3))
    average.update(network)
    network[0].weight.data.mul_(5)
    network(torch.randn(50, 3))
    average.update(network)
    averaged = average.network.eval()
    running = choose("running").apply(averaged)[1].running_mean.clone()
    assert torch.equal(running, network[1].running_mean)
    with torch.no_grad():
        expected = torch.stack([averaged[0](batch) for batch in draw_batches()]).mean(dim=(0, 1))
    torch.testing.assert_close(choose("standing").apply(averaged)[1].running_mean, expected)


@pytest.mark.parametrize("count", [8, 21, 3, 1])
def test_batch_moments_are_those_of_full_batches_of_the_trainings_size(count):
    generator, latents = make_layers(), torch.randn(count, 3)
    before = copy.deepcopy(generator[1].state_dict())
    points = generate_points(choose("batch").apply(generator), latents)
    filled = torch.cat([latents] * 8)[: -(-count // 8) * 8]
    norm = nn.BatchNorm1d(4)
    with torch.no_grad():
        expected = torch.cat([norm(generator[0](batch)) for batch in filled.split(8)])[:count]
    torch.testing.assert_close(points, expected.double(), rtol=1e-6, atol=1e-6)
    assert all(torch.equal(generator[1].state_dict()[name], before[name]) for name in before)


def make_run(**training) -> dict:
    parameters = resolve_run(**training)
    torch.manual_seed(0)
    states = [build_generator(parameters, SHAPE).state_dict() for _ in range(2)]
    return {"steps": [1, 2], "shape": SHAPE, "parameters": parameters, "generators": states}


def generate(run: dict, kind: str) -> list[torch.Tensor]:
    """What is scored of each snapshot."""
    latents = sample_latents(run["parameters"]["latent"], 100, torch.Generator().manual_seed(2))
    moments = choose_moments(kind, run, "digits", 0, CPU)
    generators = load_generators(run, CPU, moments=moments)
    return [generate_images(generator, latents, SHAPE) for _step, generator in generators]


def test_images_of_snapshots_are_generated_by_the_moments_that_are_named():
    run = make_run(batch_size=32)
    parameters = run["parameters"]
    latents = sample_latents(parameters["latent"], 100, torch.Generator().manual_seed(2))
    noise = randomness.generator("digits", 0, Stream.STANDING_MOMENTS)
    batches = [sample_latents(parameters["latent"], 32, noise) for _ in range(STANDING_BATCHES)]
    images = {kind: generate(run, kind) for kind in ("running", "standing", "batch")}
    for place, state in enumerate(run["generators"]):
        generator = build_generator(parameters, SHAPE)
        generator.load_state_dict(state)
        with torch.no_grad():
            running = to_uint8(generator.eval()(latents))
            generator.train()
            in_batches = to_uint8(torch.cat([generator(part) for part in latents[:96].split(32)]))
            for norm in (layer for layer in generator.modules() if hasattr(layer, "momentum")):
                norm.reset_running_stats()
                norm.momentum = None
            for batch in batches:
                generator(batch)
            standing = to_uint8(generator.eval()(latents))
        for kind, expected in (("running", running), ("standing", standing), ("batch", in_batches)):
            difference = images[kind][place][: len(expected)].int() - expected.int()
            assert difference.abs().max() <= 1, kind
        assert (standing.int() - running.int()).abs().max() > 1
        assert (in_batches.int() - standing[:96].int()).abs().max() > 1


def test_generator_without_batch_normalisation_is_scored_alike_by_all():
    run = make_run(network={"generator_norm": "layer"})
    images = [torch.cat(generate(run, kind)) for kind in ("running", "standing", "batch")]
    assert torch.equal(images[0], images[1])
    assert torch.equal(images[0], images[2])


@pytest.mark.parametrize(
    ("kind", "training", "text"),
    [
        ("running", {}, "running moments of their training, the default of compare_gan and Stud"),
        ("running", {"ema": 0.9}, "Averaged generators (ema) have those of the weights that were"),
        ("standing", {"ema": 0.9}, "by standing moments, the means over 100 batches of the"),
        ("batch", {}, "by the moments of each batch, of the size that they were trained in."),
        ("running", {"network": {"generator_norm": "none"}}, ""),
    ],
)
def test_methods_say_by_which_moments_generators_are_scored(kind, training, text):
    study = {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}}
    sentences = describe_moments(
        resolve(study | {"training": training, "evaluation": {"batch_norm": kind}}, "s.yaml")
    )
    assert text in " ".join(sentences)
    assert len(sentences) == bool(text)
    assert ("Averaged" in " ".join(sentences)) == ("Averaged" in text)
