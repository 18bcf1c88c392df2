"""Fixtures of the tests of trainables: data sets, random configs and a scripted task."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tuneyard.datasets import (
    Dataset,
    Split,
    airplane,
    hello,
    image_folder,
    linear_regression,
    logistic_regression,
    ring,
    sine_forecast,
    sine_to_cosine,
)
from tuneyard.spaces import Float, Int, SearchSpace, Space, Value
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import SGD, Optimizer
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task, find_task
from tuneyard.trainables.training.training import Training

torch.set_num_threads(1)

MOST_ROWS = 300  # per split: enough for every property, and fast
MOST_IMAGES = 135  # a row of a convolutional network takes longer
MOST_SEQUENCES = 19  # of frames; two of each digit in train and val
SMALLEST = 32  # side in pixels of the smallest picture that a backbone accepts
LARGEST = 24  # units per layer, months per window, ...

NARROWED: dict[str, dict[str, Value | list[Value]]] = {
    "image-transfer": {"weights": "none", "backbone": ["resnet18", "mobilenet_v3_small"]}
}
"""Restrictions by task, so that nothing is downloaded and no large network is trained."""

Datasets = Callable[[str], Dataset]


def thinned(data: Dataset, most: int = MOST_ROWS) -> Dataset:
    """Every nth row of each split; a series is not thinned."""
    if data.stratify is None:
        return data
    splits = {split: rows[:: -(-len(rows) // most)] for split, rows in data.splits.items()}
    return replace(data, splits=splits)


def parted(count: int) -> dict[Split, np.ndarray]:
    """Three splits with rows in cyclic order."""
    rows = np.arange(count)
    return {
        "train": rows[rows % 5 < 3],
        "val": rows[rows % 5 == 3],
        "test": rows[rows % 5 == 4],
    }


def synthetic_diabetes() -> Dataset:
    """300 rows of the real data's shape; the second feature mostly determines the label."""
    draw = np.random.default_rng(0)
    features = draw.uniform(-1, 1, (300, 8)).astype(np.float32)
    label = (features[:, 1] + draw.normal(0, 0.3, 300) < 0.3).astype(np.int64)
    return Dataset(
        name="diabetes",
        arrays={"features": features, "label": label},
        splits=parted(300),
        classes=("diabetic", "not diabetic"),
        stratify="label",
        source="package",
    )


def synthetic_names() -> Dataset:
    """500 names of the real data's shape; a country's own letters are half of each name."""
    draw = np.random.default_rng(0)
    label = draw.integers(0, 4, 500)
    length = draw.integers(2, 20, 500)
    own = ord("a") + 3 * label[:, None] + draw.integers(0, 3, (500, 19))
    letters = np.where(draw.random((500, 19)) < 0.5, own, draw.integers(97, 123, (500, 19)))
    name = np.where(np.arange(19) < length[:, None], letters, 0).astype(np.uint8)
    return Dataset(
        name="names",
        arrays={"name": name, "length": length, "label": label},
        splits=parted(500),
        classes=("Dutch", "Greek", "Irish", "Polish"),
        stratify="label",
        source="package",
    )


WITHOUT_FILES: dict[str, Callable[[], Dataset]] = {
    "airplane-lstm": airplane.load,
    "diabetes": synthetic_diabetes,
    "hello-rnn": hello.load,
    "linear-regression": linear_regression.load,
    "logistic-regression": logistic_regression.load,
    "names-gru": synthetic_names,
    "names-transformer": synthetic_names,
    "ring-gan": ring.load,
    "sine-forecast": sine_forecast.load,
    "sine-to-cosine": sine_to_cosine.load,
}


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest) -> Path | None:
    """The folder of real data, if there is one."""
    try:
        return request.getfixturevalue("data_dir")
    except pytest.skip.Exception:
        return None


@pytest.fixture(scope="session")
def datasets(folder: Path | None, request: pytest.FixtureRequest) -> Datasets:
    """A task's thinned data set, by the task's name: a real one, or one of the same shape."""

    @cache
    def load(name: str) -> Dataset:
        if folder is None and name in WITHOUT_FILES:
            return WITHOUT_FILES[name]()
        if name == "image-transfer":
            return image_folder.load(str(request.getfixturevalue("pictures")), side=SMALLEST)
        task = find_task(name)
        if "digits" in task.description.data:
            # it is small and needs no file
            data = task.load(None, "digits")
            return thinned(data, MOST_SEQUENCES if "frames" in data.arrays else MOST_IMAGES)
        return thinned(task.load(request.getfixturevalue("data_dir")))

    return load


