"""The files that `tuneyard new` writes: each is a whole, and it learns."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tuneyard.trainables.training.training import Training

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = ROOT / "search/draft/templates"
NAMES = ("script", "task")


@pytest.fixture
def module(import_file: Callable[[Path], ModuleType], request: pytest.FixtureRequest) -> ModuleType:
    return import_file(TEMPLATES / f"{request.param}.py")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short(name: str) -> None:
    assert 60 <= len((TEMPLATES / f"{name}.py").read_text().splitlines()) <= 96


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")])
def test_ruff_has_no_complaint(arguments: tuple[str, ...]) -> None:
    files = [TEMPLATES / f"{name}.py" for name in NAMES]
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "space"), [("script", "Space"), ("task", "BreastCancerSpace")], indirect=["module"]
)
def test_its_space(module: ModuleType, space: str) -> None:
    cls = getattr(module, space)
    searched = {leaf.path for leaf in cls.space().dimensions()}
    assert {"hidden", "dropout", "batch_size"} < searched
    assert "epochs" not in searched
    assert cls.space().baseline() == cls()


class OneTrial:
    """A trial of which nothing is saved."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.reports: list[dict[str, float]] = []

    def keep(self, **objects: Any) -> None:
        self.kept = objects

    def epochs(self, count: int) -> Iterator[int]:
        yield from range(1, count + 1)

    def report(self, **metrics: float) -> None:
        self.reports.append(metrics)


@pytest.mark.parametrize("module", ["script"], indirect=True)
def test_the_script_learns(module: ModuleType) -> None:
    torch.manual_seed(0)
    trial, config = OneTrial(), module.Space()
    data = module.load_data(None)
    assert [len(data[name]) for name in ("y", "y_val", "y_test")] == [341, 114, 114]
    module.train(config, trial, data)
    assert trial.kept.keys() == {"model", "optimizer"}
    assert len(trial.reports) == config.epochs
    kind, metric = module.objective.split()
    assert (kind, metric in trial.reports[0]) == ("max", True)
    assert trial.reports[0][metric] < trial.reports[-1][metric] > 0.9
    model = trial.kept["model"]
    assert module.test(config, model, data)["accuracy"] > 0.9
    exported, example = module.export(config, model)
    probability = exported(torch.from_numpy(example))
    assert probability.shape == (2,)
    assert ((probability >= 0) & (probability <= 1)).all()


@pytest.mark.parametrize("module", ["task"], indirect=True)
def test_the_task_learns(module: ModuleType) -> None:
    task, config = module.BreastCancer(), module.BreastCancerSpace()
    assert task.description.title.startswith("Breast cancer: ")
    assert task.description.space is module.BreastCancerSpace
    data = task.load(None)
    assert {name: len(rows) for name, rows in data.splits.items()} == {
        **{"train": 341, "val": 114, "test": 114}
    }
    training = Training(task, config, [data], seed=0)
    history = [training.run_epoch() for _ in range(config.epochs)]
    metric = task.objective.metric
    assert history[0][metric] < history[-1][metric] > 0.9
    exported, example = training.problems[0].export()
    assert isinstance(example, np.ndarray)
    assert exported(torch.tensor(example)).shape == (2,)


@pytest.mark.parametrize("module", NAMES, indirect=True)
def test_its_title_is_one_line(module: ModuleType) -> None:
    assert module.__doc__
    assert "\n" not in module.__doc__
