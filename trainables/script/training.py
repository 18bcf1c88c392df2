"""`ScriptTraining`: a user's function as the training of one trial, epoch by epoch."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.errors import CodeError, raised
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.script.kept import Kept
from tuneyard.trainables.script.random_state import seed_everything
from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.script.turns import Turns
from tuneyard.trainables.searchable import Best, EndReason, State

Train = Callable[[SearchSpace, Trial], None]
"""A user's function, its data given."""


class ScriptTraining:
    """The training of one config by a user's function.

    The function is called with the first epoch. After each one it waits until the next is wanted.
    What it changed in the process, its folder and its environment variables, is set back at the
    end.

    Args:
        train: The function.
        config: The config that it is called with.
        objective: The metric that ranks trials.
        seed: The seed of Python's, NumPy's and torch's generators.
        device: The device to train on.
        milestones: Epochs after which the scheduler compares trials.

    Attributes:
        device: The device that it trains on.
        epoch: The number of epochs trained so far.
        best: The best epoch so far; None before the first with a finite objective.
        ended: Why the training ended; None as long as it can continue.
        folders: The function's folder.
    """

    def __init__(
        self,
        train: Train,
        config: SearchSpace,
        objective: Objective,
        *,
        seed: int,
        device: torch.device,
        milestones: frozenset[int] = frozenset(),
    ) -> None:
        self.device = device
        self.epoch = 0
        self.best: Best | None = None
        self.ended: EndReason | None = None
        self._train = train
        self._config = config
        self._objective = objective
        self._seed = seed
        self._milestones = milestones
        self._folder = tempfile.TemporaryDirectory(
            prefix="tuneyard-trial-", ignore_cleanup_errors=True
        )
        self.folders: Mapping[str, Path] = {"files": Path(self._folder.name)}
        self._saved: State = {}
        self._changed = False
        self._weights: State = {}
        self._reported: set[str] = set()
        self._threads = torch.get_num_threads()
        self._surroundings = (Path.cwd(), dict(os.environ))
        self._turns = Turns(self._run)
        self._trial: Trial | None = None
        self._kept = Kept()

    def run_epoch(self) -> dict[str, float]:
        """Lets the function train for one epoch.

        Returns:
            What it reported; it may lack the objective.

        Raises:
            CodeError: The function raised an error, or returned without ever reporting the
                objective.
        """
        assert self.ended is None, "the training has ended"
        trial = self._trial if self._trial is not None else self._begin()
        self._turns.step()
        if self._turns.error is not None:
            raise raised(self._turns.error) from self._turns.error
        metrics = trial.take_metrics()
        self.epoch = trial.epoch
        self._reported |= metrics.keys()
        if not self._update_best(metrics):
            self.ended = "diverged"
        elif self._turns.returned:
            self._check_reported()
            self.ended = "completed" if trial.is_whole else "early_stopped"
        return metrics

    def _begin(self) -> Trial:
        saved = self._saved
        self._kept = Kept(saved.get("kept"), saved.get("examples"), changed=self._changed)
        self._trial = Trial(
            seed=self._seed,
            device=self.device,
            folder=self.folders["files"],
            milestones=self._milestones,
            epoch=self.epoch,
            kept=self._kept,
            randoms=self._saved.get("random"),
            hand_over=self._turns.hand_over,
        )
        return self._trial

    def _run(self) -> None:
        """The function's thread."""
        assert self._trial is not None
        # a thread of torch's own starts with as many threads as there are CPUs
        torch.set_num_threads(self._threads)
        seed_everything(self._seed)
        self._train(self._config, self._trial)

    def _update_best(self, metrics: Mapping[str, float]) -> bool:
        """Updates the best epoch; False where the objective is no finite number."""
        value = metrics.get(self._objective.metric)
        if value is None:
            return True
        if math.isfinite(value) and self._objective.better(
            value, self.best.value if self.best else None
        ):
            self.best = Best(self.epoch, value, dict(metrics))
            self._weights = self._kept.weights()
        return math.isfinite(value)

    def _check_reported(self) -> None:
        metric = self._objective.metric
        if self.best is None:
            reported = ", ".join(sorted(self._reported)) or "nothing"
            raise CodeError(
                f"train returned without reporting {metric!r}, the objective; it reported "
                f"{reported}; call trial.report({metric}=...)"
            )

    def change(self, config: SearchSpace) -> None:
        """Continues with another config, for PBT; its optimizers keep the config's settings."""
        assert self._trial is None, "a function is called with one config"
        self._config, self._changed = config, True

    def best_weights(self) -> list[State]:
        """The modules' weights of the best epoch, and examples of their inputs, by name."""
        return [{"modules": self._weights, "examples": self._kept.examples}]

    def state_dict(self) -> State:
        """What the function asked to be kept, and the random generators' states."""
        return {
            "epoch": self.epoch,
            "best": asdict(self.best) if self.best else None,
            "weights": self._weights,
            "kept": self._kept.state(),
            "examples": self._kept.examples,
            "random": self._trial.randoms if self._trial else None,
        }

    def load_state_dict(self, state: State) -> None:
        """Continues from a `state_dict`; a function that keeps nothing starts anew."""
        if not state["kept"]:
            return
        self._saved = state
        self._weights = state["weights"]
        self.epoch = state["epoch"]
        self.best = Best(**state["best"]) if state["best"] else None

    def take_artifacts(self) -> Mapping[str, bytes]:
        """The files that the function logged since the last call, by name."""
        return self._trial.take_artifacts() if self._trial else {}

    def close(self) -> None:
        """Ends the function, and sets back what it changed in the process."""
        self._turns.end()
        self._folder.cleanup()
        folder, environment = self._surroundings
        os.chdir(folder)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
