"""A run's state on disk, so that a run that was cut short goes on where it was, to the same bits.

Checkpoints lie outside the declared outputs of the rule, which Snakemake deletes when a job fails.
"""

import hashlib
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import torch

from ganbench.jobs import locks, provenance
from ganbench.training.interrupts import Interrupts, RunInterrupted
from ganbench.training.run import Run

SHARE = 1 / 150
"""Of the training time that may go into checkpoints where the study names no interval."""
PAUSE = 10.0
"""Seconds between two checkpoints, at least, where the study names no interval."""
DIGEST = 32
"""Bytes of SHA-256 in front of a checkpoint's content."""


class Checkpoints:
    """The newest state of one run, and the one before, in `folder`.

    `interval` is in steps; None writes one as often as costs less than 1 % of the time. Neither
    changes a bit of the run.
    """

    def __init__(self, folder: Path, interval: int | None, log: TextIO) -> None:
        self.folder, self.interval, self.log = folder, interval, log
        self.key = ""
        self._interrupts = Interrupts(log)
        self._written, self._pause = time.perf_counter(), PAUSE

    @contextmanager
    def of(self, identity: Mapping[str, Any]) -> Iterator[None]:
        """Locks the run's folder; `identity` is all that decides the run's bits, as plain JSON.

        Checkpoints are named after the identity, so a run never continues from a checkpoint of
        other parameters, data, code or versions. Removes all of them when the run ends.
        """
        self.key = provenance.sha256(provenance.canonical_json(dict(identity)))[:32]
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = locks.take_over(self.folder / "lock", self.log)
        try:
            with self._interrupts:
                yield
                self._clear()
        finally:
            os.close(lock)

    def resume(self, run: Run) -> None:
        """Puts `run`, which has not begun, where its newest whole state is, if there is one."""
        self._restore(run)
        self._interrupts.patient = True  # from here on there are steps to save

    def _restore(self, run: Run) -> None:
        for file in (self._newest, self._previous):
            if not file.exists():
                continue
            content = file.read_bytes()
            if hashlib.sha256(content[DIGEST:]).digest() == content[:DIGEST]:
                state = torch.load(
                    io.BytesIO(content[DIGEST:]), weights_only=True, map_location="cpu"
                )
                run.restore(state)
                print(f"goes on after step {run.step}, from {file.name}", file=self.log)
                return
            print(f"{file.name} is damaged and passed over", file=self.log)

    def after_step(self, run: Run) -> None:
        """Saves the state where it is time. Raises RunInterrupted where the run shall end."""
        received = self._interrupts.received
        if not received and not self._due(run.step):
            return
        saved = self._saved(run)
        if received:
            kept = "; its state is saved, and the same command goes on from it" if saved else ""
            raise RunInterrupted(f"{received}: the run ended after step {run.step}{kept}")

    @property
    def _newest(self) -> Path:
        return self.folder / f"{self.key}.checkpoint"

    @property
    def _previous(self) -> Path:
        return self.folder / f"{self.key}.previous.checkpoint"

    @property
    def _partial(self) -> Path:
        return self.folder / f"{self.key}.partial"

    def _due(self, step: int) -> bool:
        if self.interval:
            return step % self.interval == 0
        return time.perf_counter() - self._written >= self._pause

    def _saved(self, run: Run) -> bool:
        """Saves the state; where it cannot, says so, for the run itself may still go well."""
        started = time.perf_counter()
        try:
            self._save(run)
        except OSError as error:
            print(f"the state after step {run.step} could not be saved: {error}", file=self.log)
            self._partial.unlink(missing_ok=True)
            return False
        finally:
            self._written = time.perf_counter()
            self._pause = max(PAUSE, (self._written - started) / SHARE)
        return True

    def _save(self, run: Run) -> None:
        buffer = io.BytesIO()
        torch.save(run.state(), buffer)
        content = buffer.getbuffer()
        with self._partial.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if self._newest.exists():
            self._newest.replace(self._previous)
        self._partial.replace(self._newest)

    def _clear(self) -> None:
        for file in [*self.folder.glob("*.checkpoint"), *self.folder.glob("*.partial")]:
            file.unlink()
        (self.folder / "lock").unlink()
        self.folder.rmdir()
