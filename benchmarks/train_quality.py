"""Quality of training: our default recipe beside the DCGAN that people write.

    python benchmarks/train_quality.py [--dataset digits] [--width 32] [--steps 400 800 1600]
                                       [--seeds 0 1 2] [--jobs 2] [--samples N] [--also YAML ...]
                                       [--pictures FOLDER] [--network infogan]

The public recipe is that of quality_peer.py; ours is `non_saturating: {}` with nothing set but the
width; `dcgan_torch_init` has torch's initial weights, no normalisation in D and 64 latent
dimensions. Each `--also` adds a case with these keys of `training`. All cases see the same batches
of 64 images with one seed, and are scored in the same classifier's features, on as many samples,
against the held-out images. `--network infogan` compares our InfoGAN with that of
plain_networks.py. Prints FD-classifier for each seed, the mean, and Student's interval of the
paired difference from the public recipe.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pandas as pd
import plain_networks as plain
import quality_peer
import torch
import yaml
from ganbench import randomness
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.evaluation.extractor import extract, load_extractor
from ganbench.evaluation.feature_metrics import frechet_distance
from ganbench.evaluation.feature_sets import summarise_features
from ganbench.evaluation.real_images import load_real
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.snapshots import generate_images
from ganbench.evidence.estimators import t_estimate
from ganbench.jobs.arrays import map_array
from ganbench.randomness import Stream
from ganbench.samples import picture_row, sample_latents, to_float
from ganbench.study.resolve import resolve
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from PIL import Image
from torch import Tensor, nn

BATCH = 64
PUBLIC, OURS, TORCH_INIT = "public recipe", "ours", "dcgan_torch_init"
CASES = {OURS: {}, TORCH_INIT: {"network": {"name": "dcgan_torch_init"}, "latent": {"size": 64}}}
"""Our recipes, as a study's `training` gives them."""
CONFIDENCE = 0.95


def main() -> None:
    """Trains and scores every case with every seed, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=("digits", "mnist", "fashion_mnist"), default="digits")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--steps", type=int, nargs="+", default=[400, 800, 1600])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, of one thread each")
    parser.add_argument("--samples", type=int, help="generated images, as in a study")
    parser.add_argument("--only", nargs="+", help="the cases to train; all if left out")
    parser.add_argument("--also", nargs="+", default=[], help="more cases, as YAML of `training`")
    parser.add_argument("--pictures", type=Path, help="where samples of seed 0 are drawn")
    parser.add_argument("--network", choices=("dcgan", "infogan"), default="dcgan")
    options = parser.parse_args()
    shipped = CASES if options.network == "dcgan" else {OURS: {}}
    options.cases = shipped | {text: yaml.safe_load(text) for text in options.also}
    names = options.only or [PUBLIC, *options.cases]
    with tempfile.TemporaryDirectory() as name:
        options.folder = Path(name)
        dataset = prepare_images(options)
        options.count = dataset["samples"]
        jobs = [(case, seed) for seed in options.seeds for case in names]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
            scores = pd.concat(pool.map(partial(score_case, options), *zip(*jobs, strict=True)))
    table = compare(scores, names)
    suffix = "" if options.network == "dcgan" else f"_{options.network}"
    measure.show(f"train_quality_{options.dataset}{suffix}", table)


def resolve_study(options: argparse.Namespace, training: dict[str, Any]) -> dict[str, Any]:
    """The resolved study of `non_saturating: {}` with these keys of `training`."""
    network = {"name": options.network, "width": options.width} | training.get("network", {})
    study = {
        "study": "quality",
        "datasets": {options.dataset: {}},
        "variants": {"non_saturating": {}},
        "training": {"batch_size": BATCH, "device": "cpu", **training, "network": network},
        "evaluation": {"samples": options.samples},
    }
    return resolve(study, "quality")


def prepare_images(options: argparse.Namespace) -> dict[str, Any]:
    """Writes the splits and the extractor into the folder, and returns the resolved dataset."""
    folder, log = options.folder, io.StringIO()
    dataset = resolve_study(options, {})["datasets"][options.dataset]
    prepare(
        name=options.dataset,
        dataset=dataset,
        needs_classes=True,
        outputs=DatasetFiles(folder / "data.npz", folder / "card.json", folder / "examples.png"),
        log=log,
    )
    make_reference(
        dataset=options.dataset,
        extractor="classifier",
        samples=options.samples,
        data_file=folder / "data.npz",
        device="cpu",
        outputs=ReferenceFiles(
            folder / "network.pt", folder / "features.npz", folder / "net.json", folder / "floor"
        ),
        log=log,
    )
    accuracy = json.loads((folder / "net.json").read_text())["accuracy"]
    print(f"{options.dataset}: the extractor's accuracy is {accuracy}", flush=True)
    return dataset


def score_case(options: argparse.Namespace, case: str, seed: int) -> pd.DataFrame:
    """Trains one case with one seed, and scores it at each of `--steps`."""
    randomness.use_deterministic_kernels(threads=1)
    torch.set_flush_denormal(True)
    real = torch.from_numpy(np.array(map_array(options.folder / "data.npz", "train")))
    rows, pictures = [], []
    for steps, generator, latent in train_case(options, case, seed, real):
        distance, images = score_generator(options, seed, generator, latent, tuple(real.shape[1:]))
        rows.append({"case": case, "seed": seed, "steps": steps, "FD": distance})
        pictures += [picture_row(to_float(images[start : start + 16])) for start in (0, 16)]
        print(f"  {case}, seed {seed}, {steps} steps: FD {distance:.4g}", flush=True)
    if options.pictures and seed == 0:
        options.pictures.mkdir(exist_ok=True)
        name = "".join(letter if letter.isalnum() else "_" for letter in case)
        Image.fromarray(np.concatenate(pictures)).save(options.pictures / f"{name}.png")
    return pd.DataFrame(rows)


def train_case(
    options: argparse.Namespace, case: str, seed: int, real: Tensor
) -> Iterator[tuple[int, nn.Module, dict[str, Any]]]:
    """Yields each of `--steps`, the generator there, and its latents' size and prior."""
    if case == PUBLIC:
        latent = {"size": quality_peer.LATENT, "prior": "normal"}
        generator, step = start_peer(options, seed, real)
    else:
        runs = resolve_study(options, options.cases[case])["runs"]
        parameters = runs[options.dataset]["non_saturating"]
        latent = parameters["latent"]
        game = set_up_game(parameters, options.dataset, seed, real)
        generator, step = game.scored_generator, partial(adversarial_step, game)
    for number in range(1, max(options.steps) + 1):
        step(number)
        if number in options.steps:
            yield number, generator, latent


