"""An epoch of each task's baseline with a fused optimizer and with torch's default, side by side.

TUNEYARD_DATA=FOLDER python benchmarks/epochs.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from unittest import mock

import torch

from tuneyard.trainables.task import find_task
from tuneyard.trainables.training import optimization as descent
from tuneyard.trainables.training.optimizers import build_optimizer
from tuneyard.trainables.training.training import Training

EPOCHS = {"airplane-lstm": 200, "diabetes": 200, "names-gru": 1}


def training(name: str, *, fused: bool) -> Training:
    """The task's baseline, with Adam, which has a fused kernel."""

    def build(config, parameters, **_: bool):  # type: ignore[no-untyped-def]
        return build_optimizer(config, parameters, fused=fused)

    task = find_task(name)
    config = task.space(epochs=10**6, optimizer={"kind": "adam"})
    with mock.patch.object(descent, "build_optimizer", build):
        return Training(task, config, [task.load(None)], seed=0)


def seconds(one: Training, epochs: int) -> float:
    """Mean seconds of an epoch."""
    started = time.perf_counter()
    for _ in range(epochs):
        one.run_epoch()
    return (time.perf_counter() - started) / epochs


def main() -> None:
    """Prints the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for name, epochs in EPOCHS.items():
        both = {fused: training(name, fused=fused) for fused in (False, True)}
        times: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):
            for fused, one in both.items():
                times[fused].append(seconds(one, epochs))
        default, fused_time = statistics.median(times[False]), statistics.median(times[True])
        print(
            f"{name:14s} default {1000 * default:8.2f} ms   fused {1000 * fused_time:8.2f} ms"
            f"   {default / fused_time:.2f}x"
        )


if __name__ == "__main__":
    main()
