"""What a config says is what is trained: each searched field changes the training of its task."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

import numpy as np
import pytest

from tuneyard.datasets import Dataset
from tuneyard.spaces import Float, Int, Space, Value
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.registry import descriptions
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

SHORT, LONG = 2, 4
"""Epochs: of most trainings, and of those in which schedules are to differ."""

PLATEAU: Mapping[str, Value] = {
    "optimizer.sgd.lr": 1.0,
    "optimizer.adam.lr": 0.1,
    "epochs": 20,
}
"""A plateau is where steps are too long to get better."""

FAST: Mapping[str, Mapping[str, Value]] = {
    "image-transfer": {"backbone": "mobilenet_v3_small"},
    "sine-forecast": {"batch_size": 20},
}
"""By task, what makes its trainings fast."""

NEEDS: Mapping[str, Mapping[str, Value]] = {
    # without momentum, Nesterov's is the same
    "optimizer.sgd.nesterov": {"optimizer.sgd.momentum": 0.9},
    # gradients are shorter than the default
    "clip_norm.on": {"clip_norm": 0.1},
    # its defaults leave a picture as it is
    "augmentation.on": {"augmentation.rotation": 30.0},
    # it is between layers
    "dropout": {"num_layers": 2},
    # Adamax divides gradients by their size; with two weights, little is left of a small penalty
    "optimizer.adamax.weight_decay.on": {"optimizer.adamax.weight_decay": 0.1},
    # it counts when a step has gone too far
    "optimizer.rprop.eta_minus": {"optimizer.rprop.lr": 0.1, "epochs": 20},
    # it is a power of a number that is nearly one
    "optimizer.asgd.alpha": {"optimizer.asgd.lr": 1.0, "optimizer.asgd.lambd": 0.01},
    # a parabola in two weights needs no more than three steps, unless they are short
    "optimizer.lbfgs.history_size": {"optimizer.lbfgs.lr": 0.01, "optimizer.lbfgs.max_iter": 20},
    "schedule.plateau.factor": {**PLATEAU, "schedule.plateau.patience": 1},
    "schedule.plateau.patience": PLATEAU,
}
"""What a field's effect depends on, beside the branch that it lies in."""


def branch(space: Space[TrainingSpace], leaf: Dimension) -> dict[str, Value]:
    """The values without which a dimension does not exist."""
    by_path = {one.path: one for one in space.leaves}
    found: dict[str, Value] = {}
    for condition in leaf.conditions:
        found |= branch(space, by_path[condition.path])
        found[condition.path] = condition.values[0]
    return found


def small(leaf: Dimension) -> Value:
    """A value that trains fast: few units, layers and rows; else the baseline."""
    if isinstance(leaf.domain, Int):
        # a single unit may be dead from the start
        return leaf.domain.nearest(min(4, cast("int", leaf.baseline)))
    if isinstance(leaf.domain, Choice) and leaf.path == "batch_size":
        return leaf.domain.choices[0]
    return leaf.baseline


def others(leaf: Dimension) -> Iterator[Value]:
    """Other members of a dimension's domain, those that train fast first."""
    match leaf.domain:
        case Choice(choices):
            values = list(choices)
        case Int(low, high, _, step):
            values = [cast("int", small(leaf)) + (step or 1), low, high]
        case Float(low, high):
            values = [low, high]
        case _:
            raise AssertionError(f"{leaf.path} is not searched")
    return (value for value in values if value != small(leaf))


def few(data: Dataset, rows: int) -> Dataset:
    """The data set with so many rows in each split; a series keeps its own."""
    if data.stratify is None:
        return data
    splits = {
        split: known[np.linspace(0, len(known) - 1, min(rows, len(known))).astype(int)]
        for split, known in data.splits.items()
    }
    return replace(data, splits=splits)


class Trained:
    """What trainings of a task come to: every metric of every epoch, and the weights."""

    def __init__(self, name: str, space: Space[TrainingSpace], data: Dataset) -> None:
        self._task, self._space = find_task(name), space
        (size,) = (small(leaf) for leaf in space.leaves if leaf.path == "batch_size")
        self._data = few(data, cast("int", size or 16) + 8)
        self._known: dict[str, object] = {}

    def __call__(self, values: Mapping[str, Value]) -> object:
        config = self._config(values)
        if repr(config) not in self._known:
            self._known[repr(config)] = self._train(config)
        return self._known[repr(config)]

    def _config(self, values: Mapping[str, Value]) -> TrainingSpace:
        fixed = {**FAST.get(self._task.name, {}), **values}
        config = self._space.suggest(lambda leaf: fixed.get(leaf.path, small(leaf)))
        # a task without batches takes one step per epoch
        long = config.batch_size is None or config.schedule.kind != "constant"
        epochs = values.get("epochs", LONG if long else SHORT)
        return config.model_copy(update={"epochs": epochs})

    def _train(self, config: TrainingSpace) -> object:
        training = Training(self._task, config, [self._data], seed=0)
        history = []
        while training.ended is None:
            history.append(repr(training.run_epoch()))
        weights = training.problems[0].model.state_dict().values()
        # a digest, since some networks are large
        return history, sha256(b"".join(one.numpy().tobytes() for one in weights)).digest()


@pytest.mark.parametrize("name", sorted(descriptions()))
def test_each_searched_field_changes_the_training(name: str, space: Any, datasets: Any) -> None:
    searched = space(name)
    trained = Trained(name, searched, datasets(name))
    unused = []
    for leaf in searched.dimensions():
        fixed = branch(searched, leaf) | dict(NEEDS.get(leaf.path, {}))
        before = trained({leaf.path: small(leaf)} | fixed)
        if all(trained(fixed | {leaf.path: value}) == before for value in others(leaf)):
            unused.append(leaf.path)
    assert not unused, f"{name} trains the same whatever they are: {unused}"