def start_peer(
    options: argparse.Namespace, seed: int, real: Tensor
) -> tuple[nn.Module, Callable[[int], None]]:
    """The public recipe before its first step, on the batches that ours draws with this seed."""
    order = randomness.generator(options.dataset, seed, Stream.DATA_ORDER)

    def sample_real() -> Tensor:
        return to_float(real[torch.randint(len(real), (BATCH,), generator=order)])

    torch.manual_seed(seed)
    shape = tuple(real.shape[1:])
    if options.network == "infogan":
        game = start_plain_infogan(shape, options.width)
        return game.generator, lambda _number: game.step(
            [sample_real()], [draw_latents()], draw_latents()
        )
    generator, step = quality_peer.make_plain_step(shape, options.width, sample_real)
    return generator, lambda _number: step()


def start_plain_infogan(shape: tuple[int, ...], width: int) -> plain.PlainGame:
    """InfoGAN as its papers have it, with the optimizer of the public recipe."""
    generator = plain.PlainInfoGANGenerator(quality_peer.LATENT, shape, width)
    discriminator = plain.PlainInfoGANDiscriminator(shape, width)
    for network in (generator, discriminator):
        plain.draw_infogan_weights(network)
    return plain.PlainGame(
        generator,
        discriminator,
        losses=plain.logistic_losses,
        deception=plain.logistic_deception,
        lr=2e-4,
        betas=(0.5, 0.999),
        together=False,
    )


def draw_latents() -> Tensor:
    """Latents of one batch."""
    return torch.randn(BATCH, quality_peer.LATENT)


def score_generator(
    options: argparse.Namespace,
    seed: int,
    generator: nn.Module,
    latent: dict[str, Any],
    shape: tuple[int, ...],
) -> tuple[float, Tensor]:
    """FD-classifier against the held-out images, and the generated images."""
    network = load_extractor(options.folder / "network.pt")
    references = load_real(options.folder / "features.npz")
    noise = randomness.generator(options.dataset, seed, Stream.EVALUATION_NOISE)
    latents = sample_latents(latent, options.count, noise)
    with evaluating(generator):
        images = generate_images(generator, latents, shape)
    generated = summarise_features(extract(network, images).features, references.scale)
    return frechet_distance(generated, references.references["held_out"]), images


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within it, the network is in evaluation mode."""
    network.eval()
    try:
        yield
    finally:
        network.train()


def compare(scores: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A row for each case and number of steps: scores by seed, mean, difference from the public."""
    rows = []
    for steps, at_steps in scores.groupby("steps"):
        by_seed = at_steps.pivot_table(index="seed", columns="case", values="FD")
        for name in names:
            row = {
                "case": name,
                "steps": steps,
                "FD by seed": ", ".join(map(_round, by_seed[name])),
            }
            row |= {"mean": by_seed[name].mean()}
            if PUBLIC in by_seed and name != PUBLIC:
                differences = (by_seed[name] - by_seed[PUBLIC]).to_numpy()
                estimate = t_estimate(differences, CONFIDENCE)
                row |= {"difference": estimate.mean, "low": estimate.low, "high": estimate.high}
            rows.append(row)
    return pd.DataFrame(rows)


def _round(score: float) -> str:
    return f"{score:.4g}"


if __name__ == "__main__":
    main()
