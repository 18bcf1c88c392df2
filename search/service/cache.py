"""Answers that many want at once, asked for once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar  # Any: one cache holds answers of every type

from starlette.concurrency import run_in_threadpool

SECONDS = 1.0
AHEAD_SECONDS = 0.6
"""An answer that is wanted so shortly before its end is asked for anew."""

MANY = 1000

T = TypeVar("T")


@dataclass
class _Answer:
    """An answer, or the way to it.

    Attributes:
        task: Gives it.
        until: When it ends, in seconds of the monotonic clock; infinite on the way.
        ahead: The one after it is on its way.
    """

    task: asyncio.Task[Any]
    until: float = math.inf
    ahead: bool = False


class Fresh:
    """Asks a question in a thread, and gives its answer to all who ask within a second.

    As long as somebody asks, the next answer is fetched before this one ends: nobody waits for it.
    That who asks first goes away is nothing to the others. Errors are answers too: an MLflow that
    is away is not asked more often than one that is there.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, _Answer] = {}

    async def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer to a question.

        Args:
            key: Two questions with one key have one answer.
            ask: Gives the answer; it may block.
        """
        now = time.monotonic()
        known = self._answers.get(key)
        if known is None or known.until < now:
            if len(self._answers) > MANY:
                self._drop_old()
            known = self._answers[key] = _fetch(ask)
        elif not known.ahead and known.until - now < AHEAD_SECONDS:
            known.ahead = True
            after = _fetch(ask)
            after.task.add_done_callback(lambda _: self._replace(key, known, after))
        answer: T = await asyncio.shield(known.task)
        return answer

    def _replace(self, key: Hashable, known: _Answer, after: _Answer) -> None:
        """Puts an answer in the place of the one before, unless that was dropped or has ended."""
        if self._answers.get(key) is known:
            self._answers[key] = after

    def clear(self) -> None:
        """Drops what was answered, and what will be to questions from before: things changed."""
        self._answers.clear()

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._answers = {key: one for key, one in self._answers.items() if one.until >= now}


def _fetch(ask: Callable[[], Any]) -> _Answer:
    answer = _Answer(asyncio.ensure_future(run_in_threadpool(ask)))
    answer.task.add_done_callback(lambda task: _expire(answer, task))
    return answer


def _expire(answer: _Answer, task: asyncio.Task[Any]) -> None:
    answer.until = time.monotonic() + SECONDS
    if not task.cancelled():
        # who asked may be gone, and then nobody takes the error
        task.exception()
