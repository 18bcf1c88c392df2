"""The objects of a finished trial, made again by the function that made them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import cast

import torch
from torch import nn

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.errors import raised
from tuneyard.trainables.script.kept import Kept
from tuneyard.trainables.script.random_state import seed_everything
from tuneyard.trainables.script.training import Train
from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.script.turns import TrialEnded
from tuneyard.trainables.searchable import State


def final_objects(
    train: Train,
    config: SearchSpace,
    weights: State,
    *,
    epochs: int,
    seed: int,
    device: torch.device,
) -> dict[str, object]:
    """What a function kept, as of its best epoch.

    Modules get the weights of the checkpoint, and the function trains no epoch. Where a function
    keeps no module, such as one that fits an estimator of scikit-learn, it is called once more with
    the same seed, to its best epoch.

    Args:
        train: The function.
        config: The best config.
        weights: Of the checkpoint.
        epochs: The best epoch.
        seed: The seed of the trial.
        device: The device.

    Raises:
        CodeError: The function raised an error.
    """
    modules = weights["modules"]
    kept = Kept(modules)
    folder = Path(tempfile.mkdtemp(prefix="tuneyard-trial-"))
    trial = Trial(
        seed=seed,
        device=device,
        folder=folder,
        milestones=frozenset(),
        # with weights to load, all epochs are over
        epoch=sys.maxsize if modules else 0,
        kept=kept,
        randoms=None,
        hand_over=lambda: not modules and trial.epoch < epochs,
    )
    seed_everything(seed)
    try:
        train(config, trial)
    except TrialEnded:
        pass
    except (Exception, SystemExit) as error:
        raise raised(error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, saved in modules.items():
        # without a loop over `trial.epochs`, the function has trained up to its first report
        cast("nn.Module", kept.objects[name]).load_state_dict(saved)
    return kept.objects
