"""Predictions of the champions: each loaded once a version, its inputs held to its signature."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from tuneyard.search.errors import SearchError
from tuneyard.search.frozen import Frozen
from tuneyard.search.models.predict import ModelVersion, ServedModel, champion, load_version
from tuneyard.search.service.errors import MissingError
from tuneyard.search.tracking.queries import MlflowSearches
from tuneyard.trainables.task import find_task


class Inputs(Frozen):
    """What to predict from.

    Attributes:
        inputs: A row each, as the model's signature has them, or as the task's people write them
            (a surname).
    """

    inputs: list[Any] = Field(min_length=1)


class Prediction(BaseModel):
    """What a champion says.

    Attributes:
        task: The task.
        model: The registered model.
        version: The version that is champion.
        outputs: A row for each input.
        classes: What each column is the probability of; None where the outputs are no classes.
    """

    task: str
    model: str
    version: str
    outputs: list[Any]
    classes: list[str] | None


class Champions:
    """The champions' models in memory.

    Args:
        searches: Knows MLflow.
    """

    def __init__(self, searches: MlflowSearches) -> None:
        self._searches = searches
        self._loaded: dict[str, ServedModel] = {}
        self._loading = threading.Lock()

    def version(self, task: str) -> ModelVersion:
        """The version that is the task's champion.

        Raises:
            MissingError: There is none.
        """
        found = self._searches.ask(lambda client: champion(client, task))
        if found is None:
            raise MissingError(
                f"task {task!r} has no champion yet; search it first: tuneyard submit {task}"
            )
        return found

    def predict(self, task: str, version: ModelVersion, inputs: list[Any]) -> Prediction:
        """What a version says to some inputs.

        Raises:
            SearchError: The inputs are not as the model takes them.
        """
        model = self._model(task, version)
        try:
            encoded = find_task(task).encode(inputs, model.shape[1:])
        except ValueError as error:
            raise SearchError(str(error)) from None
        array = as_array(encoded, model.shape, model.dtype)
        return Prediction(
            task=task,
            model=model.name,
            version=model.version,
            outputs=model.predict(array),
            classes=model.classes,
        )

    def _model(self, task: str, version: ModelVersion) -> ServedModel:
        with self._loading:
            loaded = self._loaded.get(task)
            if loaded is None or loaded.version != str(version.version):
                loaded = self._searches.ask(lambda client: load_version(client, version))
                self._loaded[task] = loaded
            return loaded


def as_array(inputs: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Inputs as an array of a model's shape and dtype.

    Args:
        inputs: Nested lists of numbers.
        shape: As in the signature; -1 stands for any size.
        dtype: Of the model's input.

    Raises:
        SearchError: They are something else.
    """
    wanted = "x".join("n" if size < 0 else str(size) for size in shape)
    rule = f"inputs must be {wanted} finite numbers ({dtype})"
    try:
        array = np.asarray(inputs)
    except ValueError:
        raise SearchError(f"{rule}, got rows of different lengths") from None
    if array.dtype.kind not in "iuf":
        raise SearchError(f"{rule}, got {inputs!r:.200}")
    fits = array.ndim == len(shape) and all(
        size in (-1, found) for size, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        raise SearchError(f"{rule}, got {'x'.join(map(str, array.shape))}")
    if array.dtype.kind == "f" and dtype.kind != "f":
        raise SearchError(f"{rule}, got {array.flat[0]}")
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        outside = (array < bounds.min) | (array > bounds.max)
        if outside.any():
            raise SearchError(f"{rule}, got {array[outside][0]}")
    with np.errstate(over="ignore"):
        cast = array.astype(dtype)
    wrong = ~np.isfinite(cast) if dtype.kind == "f" else cast != array
    if wrong.any():
        raise SearchError(f"{rule}, got {array[wrong][0]}")
    return cast
