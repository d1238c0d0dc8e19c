"""A whole run: the game is set up, played to a fixed budget, and recorded on the way."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from ganbench import networks, objectives, provenance, randomness
from ganbench.budget import images_per_step, snapshot_steps
from ganbench.devices import choose_device, describe_device
from ganbench.latents import sample_latents
from ganbench.progress import Progress
from ganbench.regularizers import Regularization
from ganbench.samples import SHOWN, to_float
from ganbench.training.average import WeightAverage
from ganbench.training.flops import count_flops
from ganbench.training.measure import FirstNonFinite, measure
from ganbench.training.optimizers import build_optimizer
from ganbench.training.records import Outputs, Record, weights_sha256
from ganbench.training.step import Game, Player, adversarial_step, losses_of
from ganbench.training.stopping import Stopping


def train(
    *,
    parameters: Mapping[str, Any],
    dataset: str,
    variant: str,
    seed: int,
    data_file: Path,
    outputs: Outputs,
    log: TextIO,
    log_interval: float,
) -> None:
    """Trains one run on the `train` split of `data_file` and writes its outputs.

    `parameters` are the resolved ones of the study. A non-finite loss or weight ends the run as
    `diverged`, which is a result and not an error.
    """
    randomness.use_deterministic_kernels(parameters["threads"])
    # a saturated loss's gradients, below 1e-38, would cost a CPU a hundred times the time of others
    torch.set_flush_denormal(True)
    device = choose_device(parameters["device"])
    with np.load(data_file) as data:
        real = torch.from_numpy(data["train"]).to(device)
    kind = "images" if real.dim() == 4 else "points"
    game = set_up(parameters, dataset, seed, real)
    noise = randomness.generator(dataset, seed, "sample latents", device)
    record = Record(
        sample_latents(parameters["latent"], SHOWN[kind], noise),
        keep_discriminator=parameters["keep_discriminator"],
    )
    print(f"{dataset} {variant} seed {seed} on {describe_device(device)}", file=log)
    progress = Progress(f"{dataset} {variant} {seed}", parameters["steps"], log, log_interval)
    stopping = Stopping(parameters, dataset, seed, real)
    outcome = play(game, parameters, record, progress, stopping)
    progress.close()
    print(_ending(outcome, parameters), file=log)
    record.write(
        outputs,
        run={
            "dataset": dataset,
            "variant": variant,
            "seed": seed,
            **outcome,
            "device": describe_device(device),
            "versions": provenance.versions(),
            "machine": provenance.machine(),
            "parameters": dict(parameters),
            "parameters_sha256": provenance.sha256(provenance.canonical_json(parameters)),
            "generator_sha256": weights_sha256(game.scored_generator),
            "parameter_counts": {
                "generator": networks.count_parameters(game.generator.network),
                "discriminator": networks.count_parameters(game.discriminator.network),
            },
            "flops": count_flops(parameters, tuple(real.shape[1:])),
        },
        shape=tuple(real.shape[1:]),
    )


def set_up(parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor) -> Game:
    """The game at its first step: initial weights, optimizers and named random streams.

    `real` is the training data, uint8 images `(count, channels, height, width)` or float points
    `(count, dimensions)`, on the device where everything else then lives.
    """
    device, shape = real.device, tuple(real.shape[1:])
    objective = objectives.read(parameters["objective"]["name"], parameters["objective"])
    discriminator_loss, generator_loss = losses_of(objective)
    with randomness.initialising(dataset, seed, "initial generator"):
        generator = networks.build_generator(parameters, shape).to(device)
    with randomness.initialising(dataset, seed, "initial discriminator"):
        discriminator = networks.build_discriminator(parameters, shape).to(device)
    order, discriminator_noise, generator_noise, penalty_noise = (
        randomness.generator(dataset, seed, name, device)
        for name in ("data order", "discriminator noise", "generator noise", "penalty noise")
    )
    regularization = Regularization(parameters["regularizers"], penalty_noise)
    with randomness.initialising(dataset, seed, "spectral norm"):
        regularization.prepare(discriminator)
    batch, latent, options = (parameters[key] for key in ("batch_size", "latent", "optimizer"))

    def sample_real() -> Tensor:
        index = torch.randint(len(real), (batch,), generator=order, device=device)
        return to_float(real[index])

    return Game(
        discriminator=Player(
            discriminator, build_optimizer(options, discriminator.parameters()), discriminator_loss
        ),
        generator=Player(
            generator, build_optimizer(options, generator.parameters()), generator_loss
        ),
        average=WeightAverage(generator, parameters["ema"]) if parameters["ema"] else None,
        regularization=regularization,
        discriminator_steps=parameters["discriminator_steps"],
        generator_needs_real="r" in objective.generator.variables,
        separate_passes=networks.mixes_samples(discriminator),
        sample_real=sample_real,
        sample_discriminator_latent=lambda: sample_latents(latent, batch, discriminator_noise),
        sample_generator_latent=lambda: sample_latents(latent, batch, generator_noise),
    )


def play(
    game: Game,
    parameters: Mapping[str, Any],
    record: Record,
    progress: Progress,
    stopping: Stopping,
) -> dict[str, Any]:
    """Plays the budget out, filling `record`; returns status, step, reason, seconds and speed."""
    steps, interval = parameters["steps"], parameters["history_interval"]
    images_a_step = images_per_step(parameters)
    snapshots = set(snapshot_steps(parameters))
    non_finite = FirstNonFinite(record.sample_latent.device)
    diverged, stopped, started = None, None, time.perf_counter()
    for step in range(1, steps + 1):
        losses = adversarial_step(game, step)
        non_finite.watch(step, losses)
        if step % interval and step not in snapshots:
            continue
        diverged = non_finite.reason(game.generator.network, step)
        if diverged:
            break
        if step % interval == 0 or step == steps:
            values = measure(game, losses).tolist()
            seconds = round(time.perf_counter() - started, 3)
            done = [step, step * parameters["discriminator_steps"], step, step * images_a_step]
            record.history.append([*done, seconds, *values])
            progress.advance(step, f"D(x) {values[3]:.2f}  D(G(z)) {values[4]:.2f}")
        if step in snapshots:
            record.take_snapshot(step, game.scored_generator, game.discriminator.network)
            stopped = stopping.reason(game.scored_generator, game.discriminator.network)
        if stopped:
            break
    seconds = round(time.perf_counter() - started, 3)
    step, reason = diverged or (step, stopped)
    return {
        "status": "diverged" if diverged else "completed",
        "step": step,
        "reason": reason,
        "seconds": seconds,
        "images_per_second": round(step * images_a_step / seconds, 1),
    }


def _ending(outcome: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    if outcome["status"] == "diverged":
        return f"diverged at step {outcome['step']} of {parameters['steps']}: {outcome['reason']}"
    early = f": {outcome['reason']}" if outcome["reason"] else ""
    return f"completed {outcome['step']} steps in {outcome['seconds']:.1f} s{early}"