@pytest.fixture(scope="session")
def space() -> Callable[[str], Space[TrainingSpace]]:
    """A task's space by the task's name, narrowed to what the tests can search."""
    return lambda name: find_description(name).space.space().narrow(NARROWED.get(name, {}))


@pytest.fixture(scope="session")
def random_config(space: Callable[[str], Space[TrainingSpace]]) -> Callable[..., Any]:
    """A random config of a task's space: ``random_config("diabetes", 3, {"dropout": 0.5})``."""

    def draw(name: str, seed: int, fixed: dict[str, Value] | None = None) -> SearchSpace:
        chance = random.Random(seed)

        def choose(leaf: Dimension) -> Value:
            if fixed and leaf.path in fixed:
                return fixed[leaf.path]
            domain = leaf.domain
            if isinstance(domain, Choice):
                return chance.choice(domain.choices)
            assert isinstance(domain, Float | Int)
            low, high = domain.low, domain.high
            if isinstance(domain, Int):
                high = max(low, min(high, LARGEST))
            if domain.log:
                value = math.exp(chance.uniform(math.log(low), math.log(high)))
            else:
                value = chance.uniform(low, high)
            return domain.nearest(round(value) if isinstance(domain, Int) else value)

        return space(name).suggest(choose)

    return draw


@pytest.fixture(scope="session")
def assert_same() -> Callable[[object, object], None]:
    """Compares nested states bit by bit."""

    def compare(one: object, other: object, where: str = "") -> None:
        assert type(one) is type(other), where
        if isinstance(one, Tensor):
            assert isinstance(other, Tensor)
            assert one.dtype == other.dtype, where
            assert one.shape == other.shape, where
            assert torch.equal(one.nan_to_num(7e7), other.nan_to_num(7e7)), where
        elif isinstance(one, dict):
            assert isinstance(other, dict)
            assert one.keys() == other.keys(), where
            for key in one:
                compare(one[key], other[key], f"{where}.{key}")
        elif isinstance(one, list | tuple):
            assert isinstance(other, list | tuple)
            assert len(one) == len(other), where
            for index, (left, right) in enumerate(zip(one, other, strict=True)):
                compare(left, right, f"{where}.{index}")
        else:
            assert one == other or (one != one and other != other), where

    return compare


@pytest.fixture(scope="session")
def train() -> Callable[..., list[dict[str, float]]]:
    """Trains for some epochs, or to the end, and returns the metrics of each."""

    def run(training: Training, epochs: int = 10**9) -> list[dict[str, float]]:
        def epoch_by_epoch() -> Iterator[dict[str, float]]:
            for _ in range(epochs):
                if training.ended is not None:
                    return
                yield training.run_epoch()

        return list(epoch_by_epoch())

    return run


class ScriptedSpace(TrainingSpace):
    """With its default config, a weight falls by one per epoch."""

    optimizer: Optimizer = SGD(lr=1.0)


class ScriptedProblem(Problem):
    """One weight that counts the epochs downwards, and selects the score."""

    def __init__(self, scores: tuple[float | Exception, ...]) -> None:
        self.device = torch.device("cpu")
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self._scores = scores

    def build_tensors(self, split: Split) -> Batch:
        return {"ones": torch.ones(4, 1)}

    def loss(self, batch: Batch) -> Tensor:
        return self.model(batch["ones"]).mean()

    def evaluate(self, batch: Batch) -> Metrics:
        done = round(-float(self.model.weight))
        score = self._scores[min(max(done, 1), len(self._scores)) - 1]
        if isinstance(score, Exception):
            raise score
        return {"loss": torch.tensor(0.5), "score": torch.tensor(score)}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        return self.model.eval(), np.ones((2, 1), dtype=np.float32)


class ScriptedTask(Task[ScriptedSpace]):
    """A task whose `val_score` after each epoch is given; the last one is repeated.

    A score that is an exception is raised.
    """

    description = TaskDescription(
        "scripted", ScriptedSpace, Objective("val_score", "max"), module=__name__
    )

    def __init__(self, *scores: float | Exception) -> None:
        self._scores = scores

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        return airplane.load()

    def problem(
        self, config: ScriptedSpace, data: Dataset, device: torch.device
    ) -> ScriptedProblem:
        return ScriptedProblem(self._scores)


@pytest.fixture(scope="session")
def scripted() -> type[ScriptedTask]:
    """A task whose scores are given: ``scripted(0.1, 0.3, 0.2)``."""
    return ScriptedTask
