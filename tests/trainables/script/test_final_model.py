"""Which of the kept objects is the model that is tested and registered, and its example."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.trainables import Trial
from tuneyard.trainables.script.script import Script
from tuneyard.trainables.searchable import FinalModel
from tuneyard.trainables.training.checkpoint import save_checkpoint

CPU = torch.device("cpu")


class Space(SearchSpace):
    """Nothing is searched."""

    width: int = 3


def finished(names: dict[str, str], folder: Path) -> FinalModel:
    """Two networks, the judge called before the maker, kept under names and in an order."""

    def train(config: Space, trial: Trial) -> None:
        maker, judge = nn.Linear(config.width, 2), nn.Linear(2, 1)
        optimizer = torch.optim.SGD([*maker.parameters(), *judge.parameters()], lr=0.1)
        objects: dict[str, Any] = {"maker": maker, "judge": judge, "optimizer": optimizer}
        trial.keep(**{name: objects[what] for name, what in names.items()})
        for _ in trial.epochs(1):
            judge(torch.ones(5, 2))
            judge(maker(torch.full((5, config.width), 7.0)))
            trial.report(loss=1)

    def test(config: Space, model: nn.Linear) -> dict[str, float]:
        return {"inputs": model.in_features}

    functions = SimpleNamespace(train=train, test=test, Space=Space, objective="min loss")
    described = describe_functions(functions, "m", "", place="m", name="m", origin="here")
    script = Script(described, functions)
    data = script.load(None, None)
    training = script.start(Space(), (data,), seed=0, device=CPU)
    training.run_epoch()
    save_checkpoint(folder, training, {}, {})
    training.close()
    return script.finish(Space(), data, checkpoint=folder, folds=1, epochs=1, seed=0, device=CPU)


@pytest.mark.parametrize(
    "names",
    [
        {"discriminator": "judge", "model": "maker", "optimizer": "optimizer"},
        {"optimizer": "optimizer", "generator": "maker", "discriminator": "judge"},
    ],
    ids=["the one called model", "else the first module"],
)
def test_the_example_is_an_input_of_the_model(names: dict[str, str], tmp_path: Path) -> None:
    final = finished(names, tmp_path)
    assert isinstance(final.model, nn.Linear)
    assert final.metrics == {"test_inputs": 3}
    np.testing.assert_array_equal(final.example, np.full((2, 3), 7.0, dtype=np.float32))
