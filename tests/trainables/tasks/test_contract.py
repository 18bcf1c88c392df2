"""The contract of all tasks; the tasks are found by the registry, not listed here."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tuneyard.datasets import Dataset, Split
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.registry import descriptions, find_description
from tuneyard.trainables.problem import Problem
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.adversarial import AdversarialLoop
from tuneyard.trainables.training.optimizers import build_optimizer
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
TASKS = sorted(descriptions())


def kinds(name: str, path: str) -> list[object]:
    """The branches of a task's space at a path."""
    leaves = {leaf.path: leaf for leaf in find_description(name).space.space().leaves}
    return list(leaves[path].domain.grid(99))


def branches(name: str) -> list[tuple[object, object]]:
    """Pairs of an optimizer and a schedule in which each of them occurs."""
    optimizers, schedules = kinds(name, "optimizer.kind"), kinds(name, "schedule.kind")
    count = max(len(optimizers), len(schedules))
    return [(optimizers[i % len(optimizers)], schedules[i % len(schedules)]) for i in range(count)]


each_task = pytest.mark.parametrize("name", TASKS)
each_branch = pytest.mark.parametrize(
    ("name", "seed", "optimizer", "schedule"),
    [(name, seed, *pair) for name in TASKS for seed, pair in enumerate(branches(name))],
)


@pytest.fixture
def fitting(datasets: Callable[[str], Dataset], random_config: Any) -> Callable[..., Any]:
    """A random config that fits the data; a task may refuse one, e.g. if its window is too long."""

    def draw(name: str, seed: int, data: Dataset | None = None, **fixed: object) -> TrainingSpace:
        task, data = find_task(name), data or datasets(name)
        for attempt in range(seed * 100, seed * 100 + 100):
            config = random_config(name, attempt, fixed)
            try:
                task.problem(config, data, CPU).tensors("train")
            except ValueError:
                continue
            return config
        raise AssertionError("no config of a hundred fits the data")

    return draw


def for_epochs(config: TrainingSpace, epochs: int) -> TrainingSpace:
    return config.model_copy(update={"epochs": epochs})


@each_task
def test_the_task_is_found_by_its_files_name(name: str) -> None:
    task = find_task(name)
    module = name.replace("-", "_")
    assert task.name == name
    assert task.space is find_description(name).space
    assert task.space.__module__ == f"tuneyard.spaces.tasks.{module}"
    assert type(task).__module__ == f"tuneyard.trainables.tasks.{module}"


@each_task
def test_the_baseline_is_restored_from_text(name: str) -> None:
    space = find_task(name).space.space()
    params = space.flatten(space.baseline())
    assert space.baseline() == space.config_type()
    assert space.unflatten({path: str(value) for path, value in params.items()}) == space.baseline()


@each_task
def test_the_baseline_learns(name: str, space: Any, datasets: Any, train: Any) -> None:
    task = find_task(name)
    training = Training(task, for_epochs(space(name).baseline(), 8), [datasets(name)], seed=0)
    history = train(training)
    assert training.ended == "completed"
    if task.loop is AdversarialLoop:
        # the two losses of a GAN work against each other, so the objective counts
        first, best = history[0][task.objective.metric], training.best
        assert best is not None
        assert task.objective.better(best.value, first)
    else:
        assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert {"val_loss", task.objective.metric} <= history[0].keys()


def exactness(
    name: str,
    config: TrainingSpace,
    folds: list[Dataset],
    train: Any,
    assert_same: Any,
) -> None:
    """Six epochs equal three, a checkpoint, and three more."""
    task, config = find_task(name), for_epochs(config, 6)
    whole = Training(task, config, folds, seed=5)
    history = train(whole)
    assert len(history) == 6

    begun = Training(task, config, folds, seed=5)
    first = train(begun, 3)
    saved = io.BytesIO()
    torch.save(begun.state_dict(), saved)
    train(begun)
    continued = Training(task, config, folds, seed=6)
    torch.manual_seed(7)
    saved.seek(0)
    continued.load_state_dict(torch.load(saved, weights_only=True))
    assert_same([*first, *train(continued)], history)
    for other in (begun, continued):
        assert_same(other.state_dict(), whole.state_dict())
        assert_same(other.best_weights(), whole.best_weights())
        assert other.best == whole.best


@each_branch
def test_stopping_and_restoring_is_exact(
    name: str,
    seed: int,
    optimizer: str,
    schedule: str,
    datasets: Any,
    fitting: Any,
    train: Any,
    assert_same: Any,
) -> None:
    fixed = {"optimizer.kind": optimizer, "schedule.kind": schedule}
    exactness(name, fitting(name, seed, **fixed), [datasets(name)], train, assert_same)


@each_task
def test_restoring_folds_is_exact(
    name: str, datasets: Any, fitting: Any, train: Any, assert_same: Any
) -> None:
    folds = [datasets(name).fold(index, 2) for index in range(2)]
    config = fitting(name, 2, folds[0], dropout=0.3)
    exactness(name, config, folds, train, assert_same)


