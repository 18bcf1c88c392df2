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

T = TypeVar("T")


@dataclass
class _Answer:
    """An answer, or the task that fetches it.

    Attributes:
        task: Gives it.
        until: When it ends, in seconds of the monotonic clock; infinite on the way.
        ahead: The next answer, on its way; None where nobody has asked for it yet.
    """

    task: asyncio.Task[Any]
    until: float = math.inf
    ahead: _Answer | None = None


class Fresh:
    """Asks a question in a thread, and gives its answer to everyone who asks within a second.

    As long as somebody asks, the next answer is fetched before this one expires, so that nobody
    waits for it. When the first client disconnects, the others still get the answer. Errors are
    kept like answers: an MLflow that does not answer is not asked more often than one that does.
    An answer is let go when it expires: one may hold all trials of a search.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, _Answer] = {}

    async def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer to a question.

        Args:
            key: Two questions with one key have one answer.
            ask: Gives the answer; it may block.
        """
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._fetch(key, ask)
        elif known.ahead is None and known.until - time.monotonic() < AHEAD_SECONDS:
            known.ahead = self._fetch(key, ask)
            known.ahead.task.add_done_callback(lambda _: self._replace(key, known))
        answer: T = await asyncio.shield(known.task)
        return answer

    def _fetch(self, key: Hashable, ask: Callable[[], Any]) -> _Answer:
        answer = _Answer(asyncio.ensure_future(run_in_threadpool(ask)))
        answer.task.add_done_callback(lambda task: self._fetched(key, answer, task))
        return answer

    def _fetched(self, key: Hashable, answer: _Answer, task: asyncio.Task[Any]) -> None:
        answer.until = time.monotonic() + SECONDS
        asyncio.get_running_loop().call_later(SECONDS, self._replace, key, answer)
        if not task.cancelled():
            # the client may have disconnected, and then nobody awaits the error
            task.exception()

    def _replace(self, key: Hashable, known: _Answer) -> None:
        """Puts the next answer in the place of one, unless something has changed since."""
        if self._answers.get(key) is not known:
            return
        if known.ahead is None:
            del self._answers[key]
        else:
            self._answers[key] = known.ahead

    def clear(self) -> None:
        """Drops all answers, those still being fetched included, because something has changed."""
        self._answers.clear()
