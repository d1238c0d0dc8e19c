"""A whole run: the game is set up, played to a fixed budget, and recorded on the way."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from ganbench import randomness
from ganbench.jobs import files, provenance
from ganbench.jobs.devices import choose_device, describe_device
from ganbench.jobs.progress import Progress
from ganbench.networks.build import count_parameters
from ganbench.samples import SHOWN, sample_latents
from ganbench.study.budget import images_per_step, snapshot_steps
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.flops import count_flops
from ganbench.training.graphs import Graphs, RecordingError, records_steps
from ganbench.training.measure import FirstNonFinite, measure
from ganbench.training.memory import tried_twice
from ganbench.training.records import Record, RunFiles, weights_sha256
from ganbench.training.run import Run, set_up_game
from ganbench.training.step import Losses, adversarial_step
from ganbench.training.stopping import Stopping


def train(
    *,
    parameters: Mapping[str, Any],
    dataset: str,
    variant: str,
    seed: int,
    data_file: Path,
    outputs: RunFiles,
    log: TextIO,
    log_interval: float,
    checkpoints: Checkpoints | None = None,
    code: str = "",
) -> None:
    """Trains one run on the `train` split of `data_file` and writes its outputs.

    `parameters` are the resolved ones of the study. A non-finite loss or weight ends the run as
    `diverged`, which is a result and not an error. With `checkpoints` it goes on from the state of
    a run that was cut short, if nothing that decides its bits has changed since, `code` (a digest)
    included. Raises RunInterrupted when asked to end, MemoryExhausted where there is too little.
    """
    randomness.use_deterministic_kernels(parameters["threads"])
    # a saturated loss's gradients, below 1e-38, would cost a CPU a hundred times the time of others
    torch.set_flush_denormal(True)
    device = choose_device(parameters["device"])
    with np.load(data_file) as data:
        real = torch.from_numpy(data["train"]).to(device)
    print(f"{dataset} {variant} seed {seed} on {describe_device(device)}", file=log)
    identity = {"dataset": dataset, "variant": variant, "seed": seed}
    computed_with = {
        "device": describe_device(device),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
    }
    decides = {
        **identity,
        "parameters": dict(parameters),
        "data": files.sha256(data_file) if checkpoints else "",
        "code": code,
        "versions": computed_with["versions"],
        "on": [computed_with["device"], computed_with["machine"]["processor"]],
    }
    with checkpoints.of(decides) if checkpoints else nullcontext():

        def trained(settings: Mapping[str, Any] = parameters) -> tuple[Run, dict[str, Any]]:
            run = start_run(settings, dataset, seed, real)
            if checkpoints:
                checkpoints.resume(run)
            name = f"{dataset} {variant} {seed}"
            progress = Progress(name, parameters["steps"], log, log_interval, run.step)
            try:
                return run, play(run, parameters, progress, checkpoints)
            except RecordingError as error:
                print(f"{error}\ngoes on without, from the last state that was saved", file=log)
            finally:
                progress.close()
            # outside of `except`: its traceback holds the graph that failed, and the memory with it
            del run
            return trained({**parameters, "cuda_graphs": False})

        run, outcome = tried_twice(trained, device, parameters["batch_size"], log)
        print(_ending(outcome, parameters), file=log)
        game = run.game
        run.record.write(
            outputs,
            run={
                **identity,
                **outcome,
                **computed_with,
                "parameters": dict(parameters),
                "parameters_sha256": provenance.sha256(provenance.canonical_json(parameters)),
                "generator_sha256": weights_sha256(game.scored_generator),
                "parameter_counts": {
                    "generator": count_parameters(game.generator.network),
                    "discriminator": count_parameters(game.discriminator.network),
                },
                "flops": count_flops(parameters, tuple(real.shape[1:])),
            },
            shape=tuple(real.shape[1:]),
        )


def start_run(parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor) -> Run:
    """A run before its first step; `real` is the training data on the device of the run."""
    kind = "images" if real.dim() == 4 else "points"
    noise = randomness.generator(dataset, seed, "sample latents", real.device)
    game = set_up_game(parameters, dataset, seed, real)
    return Run(
        game=game,
        record=Record(
            sample_latents(parameters["latent"], SHOWN[kind], noise),
            keep_discriminator=parameters["keep_discriminator"],
        ),
        stopping=Stopping(parameters, dataset, seed, real),
        non_finite=FirstNonFinite(real.device),
        graphs=Graphs(game) if records_steps(parameters, real.device) else None,
    )


def play(
    run: Run,
    parameters: Mapping[str, Any],
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> dict[str, Any]:
    """Plays the rest of the budget, filling `run.record`.

    Returns status, step, reason, seconds and speed, as `run.json` has them.
    """
    steps, interval = parameters["steps"], parameters["history_interval"]
    images_a_step = images_per_step(parameters)
    snapshots = set(snapshot_steps(parameters))
    started = time.perf_counter() - run.seconds
    diverged, stopped = None, None
    for step in range(run.step + 1, steps + 1):
        losses = run.graphs.step(step) if run.graphs else adversarial_step(run.game, step)
        run.non_finite.watch(step, losses)
        run.step = step
        if step % interval == 0 or step in snapshots:
            diverged = run.non_finite.reason(run.game.generator.network, step)
            if diverged:
                break
            run.seconds = round(time.perf_counter() - started, 3)
            if step % interval == 0 or step == steps:
                _add_history(run, losses, parameters, images_a_step, progress)
            if step in snapshots:
                stopped = _take_snapshot(run)
                if stopped:
                    break
        if checkpoints:
            run.seconds = time.perf_counter() - started
            checkpoints.after_step(run)
    seconds = round(time.perf_counter() - started, 3)
    step, reason = diverged or (run.step, stopped)
    return {
        "status": "diverged" if diverged else "completed",
        "step": step,
        "reason": reason,
        "seconds": seconds,
        "images_per_second": round(step * images_a_step / seconds, 1),
    }


def _add_history(
    run: Run,
    losses: Losses,
    parameters: Mapping[str, Any],
    images_a_step: int,
    progress: Progress,
) -> None:
    step, values = run.step, measure(run.game, losses).tolist()
    done = [step, step * parameters["discriminator_steps"], step, step * images_a_step]
    run.record.history.append([*done, run.seconds, *values])
    progress.advance(step, f"D(x) {values[3]:.2f}  D(G(z)) {values[4]:.2f}")


def _take_snapshot(run: Run) -> str | None:
    """Takes one, and gives the reason to end the run here, if there is one."""
    game = run.game
    run.record.take_snapshot(run.step, game.scored_generator, game.discriminator.network)
    return run.stopping.reason(game.scored_generator, game.discriminator.network)


def _ending(outcome: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    if outcome["status"] == "diverged":
        return f"diverged at step {outcome['step']} of {parameters['steps']}: {outcome['reason']}"
    early = f": {outcome['reason']}" if outcome["reason"] else ""
    return f"completed {outcome['step']} steps in {outcome['seconds']:.1f} s{early}"
