"""What can be found out about a task before it is searched, by short trainings of its baseline."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast  # Any: users' data

import numpy as np
import torch

from tuneyard.datasets import Data, Dataset
from tuneyard.spaces import Float, Int, SearchSpace, Value
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.trainables.script.data import ScriptData
from tuneyard.trainables.searchable import Searchable, TrialTraining
from tuneyard.trainables.training.checkpoint import load_training, save_checkpoint
from tuneyard.trainables.training.unread import ReadFields

EPOCHS = 2
CPU = torch.device("cpu")

Metrics = list[dict[str, float]]


@dataclass(frozen=True)
class Check:
    """One thing that was found out.

    Attributes:
        name: What was asked.
        outcome: The answer; ``skipped`` where it could not be asked.
        said: The answer in words, with the remedy where something is wrong.
    """

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    said: str


class Checks:
    """Checks of one task, on one thread of the CPU, as a trial has it unless it asks for more.

    Args:
        task: The task.
        data: Its data.
        seed: The seed of the trainings.
    """

    def __init__(self, task: Searchable, data: Data, seed: int = 0) -> None:
        self._task = task
        self._data = data
        self._seed = seed
        self._space = task.description.space.space()
        self._first: Metrics = []
        self._fields = ReadFields()

    def run(self) -> Iterator[Check]:
        """Yields each check when it is done; a training that fails ends them."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield from self._checks()
        finally:
            torch.set_num_threads(threads)

    def _checks(self) -> Iterator[Check]:
        try:
            self._first = self._trained(self._data)
        except CodeError:
            raise
        # the baseline is a user's config of a user's task
        except Exception as error:
            yield Check("baseline trains", "failed", f"{type(error).__name__}: {error}")
            return
        yield Check("baseline trains", "passed", _shown(self._first))
        yield self._learns()
        yield self._resumes()
        yield self._repeats()
        yield self._keeps_test_data_out()
        yield self._another_config()
        if issubclass(self._space.config_type, TrainingSpace):
            yield self._reads_its_fields()
        yield self._finishes()

    def _start(self, config: SearchSpace | None = None, data: Data | None = None) -> TrialTraining:
        folds = self._task.split(data or self._data, self._task.description.folds)
        config = self._fields.watch(config or self._space.baseline())
        return self._task.start(config, folds, seed=self._seed, device=CPU)

    def _trained(self, data: Data, config: SearchSpace | None = None) -> Metrics:
        """The metrics of at most `EPOCHS` epochs."""
        training = self._start(config, data)
        try:
            return _run(training, EPOCHS)
        finally:
            training.close()

    def _learns(self) -> Check:
        name = "learns"
        if len(self._first) < EPOCHS:
            return Check(name, "skipped", "the baseline trains for one epoch")
        if self._first[0] == self._first[1]:
            said = "no metric changed between the epochs: does the optimizer step?"
            return Check(name, "failed", said)
        return Check(name, "passed", "the metrics change from epoch to epoch")

    def _resumes(self) -> Check:
        """One epoch, a checkpoint, and one more epoch from it, against two in one go."""
        name = "resumes exactly"
        if len(self._first) < EPOCHS:
            return Check(name, "skipped", "the baseline trains for one epoch")
        before, after = self._start(), self._start()
        with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
            try:
                _run(before, EPOCHS - 1)
                save_checkpoint(Path(here), before, {}, {})
                before.close()
                load_training(Path(here), after)
                if after.epoch == 0:
                    said = "nothing is kept, so an interrupted trial starts anew: trial.keep(...)"
                    return Check(name, "failed", said)
                rest = _run(after, 1)
            finally:
                before.close()
                after.close()
        if rest != self._first[-1:]:
            said = (
                f"epoch {EPOCHS} after a resume gives {_shown(rest)}, without one "
                f"{_shown(self._first[-1:])}: keep all that changes, generators and schedules too"
            )
            return Check(name, "failed", said)
        return Check(name, "passed", "the same metrics after a checkpoint as without one")

    def _repeats(self) -> Check:
        again = self._trained(self._data)
        if again != self._first:
            said = (
                f"the same seed gave {_shown(again)}, then {_shown(self._first)}: a generator is "
                "not seeded from trial.seed, or the code keeps something between trials"
            )
            return Check("repeats itself", "failed", said)
        return Check("repeats itself", "passed", "the same metrics with the same seed")

    def _keeps_test_data_out(self) -> Check:
        name = "keeps test data out"
        other = _with_other_test_data(self._data)
        if other is None:
            said = "load_data names no part of its data test, so this can't be told"
            return Check(name, "skipped", said)
        if self._trained(other) != self._first:
            said = "with other test data the training gives other metrics: it reads test data"
            return Check(name, "failed", said)
        return Check(name, "passed", "other test data changes no metric of the training")

    def _another_config(self) -> Check:
        draw = random.Random(self._seed)
        config = self._space.suggest(lambda leaf: _drawn(leaf, draw))
        name = "another config trains"
        try:
            found = self._trained(self._data, config)
        # whatever a config makes the task raise is the answer
        except Exception as error:
            return Check(name, "failed", f"{error}, with {config}")
        return Check(name, "passed", _shown(found))

    def _reads_its_fields(self) -> Check:
        """Whether a loop of the user's own uses what its space inherits from `TrainingSpace`."""
        name = "reads what is searched"
        unread = self._fields.unread(self._space.dimensions())
        if unread:
            space = self._space.config_type.__name__
            said = (
                f"{space} searches {', '.join(unread)}, which the training does not read: read "
                f"them, fix each, e.g. {unread[-1]}: None = None, or derive from SearchSpace, "
                "which brings no fields"
            )
            return Check(name, "failed", said)
        return Check(name, "passed", "the training reads all that its space inherits")

    def _finishes(self) -> Check:
        """Tests and exports the model of a checkpoint, as a search does at its end."""
        training = self._start()
        with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
            try:
                _run(training, EPOCHS)
                save_checkpoint(Path(here), training, {}, {})
            finally:
                training.close()
            final = self._task.finish(
                self._space.baseline(),
                self._data,
                checkpoint=Path(here),
                folds=self._task.description.folds,
                epochs=training.epoch,
                seed=self._seed,
                device=CPU,
            )
        model = type(final.model).__name__ if final.model is not None else "no model"
        tested = _shown([final.metrics]) if final.metrics else "no test metrics"
        outcome: Literal["passed", "skipped"] = "skipped" if final.model is None else "passed"
        return Check("is tested and exported", outcome, f"{tested}; {model} for the registry")


