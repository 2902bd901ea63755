"""A text and the places in it."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from .tuples import NamedTuple


class Source:
    """A text with the name that messages call it by. Two sources are the same only if they are one object."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    @cached_property
    def _line_starts(self) -> list[int]:
        # A byte order mark is no column of the first line.
        starts, at = [int(self.text.startswith("\ufeff"))], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, the column in characters."""
        row = max(bisect_right(self._line_starts, offset) - 1, 0)
        return row + 1, max(offset - self._line_starts[row], 0) + 1

    def line_start(self, line: int) -> int:
        """The offset at which a line (counted from 1) starts; that of the end of the text behind the last line."""
        return self._line_starts[line - 1] if line <= len(self._line_starts) else len(self.text)

    def line(self, line: int) -> str:
        """The text of a line (counted from 1), without its line break."""
        return self.text[self.line_start(line) : self.line_start(line + 1)].rstrip("\r\n")

    def line_end(self, offset: int) -> int:
        """The offset just behind the line break that ends the line of ``offset``, or the end of the text."""
        at = self.text.find("\n", offset)
        return len(self.text) if at < 0 else at + 1

    @cached_property
    def newline(self) -> str:
        r"""The line break that the text uses: ``"\r\n"`` where its first line has it, else ``"\n"``."""
        return "\r\n" if self.text[: self.text.find("\n") + 1].endswith("\r\n") else "\n"


class Span(NamedTuple):
    """The characters ``start`` (included) to ``end`` (excluded) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """What stands there."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line of the start, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the start, counted from 1, in characters."""
        return self.source.position(self.start)[1]
