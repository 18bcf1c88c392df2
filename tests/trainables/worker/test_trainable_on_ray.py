"""Trials as actors of Ray, started as Tune starts them."""

from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from ray import tune
from ray.train._internal.storage import StorageContext

from tuneyard.datasets import airplane
from tuneyard.spaces import Value
from tuneyard.spaces.tasks.airplane_lstm import AirplaneLstmSpace
from tuneyard.trainables.tasks.airplane_lstm import TASK
from tuneyard.trainables.training.training import Training
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable

DATA = airplane.load()
FIRST = AirplaneLstmSpace(epochs=6, dropout=0.3)
SECOND = AirplaneLstmSpace(epochs=6, cell="gru")


def rmse(results: list[dict[str, Any]]) -> list[float]:
    return [value for result in results for value in result["history"]["val_rmse"]]


def params_of(config: AirplaneLstmSpace) -> dict[str, Value]:
    return AirplaneLstmSpace.space().flatten(config)


def actor(folder: Path, config: dict[str, Any], gpus: float = 0.0) -> Any:
    """The trainable as Tune starts it; a step ends after three epochs."""
    shared = TrialSetup("airplane-lstm", (DATA,), gpus=gpus, milestones=frozenset({3}))
    trainable = ray.remote(tune.with_parameters(TrialTrainable, shared=shared))
    storage = StorageContext(str(folder), experiment_dir_name="search", trial_dir_name="trial")
    return trainable.options(num_cpus=1, num_gpus=gpus).remote(config=config, storage=storage)


def expected(config: AirplaneLstmSpace) -> Any:
    training = Training(TASK, config, [DATA], seed=0)
    history = [training.run_epoch()["val_rmse"] for _ in range(config.epochs)]
    return pytest.approx(history, rel=1e-6)


def test_an_actor_trains_saves_is_reused_and_restores(
    local_ray: None, asked: Any, flat: Any, tmp_path: Path
) -> None:
    remote = actor(tmp_path, asked(params_of(FIRST)))
    begun = flat(ray.get(remote.train.remote()))
    assert (begun["epoch"], begun["reason"]) == (3, None)
    saved = ray.get(remote.save.remote())

    assert ray.get(remote.reset.remote(asked(params_of(SECOND), number=1)))
    other = [flat(ray.get(remote.train.remote())) for _ in range(2)]
    assert rmse(other) == expected(SECOND)
    assert other[-1]["reason"] == "completed"

    assert ray.get(remote.reset.remote(asked(params_of(FIRST))))
    ray.get(remote.restore.remote(saved))
    rest = flat(ray.get(remote.train.remote()))
    assert rest["reason"] == "completed"
    # what continues from a checkpoint tells the epochs before it once more
    assert rmse([rest]) == expected(FIRST)
    assert rmse([begun]) == rmse([rest])[:3]
    ray.kill(remote)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use the GPU")
def test_a_gpu_that_torch_cannot_use_is_named_with_the_remedy(
    local_ray: None, asked: Any, flat: Any, tmp_path: Path
) -> None:
    remote = actor(tmp_path, asked(params_of(FIRST)), gpus=1.0)
    result = flat(ray.get(remote.train.remote()))
    assert (result["reason"], result["done"], result["epoch"]) == ("failed", True, 0)
    assert result["error"].startswith("RuntimeError: Ray granted GPU [0] but torch can't use it")
    assert f"torch {torch.__version__}" in result["error"]
    assert result["error"].endswith("or search with --gpus-per-trial 0")
    ray.kill(remote)
