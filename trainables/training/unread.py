"""Which of the fields that a space inherits from `TrainingSpace` no training has read."""

from __future__ import annotations

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.dimensions import Dimension

WHOLE = frozenset({"__dict__", "model_copy", "model_dump", "model_dump_json"})
"""What gives all fields at once."""


class ReadFields:
    """Notes which fields of configs are read: a user's own loop may ignore what it inherits."""

    def __init__(self) -> None:
        self._read: list[set[str]] = []

    def watch(self, config: SearchSpace) -> SearchSpace:
        """The same config, whose fields are noted when they are read."""
        kind = type(config)
        fields, read = frozenset(kind.model_fields), set[str]()

        class Watched(kind):  # type: ignore[misc, valid-type]
            __doc__ = kind.__doc__

            def __getattribute__(self, name: str) -> object:
                if name in fields:
                    read.add(name)
                elif name in WHOLE:
                    read.update(fields)
                return super().__getattribute__(name)

        # a class of a space reads the defaults when it is made
        read.clear()
        self._read.append(read)
        watched = config.model_copy()
        # a frozen model refuses an ordinary assignment
        object.__setattr__(watched, "__class__", Watched)
        return watched

    def unread(self, dimensions: tuple[Dimension, ...]) -> list[str]:
        """The searched fields of `TrainingSpace` that were read from no config."""
        searched = dict.fromkeys(str(leaf.keys[0]) for leaf in dimensions)
        unread = searched.keys() & TrainingSpace.model_fields.keys() - set().union(*self._read)
        return [name for name in searched if name in unread]
