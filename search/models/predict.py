"""A registered model, loaded to predict with: torch's graph or skops' archive, never a pickle."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: nested lists of JSON, and what a model is

# MLflow looks into an exported graph before it loads it, and refuses what could run code
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow.artifacts
import mlflow.pytorch
import numpy as np
import torch
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.types import TensorSpec
from torch import nn

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces import SpaceError
from tuneyard.trainables.find import find_searchable

__all__ = ["ModelVersion", "ServedModel", "as_array", "load_version", "predict"]

CHUNK_ROWS = 256
"""Rows that a model sees at once: what it keeps in between is many times their size."""


@dataclass(frozen=True)
class ServedModel:
    """A model version in memory.

    Attributes:
        name: Of the registered model.
        version: Its number.
        classes: What each column of the output is the probability of; None where it is no class,
            and for estimators, whose outputs are what their `predict` returns.
        shape: Of the input; -1 stands for any size.
        dtype: Of the input.
        module: The model: a module of torch, or an estimator of scikit-learn.
    """

    name: str
    version: str
    classes: list[str] | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    module: nn.Module | Any

    def predict(self, inputs: np.ndarray) -> list[Any]:
        """An output for each input, as nested lists.

        Args:
            inputs: Of the model's shape and dtype.

        Raises:
            SearchError: The model can't take them.
        """
        rows = CHUNK_ROWS if self.shape[0] < 0 else len(inputs)
        chunks = (inputs[start : start + rows] for start in range(0, len(inputs), rows))
        return [output for chunk in chunks for output in self._outputs(chunk)]

    def _outputs(self, inputs: np.ndarray) -> list[Any]:
        try:
            if isinstance(self.module, nn.Module):
                with torch.no_grad():
                    outputs = self.module(torch.from_numpy(inputs))
            else:
                outputs = np.asarray(self.module.predict(inputs))
        except (RuntimeError, IndexError, AssertionError, ValueError, TypeError) as error:
            reason = first_line(error)
            raise SearchError(f"inputs can't be taken by {self.name}: {reason}") from None
        found: list[Any] = outputs.tolist()
        return found


def load_version(client: MlflowClient, version: ModelVersion) -> ServedModel:
    """Downloads a model version and loads it.

    A module has a signature, which says what its inputs are. An estimator has one where its task
    has a function `export`, which returns it with an example of its input; without one, it takes
    rows of as many numbers as it was fitted with.

    Raises:
        SearchError: It is neither a graph with one input nor an estimator, or something in it could
            run code.
    """
    where = client.get_model_version_download_uri(version.name, version.version)
    with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
        files = Path(
            mlflow.artifacts.download_artifacts(
                artifact_uri=where, dst_path=here, tracking_uri=client.tracking_uri
            )
        )
        try:
            if (files / "model.skops").is_file():
                return _load_estimator(version, files)
            return _load_module(version, files)
        except (MlflowException, RuntimeError, ValueError, TypeError) as error:
            reason = first_line(error)
            raise SearchError(
                f"{version.name} version {version.version} can't be loaded: {reason}"
            ) from None


def _load_module(version: ModelVersion, files: Path) -> ServedModel:
    model = Model.load(files)
    spec, flavor = _input(model), model.flavors.get("pytorch")
    exported = (files / "data" / "model.pt2").is_file()
    if spec is None or not exported or flavor is None or flavor.get("code"):
        raise SearchError(
            f"{version.name} version {version.version} is no model that tuneyard registered; "
            "make another one champion"
        )
    classes = VersionTags.decode(version.tags).classes
    return ServedModel(
        version.name,
        str(version.version),
        list(classes) if classes else None,
        tuple(spec.shape),
        spec.type,
        mlflow.pytorch.load_model(str(files)),
    )


def _load_estimator(version: ModelVersion, files: Path) -> ServedModel:
    # imported when needed: it imports all of scikit-learn
    import skops.io

    path = files / "model.skops"
    if unknown := skops.io.get_untrusted_types(file=path):
        raise SearchError(
            f"{version.name} version {version.version} can't be loaded: it holds "
            f"{', '.join(unknown)}, with which a file can do harm; if you trust it, load it with "
            "skops.io.load, or let export(config, model) return a module of torch"
        )
    estimator = skops.io.load(path, trusted=[])
    spec = _input(Model.load(files))
    columns = getattr(estimator, "n_features_in_", -1)
    return ServedModel(
        version.name,
        str(version.version),
        None,
        tuple(spec.shape) if spec else (-1, columns),
        spec.type if spec else np.dtype(np.float64),
        estimator,
    )


def predict(model: ServedModel, task: str, inputs: list[Any]) -> list[Any]:
    """What a model says to some inputs.

    Args:
        model: Of the task.
        task: Encodes what people write, such as a surname; a user's file that this process has not
            opened encodes nothing.
        inputs: One for each row, as the model's signature has them, or as people write them.

    Returns:
        An output for each input, as nested lists.

    Raises:
        SearchError: The inputs are not as the model takes them.
    """
    return model.predict(as_array(_encoded(model, task, inputs), model.shape, model.dtype))


def _encoded(model: ServedModel, task: str, inputs: list[Any]) -> Sequence[object]:
    try:
        found = find_searchable(task)
    except SpaceError:
        # a user's own file, which is not here: its model takes what its signature says
        return inputs
    try:
        return found.encode(inputs, model.shape[1:])
    except ValueError as error:
        raise SearchError(str(error)) from None


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


def _input(model: Model) -> TensorSpec | None:
    inputs = model.signature.inputs.inputs if model.signature else []
    spec = inputs[0] if len(inputs) == 1 else None
    return spec if isinstance(spec, TensorSpec) else None
