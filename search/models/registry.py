"""The best model in MLflow: logged on its trial's run, registered, promoted if it is better."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import mlflow
import torch
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo
from torch import nn

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.models.champions import CHAMPION, model_name
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.searchable import FinalModel

TRACKING_URI = "MLFLOW_TRACKING_URI"
_TALKATIVE = ("mlflow", "torch.fx.experimental.symbolic_shapes")


def register(
    client: MlflowClient,
    final: FinalModel,
    *,
    task: str,
    run_id: str,
    tags: VersionTags,
) -> ModelVersion:
    """Logs the model on a run, with signature and input example, and registers it.

    A module is torch's exported graph, an estimator skops' archive: loading them runs no code of
    ours, nor anyone's. A folder of files is logged as it is.

    Args:
        client: Of the tracking server.
        final: The model.
        task: Names the registered model.
        run_id: The best trial's run.
        tags: Of the model version.

    Raises:
        SearchError: The model can't be written in such a format; one line.
    """
    log = _log_module if isinstance(final.model, nn.Module) else _log_estimator
    name = model_name(task)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    if isinstance(final.model, Path):
        client.log_artifacts(run_id, str(final.model), "model")
        source = f"{client.get_run(run_id).info.artifact_uri}/model"
        return client.create_model_version(name, source, run_id=run_id, tags=tags.encode())
    with _quiet(), _opened(client, run_id):
        try:
            info = log(final)
        except MlflowException:
            raise
        # torch and skops say by errors of all kinds what they can't write
        except Exception as error:
            raise SearchError(
                f"{type(error).__name__}: {first_line(error)}; define export(config, model), which "
                "returns a module that torch can export, and an example of its input"
            ) from None
        return client.create_model_version(
            name, info.model_uri, run_id=run_id, tags=tags.encode(), model_id=info.model_id
        )


def _log_module(final: FinalModel) -> ModelInfo:
    """Logs torch's exported graph."""
    module = cast("nn.Module", final.model)
    with torch.no_grad():
        answer = module(torch.tensor(final.example)).numpy()
    info: ModelInfo = mlflow.pytorch.log_model(
        module,
        name="model",
        signature=mlflow.models.infer_signature(final.example, answer),
        input_example=final.example,
        # to infer them, MLflow would start another Python and import everything there
        pip_requirements=[f"torch=={torch.__version__.partition('+')[0]}", "mlflow"],
    )
    return info


def _log_estimator(final: FinalModel) -> ModelInfo:
    """Logs an estimator of scikit-learn in the format of skops, which runs no code when loaded.

    Raises:
        TypeError: It holds objects of other libraries, which would be code of theirs.
    """
    import mlflow.sklearn
    import skops.io

    # this process made the estimator; whoever loads it decides again what to trust
    doubtful = skops.io.get_untrusted_types(data=skops.io.dumps(final.model))
    if foreign := [name for name in doubtful if not name.startswith("sklearn.")]:
        raise TypeError(f"skops can't store {', '.join(foreign)} safely")
    info: ModelInfo = mlflow.sklearn.log_model(
        final.model,
        name="model",
        serialization_format="skops",
        skops_trusted_types=doubtful,
        input_example=final.example,
        pip_requirements=["scikit-learn", "skops", "mlflow"],
    )
    return info


def promote(
    client: MlflowClient, version: ModelVersion, objective: Objective, before: ModelVersion | None
) -> str:
    """Makes a version champion if it beats the one before on the same metric and data.

    Returns:
        One line that says what was done and why.
    """
    if before is not None:
        ranked, best = VersionTags.decode(version.tags), VersionTags.decode(before.tags)
        if best.value is None or ranked.value is None or not ranked.is_ranked_like(best):
            return (
                f"{version.name} version {version.version} is registered; version "
                f"{before.version} stays champion: it was ranked on another metric, data or folds"
            )
        if not objective.better(ranked.value, best.value):
            return (
                f"{version.name} version {version.version} is registered; version "
                f"{before.version} stays champion with {objective.metric} {best.value:.4g}"
            )
    client.set_registered_model_alias(version.name, CHAMPION, version.version)
    return f"{version.name} version {version.version} is the champion"


@contextmanager
def _opened(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Makes an ended run active, as logging a model requires, and restores everything after it."""
    before, ended = os.environ.get(TRACKING_URI), client.get_run(run_id).info
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        with mlflow.start_run(run_id=run_id, nested=True):
            yield
    finally:
        client.set_terminated(run_id, ended.status, ended.end_time)
        # MLflow writes the address into the environment, over what was there
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ[TRACKING_URI] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what MLflow and torch's export log meanwhile; a user could change none of it."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
