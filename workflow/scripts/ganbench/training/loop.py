"""One run from start to end: identify it, resume it, play it to its budget, write its files."""

import time
from collections.abc import Mapping
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
from ganbench.study.budget import images_per_step, snapshot_steps
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.flops import count_flops
from ganbench.training.graphs import RecordingError
from ganbench.training.measure import measure
from ganbench.training.memory import retry_once
from ganbench.training.records import RunFiles, weights_sha256
from ganbench.training.run import Run, start_run
from ganbench.training.step import Losses, adversarial_step


def train(
    *,
    parameters: Mapping[str, Any],
    dataset: str,
    variant: str,
    seed: int,
    data_file: Path,
    outputs: RunFiles,
    checkpoint_folder: Path,
    log: TextIO,
    log_interval: float,
    checkpoint_interval: int | None = None,
    code: str = "",
) -> None:
    """Trains one run on the `train` split of `data_file` and writes its outputs.

    `parameters` are the resolved ones of the study, `code` is a digest of the training code. A run
    that was cut short continues from its last checkpoint, if nothing that decides its bits has
    changed since. A non-finite loss or weight ends the run as `diverged`, which is a result and not
    an error. Raises RunInterrupted when asked to end, MemoryExhausted where memory is too small.
    """
    randomness.use_deterministic_kernels(parameters["threads"])
    # on a CPU, a saturated loss's gradients below 1e-38 take a hundred times as long as others
    torch.set_flush_denormal(True)
    device = choose_device(parameters["device"])
    name = f"{dataset} {variant} {seed}"
    print(f"{dataset} {variant} seed {seed} on {describe_device(device)}", file=log)
    identity = identify(
        parameters,
        dataset=dataset,
        variant=variant,
        seed=seed,
        data_file=data_file,
        code=code,
        device=device,
    )
    real = load_training_data(data_file, device)
    checkpoints = Checkpoints(checkpoint_folder, checkpoint_interval, log)

    def resume_and_play(settings: Mapping[str, Any]) -> tuple[Run, dict[str, Any]]:
        run = start_run(settings, dataset, seed, real)
        checkpoints.resume(run)
        with Progress(name, parameters["steps"], log, log_interval, run.step) as progress:
            return run, play(run, parameters, progress, checkpoints)

    def attempt() -> tuple[Run, dict[str, Any]]:
        try:
            return resume_and_play(parameters)
        except RecordingError as error:
            print(f"{error}\ncontinues without CUDA graphs, from the last checkpoint", file=log)
        # outside of `except`: the traceback holds the failed graph, and its memory with it
        return resume_and_play({**parameters, "cuda_graphs": False})

    with checkpoints.of(identity):
        run, outcome = retry_once(attempt, device, parameters["batch_size"], log)
        print(describe_ending(outcome, parameters), file=log)
        write(run, outcome, identity, tuple(real.shape[1:]), outputs)


def load_training_data(data_file: Path, device: torch.device) -> Tensor:
    """The `train` split of a prepared dataset, on `device`."""
    with np.load(data_file) as data:
        return torch.from_numpy(data["train"]).to(device)


def identify(
    parameters: Mapping[str, Any],
    *,
    dataset: str,
    variant: str,
    seed: int,
    data_file: Path,
    code: str,
    device: torch.device,
) -> dict[str, Any]:
    """All that decides the bits of a run, as plain JSON."""
    return {
        "dataset": dataset,
        "variant": variant,
        "seed": seed,
        "parameters": dict(parameters),
        "data_sha256": files.sha256(data_file),
        "code": code,
        "device": describe_device(device),
        "versions": provenance.versions(),
        "processor": provenance.machine()["processor"],
    }


def play(
    run: Run, parameters: Mapping[str, Any], progress: Progress, checkpoints: Checkpoints
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
    counts = [step, step * parameters["discriminator_steps"], step, step * images_a_step]
    run.record.history.append([*counts, run.seconds, *values])
    progress.advance(step, f"D(x) {values[3]:.2f}  D(G(z)) {values[4]:.2f}")


def _take_snapshot(run: Run) -> str | None:
    """Takes a snapshot; returns the reason to end the run here, if there is one."""
    game = run.game
    run.record.take_snapshot(run.step, game.scored_generator, game.discriminator.network)
    return run.stopping.reason(game.scored_generator, game.discriminator.network)


def describe_ending(outcome: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The last line of the log: how the run ended."""
    if outcome["status"] == "diverged":
        return f"diverged at step {outcome['step']} of {parameters['steps']}: {outcome['reason']}"
    early = f": {outcome['reason']}" if outcome["reason"] else ""
    return f"completed {outcome['step']} steps in {outcome['seconds']:.1f} s{early}"


def write(
    run: Run,
    outcome: Mapping[str, Any],
    identity: Mapping[str, Any],
    shape: tuple[int, ...],
    outputs: RunFiles,
) -> None:
    """Writes the run's four files; `shape` is that of a sample."""
    parameters, game = identity["parameters"], run.game
    run.record.write(
        outputs,
        run={
            **{key: identity[key] for key in ("dataset", "variant", "seed")},
            **outcome,
            "device": identity["device"],
            "versions": identity["versions"],
            "machine": provenance.machine(),
            "parameters": parameters,
            "parameters_sha256": provenance.sha256(provenance.canonical_json(parameters)),
            "generator_sha256": weights_sha256(game.scored_generator),
            "parameter_counts": {
                "generator": count_parameters(game.generator.network),
                "discriminator": count_parameters(game.discriminator.network),
            },
            "flops": count_flops(parameters, shape),
        },
        shape=shape,
    )