def with_noise(data: Dataset, *splits: Split, scale: float = 1.0) -> Dataset:
    """The same data set with random values of the same range in the rows of some splits."""
    draw = np.random.default_rng(3)
    rows = np.concatenate([data.splits[split] for split in splits])
    arrays = {}
    for key, array in data.arrays.items():
        noisy = array.copy()
        low, high = array.min(), array.max()
        shape = (len(rows), *array.shape[1:])
        if array.dtype.kind == "f":
            noisy[rows] = draw.uniform(low, low + (high - low) * scale, shape)
        else:
            noisy[rows] = draw.integers(low, low + (high - low) * scale, shape, endpoint=True)
        arrays[key] = noisy
    return replace(data, arrays=arrays)


@pytest.mark.parametrize("seed", range(6))
@each_task
def test_nothing_leaks_from_validation_or_test_into_training(
    name: str, seed: int, datasets: Any, fitting: Any, assert_same: Any
) -> None:
    task, data = find_task(name), datasets(name)
    config = fitting(name, seed)

    def made(data: Dataset) -> Problem:
        torch.manual_seed(seed)
        return task.problem(config, data, CPU)

    clean = made(data)
    for scale in (1.0, 0.5):
        noisy = made(with_noise(data, "val", "test", scale=scale))
        assert_same(noisy.tensors("train"), clean.tensors("train"))
        assert_same(noisy.model.state_dict(), clean.model.state_dict())
        for split in ("val", "test"):
            with pytest.raises(AssertionError):
                assert_same(noisy.tensors(split), clean.tensors(split))


@each_task
def test_training_never_reads_the_test_split(
    name: str, datasets: Any, fitting: Any, train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, data = find_task(name), datasets(name)
    config = for_epochs(fitting(name, 3), 3)
    cls = type(task.problem(config, data, CPU))
    asked: list[Split] = []
    original = cls.build_tensors

    def spy(self: Problem, split: Split) -> object:
        asked.append(split)
        return original(self, split)

    monkeypatch.setattr(cls, "build_tensors", spy)
    history = train(Training(task, config, [data], seed=0))
    assert sorted(asked) == ["train", "val"]
    noisy = with_noise(data, "test")
    assert train(Training(task, config, [noisy], seed=0)) == history


@each_task
def test_training_depends_on_the_seed_only(
    name: str, datasets: Any, fitting: Any, train: Any, assert_same: Any
) -> None:
    task, data = find_task(name), datasets(name)
    config = for_epochs(fitting(name, 4, dropout=0.3), 2)

    def trained(seed: int, chance: int) -> tuple[object, object]:
        torch.manual_seed(chance)
        training = Training(task, config, [data], seed=seed)
        history = []
        while training.ended is None:
            history.append(training.run_epoch())
            torch.rand(chance)
        return history, training.state_dict()

    first = trained(seed=1, chance=1)
    assert_same(trained(seed=1, chance=2), first)
    with pytest.raises(AssertionError):
        assert_same(trained(seed=2, chance=1)[0], first[0])


@pytest.mark.parametrize("name", [name for name in TASKS if find_task(name).loop is None])
def test_it_trains_as_plain_pytorch_does(name: str, space: Any, datasets: Any) -> None:
    """Trains with the same weights, batches and dropout by a loop as in a textbook.

    A task with a loop of its own has its own textbook, in its own test.
    """
    task, data = find_task(name), datasets(name)
    config = for_epochs(
        space(name).suggest(lambda leaf: 0.3 if leaf.path == "dropout" else leaf.baseline), 3
    )
    training = Training(task, config, [data], seed=2)
    history = [training.run_epoch() for _ in range(3)]

    torch.manual_seed(2)
    problem = task.problem(config, data, CPU)
    order = torch.Generator().manual_seed(2)
    optimizer = build_optimizer(
        config.optimizer,
        problem.trainable_parameters(),
        fused=False,
        learning_rate_multipliers=problem.learning_rate_multipliers(),
    )
    for metrics in history:
        problem.model.train()
        losses, rows = [], []
        for batch in problem.batches(config.batch_size, order):
            optimizer.zero_grad()
            loss = problem.loss(batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            rows.append(len(next(iter(batch.values()))))
        problem.model.eval()
        with torch.no_grad():
            measured = problem.evaluate(problem.tensors("val"))
        assert metrics["train_loss"] == pytest.approx(np.average(losses, weights=rows), rel=1e-5)
        for key, value in measured.items():
            assert metrics[f"val_{key}"] == pytest.approx(value.item(), rel=1e-5)
    for mine, plain in zip(
        training.problems[0].model.parameters(), problem.model.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # from torch's own recurrent layers
@pytest.mark.parametrize("seed", [None, 5])
@each_task
def test_the_model_is_exported_for_any_number_of_rows(
    name: str, seed: int | None, space: Any, datasets: Any, fitting: Any, tmp_path: Path
) -> None:
    task = find_task(name)
    config = space(name).baseline() if seed is None else fitting(name, seed)
    module, example = task.problem(config, datasets(name), CPU).export()
    assert not any(part.training for part in module.modules())
    assert len(example) >= 2

    inputs = torch.tensor(example)
    shapes = [{0: torch.export.Dim.AUTO}]
    torch.export.save(
        torch.export.export(module, (inputs,), dynamic_shapes=shapes), tmp_path / "model.pt2"
    )
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    for rows in (1, 2, 7):
        some = inputs[torch.arange(rows) % len(inputs)].flip(0)
        answer = loaded(some)
        assert len(answer) == rows
        torch.testing.assert_close(answer, module(some), rtol=1e-6, atol=1e-6)
