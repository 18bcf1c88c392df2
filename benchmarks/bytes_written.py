"""How many bytes a search writes for each trial, which must not grow with the trials before it.

Runs a search of a linear regression of one epoch a trial, whose checkpoints are small, and reads
what Linux counts of its processes: the driver, Ray's, and the workers. All that they hand to the
system counts, also what goes to a socket or is written again before it reaches the disk.

    python benchmarks/bytes_written.py [--trials 3000]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

PAUSE_SECONDS = 0.2
PARTS = 10


def written(driver: psutil.Process, known: dict[int, int]) -> int:
    """Bytes that a driver and all that it has started have written; the dead with what is known."""
    for process in (driver, *driver.children(recursive=True)):
        with suppress(psutil.Error):
            known[process.pid] = process.io_counters().write_chars
    return sum(known.values())


def follow(search: subprocess.Popen[bytes], folder: Path, trials: int) -> list[tuple[int, int]]:
    """The trials that have ended and the bytes that were written, at the end of each part."""
    driver, known, points = psutil.Process(search.pid), dict[int, int](), list[tuple[int, int]]()
    while search.poll() is None and len(points) <= PARTS:
        ended = sum(1 for _ in folder.glob("ended/*.json"))
        if ended and ended >= len(points) * trials / PARTS:
            points.append((ended, written(driver, known)))
        time.sleep(PAUSE_SECONDS)
    return points


def main() -> None:
    """Prints the bytes a trial, part by part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=3000)
    trials = parser.parse_args().trials
    options = ("--set", "epochs=1", "--sampler", "random", "--scheduler", "none")
    with tempfile.TemporaryDirectory() as place:
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "tuneyard.search.cli", "search", "linear-regression"),
                *("--name", "written", "--trials", str(trials), *options),
            ],
            cwd=place,
        ) as search:
            points = follow(search, Path(place, "tuneyard-searches", "written"), trials)
        if search.returncode:
            raise SystemExit(f"the search has failed: {search.returncode}")
    for (first, before), (last, after) in itertools.pairwise(points):
        print(
            f"trials {first:5} to {last:5}: {(after - before) / (last - first) / 1000:8.1f} kB each"
        )


if __name__ == "__main__":
    main()
