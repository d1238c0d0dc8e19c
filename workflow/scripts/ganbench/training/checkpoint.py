"""Checkpoints: an interrupted run resumes from its last one and ends with the same bits.

They lie outside the rule's declared outputs, which Snakemake deletes when a job fails.
"""

import hashlib
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import torch

from ganbench.jobs import locks, provenance
from ganbench.training.interrupts import Interrupts, RunInterrupted
from ganbench.training.run import Run

TIME_SHARE = 1 / 150
"""The share of training time spent on checkpoints where the study sets no interval."""
SHORTEST_PAUSE = 10.0
"""The fewest seconds between two checkpoints where the study sets no interval."""
DIGEST_SIZE = 32
"""A checkpoint begins with this many bytes, the SHA-256 of the rest."""


class Checkpoints:
    """The last two checkpoints of one run, in `folder`.

    `interval` is in steps. With None, checkpoints are as frequent as costs under 1 % of the time.
    The interval does not change the run's results.
    """

    def __init__(self, folder: Path, interval: int | None, log: TextIO) -> None:
        self.folder, self.interval, self.log = folder, interval, log
        self.key = ""
        self._interrupts = Interrupts(log)
        self._last_save, self._pause = time.perf_counter(), SHORTEST_PAUSE

    @contextmanager
    def open(self, identity: Mapping[str, Any]) -> Iterator[None]:
        """Locks the folder during a run, and removes the checkpoints when the run has finished.

        `identity` is everything that decides the run's bits, as plain JSON. Checkpoints are named
        after it, so a run never resumes from one of other parameters, data, code or versions.
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
        with suppress(OSError):  # NFS removes an open file late; another job may have begun here
            self.folder.rmdir()

    def resume(self, run: Run) -> None:
        """Restores `run`, which is at its start, from the newest intact checkpoint, if any."""
        self._restore(run)
        self._interrupts.patient = True  # from now on there are steps to save

    def _restore(self, run: Run) -> None:
        for file in (self._newest, self._previous):
            if not file.exists():
                continue
            data = file.read_bytes()
            digest, content = data[:DIGEST_SIZE], data[DIGEST_SIZE:]
            if hashlib.sha256(content).digest() == digest:
                state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
                run.restore(state)
                print(f"resumed after step {run.step}, from {file.name}", file=self.log)
                return
            print(f"skipped {file.name}, which is damaged", file=self.log)

    def after_step(self, run: Run) -> None:
        """Saves a checkpoint when one is due. After a signal, saves one and ends the run.

        Raises RunInterrupted after a signal.
        """
        received = self._interrupts.received
        if not received and not self._due(run.step):
            return
        saved = self._save(run)
        if received:
            hint = "; its state is saved, and the same command resumes it" if saved else ""
            raise RunInterrupted(f"{received}: the run stopped after step {run.step}{hint}")

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
        return time.perf_counter() - self._last_save >= self._pause

    def _save(self, run: Run) -> bool:
        """Saves a checkpoint; returns whether it could. The run may succeed without one."""
        started = time.perf_counter()
        try:
            self._write(run.state())
        except OSError as error:
            print(f"could not save the state after step {run.step}: {error}", file=self.log)
            self._partial.unlink(missing_ok=True)
            return False
        finally:
            self._last_save = time.perf_counter()
            self._pause = max(SHORTEST_PAUSE, (self._last_save - started) / TIME_SHARE)
        return True

    def _write(self, state: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save(state, buffer)
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
