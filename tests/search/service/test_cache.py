"""Answers that many ask for at once, and that nobody keeps."""

import asyncio
import gc
import weakref

import pytest

from tuneyard.search.service import cache
from tuneyard.search.service.cache import Fresh


class Answer:
    """Something that can be seen to be let go."""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SECONDS", 0.2)
    monkeypatch.setattr(cache, "AHEAD_SECONDS", 0.1)


def test_an_answer_that_nobody_asks_for_again_is_let_go() -> None:
    async def ask_for_many() -> list[weakref.ref[Answer]]:
        fresh = Fresh()
        made: list[weakref.ref[Answer]] = []
        for number in range(50):
            made.append(weakref.ref(await fresh.get(("page", number), Answer)))
        for _ in range(100):
            await asyncio.sleep(0.05)
            gc.collect()
            if not any(one() for one in made):
                break
        left = [one for one in made if one()]
        # the service lives on
        assert await fresh.get("another", int) == 0
        return left

    assert asyncio.run(ask_for_many()) == []


def test_as_long_as_somebody_asks_it_is_renewed() -> None:
    made: list[Answer] = []

    def make() -> Answer:
        made.append(Answer())
        return made[-1]

    async def ask_on() -> list[Answer]:
        fresh, told = Fresh(), []
        for _ in range(20):
            told.append(await fresh.get("one", make))
            await asyncio.sleep(0.05)
        return told

    told = asyncio.run(ask_on())
    assert 1 < len(made) < len(told)
    assert {id(one) for one in told} <= {id(one) for one in made}


def test_what_has_changed_is_asked_for_again() -> None:
    async def change() -> tuple[str, str]:
        fresh, answers = Fresh(), iter(("before", "after"))
        first = await fresh.get("one", lambda: next(answers))
        fresh.clear()
        return first, await fresh.get("one", lambda: next(answers))

    assert asyncio.run(change()) == ("before", "after")


def test_an_error_is_the_answer_of_all_who_ask() -> None:
    async def ask() -> list[BaseException | None]:
        fresh = Fresh()
        asked: list[int] = []

        def fail() -> None:
            asked.append(1)
            raise OSError("away")

        told = await asyncio.gather(
            *(fresh.get("one", fail) for _ in range(5)), return_exceptions=True
        )
        assert len(asked) == 1
        return told

    assert [str(error) for error in asyncio.run(ask())] == ["away"] * 5
