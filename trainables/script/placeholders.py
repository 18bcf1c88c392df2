"""`CommandLine`: a command whose arguments hold placeholders for hyperparameters."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tuneyard.spaces import SearchSpace, Space, SpaceError, Value, to_text
from tuneyard.spaces.language.errors import did_you_mean

_FLAG = re.compile(r"--?[A-Za-z][^={}]*")
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class CommandLine:
    """A command as it was written, e.g. ``python train.py --lr {lr} --momentum={sgd.momentum}``.

    It is split as a shell does, but no shell runs it: ``|``, ``>``, ``*`` and ``$NAME`` mean
    nothing. ``{path}`` stands for the value of a hyperparameter, ``{{`` and ``}}`` for a brace.

    A hyperparameter may not exist in a config, such as the momentum of another optimizer. An
    argument that holds its placeholder is then left out, and so is the flag before that argument:
    one that begins with ``-`` or ``--`` and a letter, and has neither ``=`` nor a brace. So
    ``--momentum {momentum}`` and ``--momentum={momentum}`` disappear whole.

    Args:
        text: The command.

    Raises:
        SpaceError: It has no program, or a quote or a brace is not closed.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.words:
            raise SpaceError("command must begin with a program, got none")
        for word in self.words:
            for part in _PART.finditer(word):
                if part[0] in ("{", "}") or part[0] == "{}":
                    raise SpaceError(
                        f"command: a placeholder must read {{path}}, and a brace {{{{ or }}}}, "
                        f"got {word!r}"
                    )

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments, with placeholders."""
        try:
            return tuple(shlex.split(self.text))
        except ValueError as error:
            rule = str(error).lower()
            raise SpaceError(f"command cannot be split, {rule}, got {self.text!r}") from None

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths that have a placeholder."""
        return frozenset(path for word in self.words for path in _paths(word))

    def check(self, space: Space[SearchSpace]) -> None:
        """Checks that the command takes every hyperparameter that is searched, and no other.

        A command without any placeholder reads its hyperparameters from ``TUNEYARD_CONFIG``.

        Raises:
            SpaceError: A placeholder is not in the space, or a dimension has no placeholder.
        """
        known = {leaf.path for leaf in space.leaves}
        for path in sorted(self.paths - known):
            raise SpaceError(
                f"command: {{{path}}} is not in the space; {did_you_mean(path, known)}"
            )
        # a switch or a length is seen from what exists
        searched = [leaf.path for leaf in space.dimensions() if leaf.role == "value"]
        missing = [path for path in searched if path not in self.paths]
        if self.paths and missing:
            raise SpaceError(
                f"command: {', '.join(missing)} would be searched without effect; add "
                f"{' '.join(f'{{{path}}}' for path in missing)}, or leave all placeholders out and "
                "read TUNEYARD_CONFIG"
            )

    def arguments(self, params: Mapping[str, Value]) -> list[str]:
        """The program and its arguments for one config.

        Args:
            params: The config as flat parameters, without those that do not exist in it.
        """
        arguments: list[str] = []
        after_flag = False
        for word in self.words:
            paths = _paths(word)
            if all(path in params for path in paths):
                arguments.append(_PART.sub(lambda part: _filled(part, params), word))
                after_flag = _FLAG.fullmatch(word) is not None
            else:
                if after_flag:
                    arguments.pop()
                after_flag = False
        return arguments


def _paths(word: str) -> list[str]:
    return [part[1] for part in _PART.finditer(word) if part[1]]


def _filled(part: re.Match[str], params: Mapping[str, Value]) -> str:
    return to_text(params[part[1]]) if part[1] else part[0][0]
