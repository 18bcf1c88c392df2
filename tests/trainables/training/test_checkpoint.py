"""Tests of checkpoints: the files of a folder, and that reading one runs no code."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tuneyard.trainables.training.checkpoint import (
    load_params,
    load_state,
    load_weights,
    save_checkpoint,
)
from tuneyard.trainables.training.sealed import DamagedError
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
NOW = {"epochs": 3, "l1": None, "kind": "sgd", "lr": 0.1, "nesterov": True}
AT_BEST = {**NOW, "lr": 0.1 + 0.2}


@pytest.fixture
def training(scripted: Any) -> Training:
    task = scripted(0.1, 0.5, 0.2)
    return Training(task, task.space(epochs=3), [task.load(None)] * 2, seed=0)


def test_an_unfinished_training_saves_three_files(
    training: Training, tmp_path: Path, train: Any, assert_same: Any
) -> None:
    train(training, 2)
    save_checkpoint(tmp_path, training, NOW, AT_BEST)
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "state.pt", "config.json"}
    assert_same(load_state(tmp_path, CPU), training.state_dict())
    assert_same(load_weights(tmp_path, CPU), training.best_weights())


def test_the_weights_are_the_best_ones_with_one_state_dict_per_fold(
    training: Training, tmp_path: Path, train: Any
) -> None:
    train(training)
    save_checkpoint(tmp_path, training, NOW, AT_BEST)
    assert [fold["weight"].item() for fold in load_weights(tmp_path, CPU)] == [-2, -2]
    training.problems[0].model.load_state_dict(load_weights(tmp_path, CPU)[0])


def test_an_ended_training_saves_no_state(training: Training, tmp_path: Path, train: Any) -> None:
    """This holds even if it was saved before the end as well."""
    train(training, 2)
    save_checkpoint(tmp_path, training, NOW, AT_BEST)
    train(training)
    save_checkpoint(tmp_path, training, NOW, AT_BEST)
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "config.json"}


def test_the_config_is_json_and_is_restored_exactly(training: Training, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, training, NOW, AT_BEST)
    written = json.loads((tmp_path / "config.json").read_text())
    assert written.keys() == {"params", "best_params", "sha256"}
    assert load_params(tmp_path) == (NOW, AT_BEST)


class Malicious:
    """An object that writes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._proof,)


@pytest.mark.parametrize(("file", "load"), [("model.pt", load_weights), ("state.pt", load_state)])
@pytest.mark.parametrize("plain", [True, False])
def test_an_untrusted_file_runs_no_code(
    file: str, load: Callable[..., object], plain: bool, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    if plain:
        (tmp_path / file).write_bytes(pickle.dumps(Malicious(proof), protocol=2))
    else:
        torch.save([{"weight": Malicious(proof)}], tmp_path / file)
    # a plain pickle is no archive of torch, and an archive may hold one
    with pytest.raises(DamagedError):
        load(tmp_path, CPU)
    assert not proof.exists()
    if plain:
        pickle.loads((tmp_path / file).read_bytes())
    else:
        torch.load(tmp_path / file, weights_only=False)
    assert proof.exists(), "the file is harmless, so this test shows nothing"
