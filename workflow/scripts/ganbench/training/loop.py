"""One run from start to end: identify it, resume it, play it to its end, write its files."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from ganbench import randomness
from ganbench.jobs import files, provenance
from ganbench.jobs.arrays import map_array
from ganbench.jobs.fingerprint import take_fingerprint
from ganbench.jobs.gpus.devices import choose_device, describe_device
from ganbench.jobs.progress import Progress
from ganbench.networks.build import count_parameters
from ganbench.study.budget import frame_steps, images_per_step, snapshot_steps
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.device_settings import allow_tf32, choose_settings
from ganbench.training.flops import count_flops
from ganbench.training.graphs import RecordingError
from ganbench.training.interrupts import RunInterrupted
from ganbench.training.live_files import LiveFiles
from ganbench.training.measure import copy_weights, measure
from ganbench.training.memory import retry_once
from ganbench.training.records import RunFiles, weights_sha256
from ganbench.training.run import Run, start_run
from ganbench.training.stopping import Score
from ganbench.training.tensorboard import TensorBoard


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
    software: Mapping[str, Any] | None = None,
    declaration: str = "",
    tensorboard: bool = False,
    score: Score | None = None,
) -> None:
    """Trains one run on the `train` split of `data_file` and writes its outputs.

    `parameters` are the run's resolved parameters, `code` is a digest of the training code,
    `software` the version and commit, and `declaration` the digest of what the study declares: both
    are kept in `run.json` and decide no bits. With `tensorboard`, its history is written for that
    too. A run that stops early by a metric of images needs the `score` that measures it. An
    interrupted run resumes from its last checkpoint if nothing that decides its bits has changed. A
    non-finite loss or weight ends the run as `diverged`, which is a result and not an error.

    Raises RunInterrupted after SIGINT or SIGTERM, MemoryExhausted if memory is too small.
    """
    randomness.use_deterministic_kernels(parameters["threads"])
    # gradients of a saturated loss fall below 1e-38, where a CPU is a hundred times slower
    torch.set_flush_denormal(True)
    device = choose_device(parameters["device"])
    settings = choose_settings(parameters, device)
    allow_tf32(settings.tf32)
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
    board = TensorBoard(outputs.run.parent / "tensorboard", log, is_wanted=tensorboard)
    live = LiveFiles(checkpoint_folder, log_interval, log, board)
    checkpoints = Checkpoints(checkpoint_folder, checkpoint_interval, log)

    def resume_and_play(settings: Mapping[str, Any]) -> tuple[Run, dict[str, Any]]:
        run = start_run(settings, dataset, seed, real, score)
        checkpoints.resume(run)
        live.start(run.record)
        with Progress(name, parameters["steps"], log, log_interval, run.step) as progress:
            return run, play(run, parameters, progress, checkpoints, live)

    def attempt() -> tuple[Run, dict[str, Any]]:
        try:
            return resume_and_play(parameters)
        except RecordingError as error:
            print(f"{error}\ncontinues without CUDA graphs, from the last checkpoint", file=log)
        # outside `except`, where the traceback would keep the failed graph and its memory alive
        return resume_and_play({**parameters, "cuda_graphs": False})

    with checkpoints.open(identity), closing(board):
        run, outcome = retry_once(attempt, device, parameters["batch_size"], log)
        print(describe_ending(outcome, parameters), file=log)
        write(
            run,
            outcome | {"software": software, "declaration": declaration},
            identity,
            tuple(real.shape[1:]),
            outputs,
        )
        live.remove()


def load_training_data(data_file: Path, device: torch.device) -> Tensor:
    """The `train` split of a prepared dataset, on `device`."""
    return torch.from_numpy(map_array(data_file, "train")).to(device)


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
    """Everything that decides the bits of a run, as plain JSON."""
    return {
        "dataset": dataset,
        "variant": variant,
        "seed": seed,
        "parameters": dict(parameters),
        "data_sha256": files.recorded_sha256(data_file),
        "code": code,
        "device": describe_device(device),
        "versions": provenance.list_versions(),
        "fingerprint": take_fingerprint(parameters["threads"], describe_device(device)),
    }


def play(
    run: Run,
    parameters: Mapping[str, Any],
    progress: Progress,
    checkpoints: Checkpoints,
    live: LiveFiles | None = None,
) -> dict[str, Any]:
    """Plays the steps that are left, and fills `run.record`, which `live` shows meanwhile.

    Returns how it ended, for `run.json`: `status`, `step`, `reason`, `best_step` (by the metric of
    early stopping), `seconds` and `images_per_second`.
    """
    steps, interval = parameters["steps"], parameters["history_interval"]
    snapshots = set(snapshot_steps(parameters))
    frames = set(frame_steps(parameters)) if run.record.has_frames else set()
    started = time.perf_counter() - run.seconds
    divergence, stop_reason = None, None
    with run.in_order():
        for step in range(run.step + 1, steps + 1):
            has_row = step % interval == 0 or step == steps
            before = copy_weights(run.game.generator.network) if has_row else []
            losses = run.take_step()
            if has_row or step in snapshots:
                divergence = run.non_finite.reason(run.game.generator.network, step)
                if divergence:
                    break
                run.seconds = round(time.perf_counter() - started, 3)
                if has_row:
                    _add_history(run, measure(run.game, losses, before), parameters, progress)
                if step in snapshots:
                    stop_reason = _take_snapshot(run)
                    if stop_reason:
                        break
                if live:
                    live.show(run.record)
            if step in frames:
                game = run.game
                run.record.frames.add(step, game.scored_generator, game.discriminator.network)
            run.seconds = time.perf_counter() - started
            try:
                checkpoints.after_step(run)
            except RunInterrupted:
                if live:
                    live.show_at_once(run.record)
                raise
    seconds = round(time.perf_counter() - started, 3)
    step, reason = divergence or (run.step, stop_reason)
    return {
        "status": "diverged" if divergence else "completed",
        "step": step,
        "reason": reason,
        "best_step": run.stopping.best_step,
        "seconds": seconds,
        "images_per_second": round(step * images_per_step(parameters) / seconds, 1),
    }


def _add_history(
    run: Run, measurements: Tensor, parameters: Mapping[str, Any], progress: Progress
) -> None:
    step, values = run.step, measurements.tolist()
    updates, images = step * parameters["discriminator_steps"], step * images_per_step(parameters)
    run.record.history.append([step, updates, step, images, run.seconds, *values])
    progress.advance(step, f"D(x) {values[3]:.2f}  D(G(z)) {values[4]:.2f}")


def _take_snapshot(run: Run) -> str | None:
    """Takes a snapshot; returns the reason to end the run here, or None."""
    game = run.game
    run.record.take_snapshot(run.step, game.scored_generator, game.discriminator.network)
    return run.stopping.reason(run.step, game.scored_generator, game.discriminator.network)


def describe_ending(outcome: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The last line of the log: how the run ended."""
    if outcome["status"] == "diverged":
        return f"diverged at step {outcome['step']} of {parameters['steps']}: {outcome['reason']}"
    reason = f": {outcome['reason']}" if outcome["reason"] else ""
    return f"completed {outcome['step']} steps in {outcome['seconds']:.1f} s{reason}"


def write(
    run: Run,
    outcome: Mapping[str, Any],
    identity: Mapping[str, Any],
    shape: tuple[int, ...],
    outputs: RunFiles,
) -> None:
    """Writes the run's four files; `shape` is the shape of one sample."""
    parameters, game = identity["parameters"], run.game
    run.record.write(
        outputs,
        run={
            **{key: identity[key] for key in ("dataset", "variant", "seed")},
            **outcome,
            "device": identity["device"],
            "device_settings": {
                **asdict(choose_settings(parameters, run.device)),
                "cuda_graphs": run.graphs is not None,
            },
            "versions": identity["versions"],
            "machine": provenance.describe_machine(),
            "fingerprint": identity["fingerprint"],
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
