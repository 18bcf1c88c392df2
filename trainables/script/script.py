"""`Script`: a user's functions as a task that can be searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast  # Any: users' functions take and return their own types

import numpy as np
import torch
from torch import nn

from tuneyard.datasets import Data
from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.errors import CodeError, raised
from tuneyard.spaces.description import TaskDescription
from tuneyard.trainables.script.data import ScriptData
from tuneyard.trainables.script.final import final_objects
from tuneyard.trainables.script.training import ScriptTraining, Train
from tuneyard.trainables.searchable import FinalModel, Searchable
from tuneyard.trainables.training.checkpoint import load_weights

MODEL = "model"
"""The name under which a function keeps what `test` and `export` are given."""


class Script(Searchable):
    """A task that a user's functions train: `train`, and maybe `load_data`, `test` and `export`.

    Args:
        description: Of the task.
        functions: A module or a class that has them.
    """

    def __init__(self, description: TaskDescription, functions: object) -> None:
        self.description = description
        self._functions = functions

    def _function(self, name: str) -> Callable[..., Any] | None:
        return getattr(self._functions, name, None)

    def load(self, data_dir: Path | None, choice: str | None) -> ScriptData:
        """Calls the user's `load_data`, where there is one.

        Raises:
            CodeError: It raised an error, or what it returned can't be sent to the workers.
        """
        load_data = self._function("load_data")
        if load_data is None:
            return ScriptData.of(None, self.description.name)
        content = _called(load_data, data_dir)
        try:
            return ScriptData.of(content, self.description.name)
        except TypeError as error:
            raise CodeError(
                f"what load_data returned, a {type(content).__name__}, can't be sent to the "
                f"workers: {error}; return arrays, tensors or plain values"
            ) from None

    def start(
        self,
        config: SearchSpace,
        folds: Sequence[Data],
        *,
        seed: int,
        device: torch.device,
        milestones: frozenset[int] = frozenset(),
    ) -> ScriptTraining:
        """See `Searchable.start`."""
        (data,) = folds
        return ScriptTraining(
            self._train(data),
            config,
            self.description.objective,
            seed=seed,
            device=device,
            milestones=milestones,
        )

    def _train(self, data: Data) -> Train:
        train = cast("Callable[..., None]", self._function("train"))
        if self._function("load_data") is None:
            return train
        content = cast("ScriptData", data).content
        return lambda config, trial: train(config, trial, content)

    def finish(
        self,
        config: SearchSpace,
        data: Data,
        *,
        checkpoint: Path,
        folds: int,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> FinalModel:
        """Makes the best model again, and calls the user's `test` and `export` with it.

        Raises:
            CodeError: One of the user's functions raised an error.
        """
        (weights,) = load_weights(checkpoint, device)
        train = self._train(data)
        objects = final_objects(train, config, weights, epochs=epochs, seed=seed, device=device)
        name = _model_name(objects)
        if name is None:
            return FinalModel(None, None)
        model = objects[name]
        if isinstance(model, nn.Module):
            model.eval()
        metrics = self._test(config, model, data)
        exported, example = self._export(config, model, weights["examples"].get(name))
        return FinalModel(exported, example, metrics)

    def _test(self, config: SearchSpace, model: object, data: Data) -> dict[str, float]:
        test = self._function("test")
        if test is None:
            return {}
        with torch.no_grad():
            measured = _called(test, config, model, *self._content(data))
        if not isinstance(measured, Mapping):
            raise CodeError(
                f"test must return its metrics as a dictionary of numbers, got {measured!r:.80}"
            )
        return {f"test_{str(name).removeprefix('test_')}": float(v) for name, v in measured.items()}

    def _content(self, data: Data) -> tuple[Any, ...]:
        """The data as an argument, as far as there is some."""
        there = self._function("load_data") is not None
        return (cast("ScriptData", data).content,) if there else ()

    def _export(
        self, config: SearchSpace, model: object, seen: torch.Tensor | None
    ) -> tuple[object | None, np.ndarray | None]:
        """The model to register and an example of its input, which may be one that it has seen."""
        export = self._function("export")
        if export is not None:
            exported, example = _called(export, config, model)
            return exported, np.asarray(example)
        if isinstance(model, nn.Module):
            return (model.cpu(), seen.cpu().numpy()) if seen is not None else (None, None)
        return model, None


def _model_name(objects: Mapping[str, object]) -> str | None:
    """The name of the object that is the model: of this name, the first module, or the first."""
    modules = [name for name, kept in objects.items() if isinstance(kept, nn.Module)]
    return next((name for name in (MODEL, *modules, *objects) if name in objects), None)


def _called(function: Callable[..., Any], *arguments: object) -> Any:
    """Calls a user's function.

    Raises:
        CodeError: It raised an error.
    """
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise raised(error) from error
