"""Drivers killed with all their processes at any time: nothing is lost, doubled or left open."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
TRIALS = 40 if WHOLE else 10
SEARCHES = 20 if WHOLE else 1
KILLS = 3 if WHOLE else 2
SEARCH = ("linear-regression", "--set", "epochs=25", "--trials", str(TRIALS))

LAST_PHASE = 4.0
"""Seconds in which a search tests, registers and publishes what it has found."""


def ended(folder: Path) -> dict[str, bytes]:
    """The files of the trials that have ended."""
    return {file.name: file.read_bytes() for file in (folder / "ended").glob("*.json")}


@pytest.mark.parametrize("seed", range(SEARCHES))
def test_a_search_that_is_killed_again_and_again(
    place: Any, found: Callable[..., Any], injected: Callable[..., None], seed: int
) -> None:
    draw = random.Random(seed)
    folder, before = place.folder("mine"), {}
    command: tuple[str, ...] = ("search", *SEARCH, "--name", "mine", "--seed", str(seed))
    for kill in range(KILLS):
        driver = place.start(*command)
        last_phase = kill == KILLS - 1
        trials = draw.randint(0, TRIALS - 1)

        def reached(last_phase: bool = last_phase, trials: int = trials) -> bool:
            if last_phase:
                return (folder / "explored.json").exists()
            return (folder / "driver.json").exists() and len(ended(folder)) >= trials

        if place.wait(driver, reached):
            time.sleep(draw.uniform(0.0, LAST_PHASE if last_phase else 2.0))
        place.kill(driver)
        injected("drivers killed, with all their processes")
        now = ended(folder)
        assert before.items() <= now.items(), "what had ended was run again"
        before = now
        if (folder / "search.json").exists():
            command = ("resume", "mine")
    done = place.run("resume", "mine")
    # a driver that had done all before it was killed has nothing left
    over = "has run its" in done.stderr
    assert done.returncode == (2 if over else 0), done.stderr[-4000:]
    assert before.items() <= ended(folder).items()
    found("mine").check(TRIALS, "loss")
    injected("trials of killed drivers, each of which ended once", TRIALS)
