"""The log handler that puts short messages on the terminal in the place of Snakemake's own."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable

from ganbench.jobs.status import VARIABLE
from ganbench.terminal.board import Board, can_redraw
from ganbench.terminal.messages import STOPPED, Messages, Plan

REFRESH_SECONDS = 1.0


class TerminalHandler(logging.Handler):
    """Writes what `Messages` makes of each record to the stream of Snakemake's own handler.

    It keeps that handler's filters, so `--quiet` works as ever, and its colours for warnings and
    errors. On a terminal, the jobs that run stand below all messages, and are written anew every
    second. Jobs on this machine tell how far they are in a folder that the environment names.
    """

    def __init__(
        self,
        own: logging.StreamHandler,
        study: str,
        make_plan: Callable[[], Plan],
        *,
        quiet: bool = False,
    ) -> None:
        super().__init__(own.level)
        self.own, self.name = own, own.name
        for own_filter in own.filters:
            self.addFilter(own_filter)
        self.folder = tempfile.TemporaryDirectory(prefix="ganbench-", ignore_cleanup_errors=True)
        if not quiet:  # else the filters let no message about a job through: it speaks for itself
            os.environ[VARIABLE] = self.folder.name
        self.board = Board(own.stream) if can_redraw(own.stream) and not quiet else None
        self.messages = Messages(study, make_plan, self.folder.name, brief=self.board is not None)
        self.closing = threading.Event()
        self.given_up = False
        threading.Thread(target=self._refresh, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message of one record, if it has one."""
        if self.given_up:
            self.own.emit(record)
            return
        try:
            text = self.messages.translate(record, self.own.format)
        except Exception as error:  # no message may be lost, whatever is wrong here
            self._give_up(error)
            self.own.emit(record)
            return
        if text:
            self._clear()
            text = self._wrap(text)
            is_bad = record.levelno >= logging.WARNING and not text.startswith(STOPPED)
            self.own.stream.write(f"{self.own.decorate(record, text) if is_bad else text}\n")
        self._draw()
        self.own.stream.flush()

    def _give_up(self, error: Exception) -> None:
        """From here on, Snakemake's own messages, and jobs that speak for themselves."""
        self._clear()
        self.given_up = True
        self.closing.set()
        os.environ.pop(VARIABLE, None)
        self.own.stream.write(f"Snakemake's own messages follow: {type(error).__name__}: {error}\n")

    def close(self) -> None:
        """Writes the last message; Snakemake calls it in the end, however that came."""
        with self.lock:
            if not self.closing.is_set():
                self.closing.set()
                self._clear()
                if text := self.messages.close():
                    self.own.stream.write(f"{self._wrap(text)}\n")
                self.own.flush()
        self.folder.cleanup()
        super().close()

    def _refresh(self) -> None:
        while not self.closing.wait(REFRESH_SECONDS):
            with self.lock:
                if not self.closing.is_set():
                    self.show_progress()

    def show_progress(self) -> None:
        """Writes the running jobs anew or, without a terminal, a line for a tenth of a long one."""
        countdown = self.messages.countdown
        if self.board:
            self._draw()
        elif countdown and (lines := countdown.list_tenths()):
            self.own.stream.write("\n".join([*lines, ""]))
            self.own.stream.flush()

    def _wrap(self, text: str) -> str:
        """Breaks lines between words on a terminal; a file keeps one message on one line."""
        return self.board.wrap(text) if self.board else text

    def _clear(self) -> None:
        if self.board:
            self.board.erase()

    def _draw(self) -> None:
        countdown = self.messages.countdown
        if self.board and countdown and countdown.running:
            self.board.draw(countdown.list_lines())
