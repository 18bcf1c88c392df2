"""`Assignment`: what the driver of a search sends to a worker, typed."""

from __future__ import annotations

from dataclasses import dataclass

from tuneyard.spaces import Value

Params = dict[str, Value]

BASELINE = 0
"""The number of the trial with the space's default config."""


@dataclass(frozen=True)
class Member:
    """One trial that a worker trains.

    Attributes:
        number: Its number in the search.
        params: The config that it trains with, as flat parameters.
        proposed: The config as it was proposed; a scheduler may have changed it since.
        seed: Of its weights and its batches; None means the search's seed.
        checkpoint: Address of a checkpoint that it continues from; None starts it afresh.
        given_up: Why it is not trained any more; None where it is.
    """

    number: int
    params: Params
    proposed: Params
    seed: int | None = None
    checkpoint: str | None = None
    given_up: str | None = None


@dataclass(frozen=True)
class Assignment:
    """The trials that one worker trains together.

    Attributes:
        members: The trials, at least one.
    """

    members: tuple[Member, ...]

    @property
    def single(self) -> Member:
        """The trial of an assignment that has one."""
        (member,) = self.members
        return member
