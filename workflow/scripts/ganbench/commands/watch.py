"""`watch`: the runs of a study while they train, from another terminal, and afterwards."""

import sys
import time
from math import inf
from pathlib import Path

from ganbench.terminal.board import Board, can_redraw
from ganbench.terminal.run_states import Phase, StudyFolder
from ganbench.terminal.run_table import format_states

REFRESH = 2.0
"""Seconds between two frames."""


def watch_runs(results: Path, *, once: bool) -> str:
    """Shows the runs of the study in `results` until all have ended; returns the last frame.

    With `once`, or where lines cannot be written anew, there is only one frame. Raises
    ActionableError if no run of the study has started to train.
    """
    folder, board = StudyFolder(results), Board(sys.stdout)
    if not can_redraw(sys.stdout):
        return "\n".join(_draw_frame(folder)[0])  # a file has lines of any width
    if once:
        return "\n".join(_draw_frame(folder, board.width)[0])
    try:
        while True:
            lines, has_ended = _draw_frame(folder, board.width)
            if has_ended:
                board.erase()
                return "\n".join(lines)
            board.draw(lines)
            time.sleep(REFRESH)
    except KeyboardInterrupt:
        return ""  # the last frame stays


def _draw_frame(folder: StudyFolder, width: float = inf) -> tuple[list[str], bool]:
    """The lines of a frame, and whether no run is left to train."""
    states = folder.list_states()
    name = folder.read_study()["study"]
    ended = (Phase.DIVERGED, Phase.STOPPED, Phase.FINISHED)
    return format_states(name, states, width), all(state.phase in ended for state in states)