def _run(training: TrialTraining, epochs: int) -> Metrics:
    found: Metrics = []
    while training.ended is None and len(found) < epochs:
        before = training.epoch
        metrics = training.run_epoch()
        found += [metrics] * (training.epoch - before)
    return found


def _shown(epochs: Metrics) -> str:
    """The last epoch's metrics."""
    last = epochs[-1] if epochs else {}
    return ", ".join(f"{name} {value:.6g}" for name, value in last.items())


def _drawn(leaf: Dimension, draw: random.Random) -> Value:
    match leaf.domain:
        case Float() | Int():
            return draw.choice(list(leaf.domain.grid(5)))
        case Choice(choices):
            return draw.choice(list(choices))
        case _:
            raise AssertionError(f"{leaf.path} is not searched")


def _with_other_test_data(data: Data) -> Data | None:
    """The same data with other values in its test part; None where no part is called test."""
    if isinstance(data, Dataset):
        rows = data.splits["test"]
        arrays = {name: _shuffled(array, rows) for name, array in data.arrays.items()}
        return replace(data, arrays=arrays) if len(rows) else None
    content = cast("ScriptData", data).content
    if isinstance(content, Dataset):
        return replace(cast("ScriptData", data), content=_with_other_test_data(content))
    if not isinstance(content, Mapping):
        return None
    tests = [key for key in content if _is_test(key)]
    changed = {**content, **{key: _changed(content[key]) for key in tests}}
    return replace(cast("ScriptData", data), content=changed) if tests else None


def _is_test(key: object) -> bool:
    return isinstance(key, str) and "test" in key.lower().split("_")


def _shuffled(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    other = array.copy()
    other[rows] = array[rows[::-1]]
    return other


def _changed(part: Any) -> Any:
    """A part of the data with its rows in another order, so that shapes and types stay."""
    if isinstance(part, torch.Tensor):
        return part.flip(0) if part.ndim else part + 1
    if isinstance(part, np.ndarray):
        return part[::-1].copy() if part.ndim else part + 1
    if isinstance(part, Mapping):
        return {key: _changed(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        if all(isinstance(one, torch.Tensor | np.ndarray) for one in part):
            return type(part)(_changed(one) for one in part)
        return type(part)(reversed(part))
    return part
