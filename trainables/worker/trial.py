"""`TrialTrainable`: one trial on Ray, a thin class over `Training`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from tuneyard.datasets import Dataset
from tuneyard.spaces import Value
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.checkpoint import load_params, load_state, save_checkpoint
from tuneyard.trainables.training.training import Training

logger = logging.getLogger(__name__)

STEP_SECONDS = 1.0
"""A step is as many epochs as fill this, so that small models do not drown in scheduling."""

SAVE_SECONDS = 60.0
"""A trial that goes on is saved this often, so that a lost worker costs no more."""

_OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
# what torch on the CPU, the CUDA driver, cuBLAS and cuDNN say: torch has no class for these


@dataclass(frozen=True)
class TrialSetup:
    """What all trials of a search share; Ray's object store holds it once.

    Attributes:
        task: Name of the task.
        folds: Its data set, or the folds of it.
        seed: Of every trial: a config's result depends on nothing else.
        cpus: CPUs of a trial.
        gpus: GPUs of a trial; a fraction shares one.
        milestones: Epochs at which a step ends, because the scheduler compares trials there.
        target: Value of the objective at which a trial ends.
        deadline: Unix time at which trials end; None without a time budget.
    """

    task: str
    folds: tuple[Dataset, ...]
    seed: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    milestones: frozenset[int] = field(default_factory=frozenset)
    target: float | None = None
    deadline: float | None = None


class TrialTrainable(tune.Trainable):
    """Trains ``{"trial": {"number": int, "params": {path: value}}}``; actors are reused.

    With ``"checkpoint"``, the address of one that the same trial left when its search was cut
    short, it goes on from there.

    A result holds ``epoch``, ``objective`` (best so far), ``current``, ``best_epoch``,
    ``best_metrics``, ``best_params``, ``history`` (every metric of every epoch since the result
    before) and ``reason``, which is None until the trial ends by itself: ``completed``,
    ``early_stopped``, ``diverged``, ``out_of_memory``, ``deadline``, or ``failed`` with ``error``.
    """

    def setup(self, config: dict[str, Any], shared: TrialSetup | None = None) -> None:
        """Called once an actor; `shared` comes by `tune.with_parameters`."""
        assert shared is not None
        self._shared = shared
        self._task = find_task(shared.task)
        self._space = self._task.space.space()
        torch.set_num_threads(max(1, int(shared.cpus)))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Makes the actor ready for another trial."""
        self._params: dict[str, Value] = new_config["trial"]["params"]
        self._earlier: str | None = new_config["trial"].get("checkpoint")
        self._best_params = self._params
        self._training: Training | None = None
        self._saved_at = time.monotonic()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return True

    def step(self) -> dict[str, Any]:
        """Trains for about a second, to the next milestone, or to the end."""
        history: dict[str, list[float]] = {}
        try:
            return self._train(history)
        except Exception as error:
            # a trial that raises is a result like any other, so that the actor lives on and
            # Ray retries only what it lost
            reason = "out_of_memory" if _is_out_of_memory(error) else "failed"
            return self._result(history, reason=reason, error=f"{type(error).__name__}: {error}")

    def _train(self, history: dict[str, list[float]]) -> dict[str, Any]:
        if self._training is None:
            self._training = self._start(self._params)
            if self._earlier is not None:
                self._go_on_from(self._earlier)
        training = self._training
        reason: str | None = None
        started = time.monotonic()
        while reason is None:
            best = training.best
            for name, value in training.run_epoch().items():
                history.setdefault(name, []).append(value)
            if training.best is not best:
                self._best_params = self._params
            reason = training.ended or self._reached()
            filled = time.monotonic() - started >= STEP_SECONDS
            if filled or training.epoch in self._shared.milestones:
                break
        return self._result(history, reason=reason, error=None)

    def _go_on_from(self, address: str) -> None:
        """Loads a checkpoint of an earlier run; without one that is whole the trial starts anew."""
        try:
            with tune.Checkpoint(address).as_directory() as folder:
                self.load_checkpoint(folder)
        except Exception as error:
            logger.warning("%s can't be read, the trial starts anew: %s", address, error)

    def _start(self, params: Mapping[str, Value]) -> Training:
        return Training(
            self._task,
            self._space.unflatten(params),
            self._shared.folds,
            seed=self._shared.seed,
            device=trial_device(self._shared.gpus),
        )

    def _reached(self) -> str | None:
        """Why the search wants no more of this trial, or None."""
        shared = self._shared
        best = self._training.best if self._training else None
        if shared.target is not None and best is not None:
            objective = self._task.objective
            if best.value == shared.target or objective.better(best.value, shared.target):
                return "completed"
        if shared.deadline is not None and time.time() >= shared.deadline:
            return "deadline"
        return None

    def _result(
        self, history: dict[str, list[float]], *, reason: str | None, error: str | None
    ) -> dict[str, Any]:
        best = self._training.best if self._training else None
        current = history.get(self._task.objective.metric, [])
        usable = best is not None and reason in ("completed", "early_stopped", "deadline")
        due = reason is None and time.monotonic() - self._saved_at >= SAVE_SECONDS
        return {
            "epoch": self._training.epoch if self._training else 0,
            "objective": best.value if best else float("nan"),
            "current": current[-1] if current else float("nan"),
            "best_epoch": best.epoch if best else 0,
            "best_metrics": best.metrics if best else {},
            "best_params": self._best_params,
            "history": history,
            "reason": reason,
            "error": error,
            "done": reason is not None,
            "should_checkpoint": usable or due,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Writes the training; see `tuneyard.trainables.training.checkpoint`."""
        assert self._training is not None
        save_checkpoint(Path(checkpoint_dir), self._training, self._params, self._best_params)
        self._saved_at = time.monotonic()

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Goes on from a checkpoint, of this trial or, under PBT, of the one that it copies."""
        folder = Path(str(checkpoint))
        params, self._best_params = load_params(folder)
        training = self._start(params)
        training.load_state_dict(load_state(folder, training.problems[0].device))
        if params != self._params:
            training.change(self._space.unflatten(self._params))
        self._training = training


def trial_device(gpus: float) -> torch.device:
    """The device of a trial, with its share of the GPU's memory.

    Raises:
        RuntimeError: Ray granted a GPU that torch can't use.
    """
    if gpus <= 0:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RuntimeError(
            f"Ray granted GPU {ray.get_gpu_ids()} but torch can't use it "
            f"(torch {torch.__version__}, CUDA not available); mend the driver, "
            "or search with --gpus-per-trial 0"
        )
    if gpus < 1:
        torch.cuda.set_per_process_memory_fraction(gpus)
    return torch.device("cuda")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
