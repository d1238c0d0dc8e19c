"""The last lines of a terminal, which are written anew while jobs run."""

import os
import textwrap
from collections.abc import Sequence
from typing import TextIO

DEFAULT_SIZE = os.terminal_size((80, 24))


def can_redraw(stream: TextIO) -> bool:
    """Whether a stream is a terminal on which lines can be written anew."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Board:
    """Lines below everything that is printed once."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.drawn = stream, 0

    @property
    def width(self) -> int:
        """The most characters that a line may have."""
        return self._find_size().columns - 1

    def draw(self, lines: Sequence[str]) -> None:
        """Replaces the lines by these, cut to the terminal's size."""
        width, height = self._find_size()
        room = max(1, height - 2)
        if len(lines) > room:
            lines = [*lines[: room - 2], f"  and {len(lines) - room + 1} more", lines[-1]]
        self.stream.write(self._erasure() + "".join(f"{line[: width - 1]}\n" for line in lines))
        self.stream.flush()
        self.drawn = len(lines)

    def erase(self) -> None:
        """Removes the lines; what is printed next stands where they were."""
        if self.drawn:
            self.stream.write(self._erasure())
            self.drawn = 0

    def wrap(self, text: str) -> str:
        """Breaks lines that are wider than the terminal between words."""
        width, _ = self._find_size()
        return "\n".join(
            textwrap.fill(
                line,
                width,
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
                drop_whitespace=len(line) > width,
            )
            for line in text.split("\n")
        )

    def _erasure(self) -> str:
        return f"\x1b[{self.drawn}A\x1b[J" if self.drawn else ""

    def _find_size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self.stream.fileno())
        except OSError:
            return DEFAULT_SIZE
        return size if size.columns and size.lines else DEFAULT_SIZE
