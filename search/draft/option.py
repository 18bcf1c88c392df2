"""`Option`: what one option of a script takes, by default and at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Plain = bool | int | float | str | Path | None
"""A value that a field of a space can have."""


@dataclass(frozen=True)
class Option:
    """An option of a script whose type, default and choices are known.

    Attributes:
        names: Its names on the command line; empty where `set_defaults` alone makes it.
        dest: The name under which the script reads it.
        line: Its line in the script, from 1.
        command: The subcommand that it belongs to; empty for none.
        type: Of its value, or of each of its values: ``int``, ``float``, ``str``, ``bool`` or
            ``Path``.
        many: Whether its value is a list.
        default: Its default, converted as argparse does it; a list is a tuple.
        choices: What it may be; empty for anything of its type.
        required: Whether the script asks for it, so that there is no default.
        help: Its help in one line, without argparse's formats.
        note: What else a reader of its value must know; may be empty.
    """

    names: tuple[str, ...]
    dest: str
    line: int
    command: str
    type: str
    many: bool
    default: Plain | tuple[Plain, ...]
    choices: tuple[Plain, ...] = ()
    required: bool = False
    help: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """Its names, and its line in the script."""
        names = ", ".join(self.names) or "set_defaults"
        command = f" of {self.command}" if self.command else ""
        return f"{names}{command} (line {self.line})"


@dataclass(frozen=True)
class Unread:
    """Something of a script's options that the draft doesn't hold.

    Attributes:
        what: The option's names, or the call.
        line: Its line in the script, from 1.
        reason: Why it isn't in the draft.
    """

    what: str
    line: int
    reason: str
