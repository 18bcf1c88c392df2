"""Answers that many want at once, asked for once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

SECONDS = 1.0
MANY = 1000

T = TypeVar("T")


@dataclass
class _Answer:
    task: asyncio.Task[Any]
    until: float


class Fresh:
    """Asks a question in a thread, and gives its answer to all who ask within a second.

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
        known = self._answers.get(key)
        if known is None or known.until < time.monotonic():
            if len(self._answers) > MANY:
                self._drop_old()
            known = _Answer(asyncio.ensure_future(run_in_threadpool(ask)), float("inf"))
            known.task.add_done_callback(lambda task: _expire(known, task))
            self._answers[key] = known
        answer: T = await asyncio.shield(known.task)
        return answer

    def clear(self) -> None:
        """Drops what was answered, and what will be to questions from before: things changed."""
        self._answers.clear()

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._answers = {key: one for key, one in self._answers.items() if one.until >= now}


def _expire(answer: _Answer, task: asyncio.Task[Any]) -> None:
    answer.until = time.monotonic() + SECONDS
    if not task.cancelled():
        # who asked may be gone, and then nobody takes the error
        task.exception()
