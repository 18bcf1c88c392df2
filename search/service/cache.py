"""Answers that many clients want at the same time, asked for once."""

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
"""An answer that would expire within this time is asked for again."""

MANY = 1000

T = TypeVar("T")


@dataclass
class _Answer:
    """An answer, or the task that fetches it.

    Attributes:
        task: Gives it.
        until: When it ends, in seconds of the monotonic clock; infinite on the way.
        ahead: Whether the next answer is being fetched already.
    """

    task: asyncio.Task[Any]
    until: float = math.inf
    ahead: bool = False


class Fresh:
    """Asks a question in a thread, and gives its answer to everyone who asks within a second.

    As long as somebody asks, the next answer is fetched before this one expires, so that nobody
    waits for it. When the first client disconnects, the others still get the answer. Errors are
    kept like answers: an MLflow that does not answer is not asked more often than one that does.
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
        """Drops all answers, those still being fetched included, because something has changed."""
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
        # the client may have disconnected, and then nobody awaits the error
        task.exception()
