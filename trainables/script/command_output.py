"""`Output`: what a program prints, cut into lines, with the last part of it kept."""

from __future__ import annotations

from collections.abc import Iterator

KEPT_BYTES = 64 << 10
"""How much of the output is kept."""

MESSAGE_LINES = 40
"""How many lines of it an error has."""

_LONGEST_LINE = 1 << 20
"""A longer line is no report; it is kept in parts of this size."""


class Lines:
    """Cuts a stream of bytes into lines, whatever the pieces in which it arrives.

    Of a line that was written over, such as that of a progress bar, the last state is left.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[tuple[str, bool]]:
        """Yields the lines that end in a piece, each with whether it is whole.

        Args:
            data: The piece; empty at the end of the stream, where the last line may lack its end.
        """
        *ended, self._rest = (self._rest + data).split(b"\n")
        for line in ended:
            yield _seen(line), not self._too_long
            self._too_long = False
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            yield _seen(self._rest), not (data or self._too_long)
            self._rest, self._too_long = b"", True


def _seen(line: bytes) -> str:
    """What a terminal shows of a line."""
    return line.decode(errors="replace").rstrip().rpartition("\r")[2]


class Tail:
    """The end of a text that grows."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, line: str) -> None:
        """Adds a line."""
        self._kept += line.encode(errors="replace") + b"\n"
        del self._kept[:-KEPT_BYTES]

    def text(self) -> str:
        """What is kept."""
        return self._kept.decode(errors="ignore")

    def last_lines(self) -> str:
        """The last lines, for an error."""
        return "\n".join(self.text().splitlines()[-MESSAGE_LINES:])
