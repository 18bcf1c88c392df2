"""Checkpoints: weights and training state as tensors, the config as JSON, nothing pickled."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any  # what torch loads may be anything

import torch

from tuneyard.spaces import Value
from tuneyard.trainables.searchable import State, TrialTraining
from tuneyard.trainables.training.checkpoint_files import CONFIG, STATE, WEIGHTS
from tuneyard.trainables.training.sealed import DamagedError, check_archive, seal, unseal

Params = dict[str, Value]


def save_checkpoint(
    folder: Path, training: TrialTraining, params: Params, best_params: Params
) -> None:
    """Writes a checkpoint of a training into a folder.

    ``model.pt`` holds the best weights, one `state_dict` per model. ``config.json`` holds the
    config's parameters, the current ones and those of the best epoch. ``state.pt`` holds everything
    that an exact continuation needs; it exists only until the training has ended. The training's
    folders are copied under their names.

    Args:
        folder: An existing folder.
        training: The training to save.
        params: The current config as parameters by dotted path.
        best_params: The same for the config of the best epoch.
    """
    torch.save(training.best_weights(), folder / WEIGHTS)
    for name, files in training.folders.items():
        shutil.copytree(files, folder / name, dirs_exist_ok=True)
    if training.ended is None:
        torch.save(training.state_dict(), folder / STATE)
    else:
        (folder / STATE).unlink(missing_ok=True)
    (folder / CONFIG).write_text(seal({"params": params, "best_params": best_params}))


def load_weights(folder: Path, device: torch.device) -> list[State]:
    """The best weights of a checkpoint, one `state_dict` per model.

    Raises:
        DamagedError: They are not what was written.
    """
    weights: list[State] = _load(folder / WEIGHTS, device)
    return weights


def load_state(folder: Path, device: torch.device) -> State:
    """The training state of a checkpoint; see `TrialTraining.load_state_dict`.

    Raises:
        DamagedError: It is not what was written.
    """
    state: State = _load(folder / STATE, device)
    return state


def _load(file: Path, device: torch.device) -> Any:
    """What torch has written, without running code of a stranger's file."""
    with file.open("rb") as stream:
        check_archive(stream)
    try:
        return torch.load(file, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise DamagedError(f"torch refuses to load it safely: {str(error)[:80]}") from None


def load_training(folder: Path, training: TrialTraining) -> None:
    """Lets a fresh training of the same config continue from a checkpoint."""
    state = load_state(folder, training.device)
    for name, files in training.folders.items():
        if (folder / name).is_dir():
            shutil.copytree(folder / name, files, dirs_exist_ok=True)
    training.load_state_dict(state)


def load_params(folder: Path) -> tuple[Params, Params]:
    """The parameters of a checkpoint: those it was saved with, and those of its best epoch.

    Raises:
        DamagedError: They are not what was written.
    """
    config = unseal((folder / CONFIG).read_text(errors="replace"))
    return config["params"], config["best_params"]
