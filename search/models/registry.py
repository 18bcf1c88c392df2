"""The best model in MLflow: logged on its trial's run, registered, promoted if it is better."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
import torch
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tuneyard.search.models.champions import CHAMPION, model_name
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.training.evaluate import FinalModel

TRACKING_URI = "MLFLOW_TRACKING_URI"


def register(
    client: MlflowClient,
    final: FinalModel,
    *,
    task: str,
    run_id: str,
    tags: VersionTags,
) -> ModelVersion:
    """Logs the model on a run, with signature and input example, and registers it.

    The format is torch's exported graph: loading it runs no code of ours, nor anyone's.

    Args:
        client: Of the tracking server.
        final: The model.
        task: Names the registered model.
        run_id: The best trial's run.
        tags: Of the model version.
    """
    with torch.no_grad():
        answer = final.module(torch.tensor(final.example)).numpy()
    with _quiet(), _opened(client, run_id):
        info = mlflow.pytorch.log_model(
            final.module,
            name="model",
            signature=mlflow.models.infer_signature(final.example, answer),
            input_example=final.example,
            # to infer them, MLflow would start another Python and import everything there
            pip_requirements=[f"torch=={torch.__version__.partition('+')[0]}", "mlflow"],
        )
        name = model_name(task)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return client.create_model_version(
            name, info.model_uri, run_id=run_id, tags=tags.encode(), model_id=info.model_id
        )


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
    """Silences what MLflow says while it logs a model; a user could change none of it."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
