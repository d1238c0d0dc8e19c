"""Scores every snapshot of a run on images."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue import metrics
from ganbench.catalogue.plugins import list_metrics
from ganbench.duality_gap import AdversaryBudget, duality_gap, own_value
from ganbench.evaluation import mode_coverage
from ganbench.evaluation.batch_norm import Moments, choose_moments
from ganbench.evaluation.extractor import Features, extract, load_extractor
from ganbench.evaluation.feature_metrics import RealImages, score_features
from ganbench.evaluation.mode_coverage import StackedClassifier, is_stacked, predict
from ganbench.evaluation.nearest_images import write_nearest
from ganbench.evaluation.own_metrics import Sample, score_images
from ganbench.evaluation.real_images import load_real
from ganbench.evaluation.snapshots import (
    ScoreTable,
    generate_images,
    load_discriminators,
    load_generators,
    load_run,
)
from ganbench.evaluation.warm_up import warming_up
from ganbench.jobs.arrays import map_array
from ganbench.jobs.gpus.devices import choose_device
from ganbench.randomness import Stream
from ganbench.samples import sample_latents, to_float

IMAGE_BUDGET = AdversaryBudget(samples=5_000)

MODES_BLOCK = 10_000
"""Images that are generated at once when only their modes are counted."""


def score_run(
    *,
    dataset: str,
    variant: str,
    seed: int,
    extractor: str,
    samples: int | None,
    snapshots_file: Path,
    network_file: Path,
    features_file: Path,
    data_file: Path,
    gap: bool,
    scores_file: Path,
    nearest_file: Path,
    nearest_table: Path,
    weights: str = "",
    repeats: int = 1,
    batch_norm: str = "running",
) -> None:
    """Writes `scores.csv`, with every metric of every snapshot, `nearest.png` and `nearest.csv`.

    Each snapshot generates `samples` images or, where that is None, as many as a reference has, at
    most `metrics.DEFAULT_SAMPLES`. All snapshots of all variants with this seed get the same
    latents. The last snapshot is scored `repeats` times, each from other latents. A diverged run
    has scores of the snapshots that it reached. With `gap`, each snapshot's duality gap on the
    held-out images of `data_file` is added. Modes of stacked images are counted in 26,000 images.
    `weights` is the file of a pretrained extractor that the study names, and `batch_norm` one of
    the kinds of `Moments`.
    """
    randomness.use_deterministic_kernels(threads=1)
    run = load_run(snapshots_file)
    device = choose_device(run["parameters"]["device"])
    with warming_up(device):
        network, real = load_extractor(network_file, weights), load_real(features_file, device)
    network = network.to(device)
    table = ScoreTable(dataset, variant, seed, run)
    moments = choose_moments(batch_norm, run, dataset, seed, device)
    count = metrics.sample_count(samples, real.count)
    more = mode_coverage.SAMPLES - count if isinstance(network, StackedClassifier) else 0
    scored = real.train[:0]
    real_samples = _load_samples(real, data_file) if list_metrics("images") else {}
    for repeat in range(repeats):
        noise = randomness.generator(dataset, seed, Stream.EVALUATION_NOISE.repeat(repeat), device)
        latents = sample_latents(run["parameters"]["latent"], count, noise)
        more_latents = sample_latents(run["parameters"]["latent"], more, noise)
        for step, generator in load_generators(run, device, repeat > 0, moments):
            images = generate_images(generator, latents, run["shape"])
            features = extract(network, images)
            scored = scored if repeat else features.features
            sample = Sample(images, features.features)
            scores = chain(
                score_features(features, real, extractor),
                score_images(sample, real_samples, extractor),
            )
            for reference, metric, value in scores:
                table.add(step, reference, metric, value, repeat)
            if is_stacked(features.logits):
                modes = _score_modes(features, network, generator, more_latents, run["shape"])
                for name, value in modes.items():
                    table.add(step, "none", metrics.qualify(name, extractor), value, repeat)
    if gap:
        noise = randomness.generator(dataset, seed, Stream.DUALITY_GAP_NOISE, device)
        _add_duality_gaps(table, run, moments, noise, data_file)
    table.write(scores_file)
    write_nearest(
        run=run,
        moments=moments,
        dataset=dataset,
        seed=seed,
        network=network,
        real=real,
        scored=scored,
        data_file=data_file,
        picture_file=nearest_file,
        table_file=nearest_table,
    )


def _load_samples(real: RealImages, data_file: Path) -> dict[str, Sample]:
    """The images and features of each reference."""
    return {
        split: Sample(
            torch.from_numpy(map_array(data_file, split)[: len(reference.features)]),
            reference.features,
        )
        for split, reference in real.references.items()
    }


def _score_modes(
    features: Features,
    network: nn.Module,
    generator: nn.Module,
    more_latents: Tensor,
    shape: Sequence[int],
) -> dict[str, float]:
    """The modes of 26,000 samples: those with `features`, and more of the same generator."""
    labels = [predict(features.logits)]
    for latents in more_latents.split(MODES_BLOCK):
        labels.append(predict(extract(network, generate_images(generator, latents, shape)).logits))
    modes = features.logits.shape[2] ** mode_coverage.CHANNELS
    return mode_coverage.score_modes(torch.cat(labels)[: mode_coverage.SAMPLES], modes)


def _add_duality_gaps(
    table: ScoreTable,
    run: dict[str, Any],
    moments: Moments,
    noise: torch.Generator,
    data_file: Path,
) -> None:
    """Adds the duality gap of every snapshot to `table`, if the objective has one."""
    value = own_value(run["parameters"]["objective"])
    if value is None:
        return
    device = noise.device
    images = torch.from_numpy(map_array(data_file, "held_out")).to(device)

    def sample_real(count: int) -> Tensor:
        index = torch.randint(len(images), (count,), generator=noise, device=device)
        return to_float(images[index])

    def sample_latent(count: int) -> Tensor:
        return sample_latents(run["parameters"]["latent"], count, noise)

    generators = load_generators(run, device, moments=moments)
    players = zip(generators, load_discriminators(run, device), strict=True)
    for (step, generator), discriminator in players:
        best, worst = duality_gap(
            discriminator, generator, sample_real, sample_latent, IMAGE_BUDGET, value=value
        )
        table.add(step, "none", "duality_gap", best - worst)
