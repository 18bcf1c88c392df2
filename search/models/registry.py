"""The best model: saved as files, registered in MLflow from them, promoted if it is better."""

from __future__ import annotations

import logging
import shutil
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
from torch import nn

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.models.champions import CHAMPION, find_champion, model_name
from tuneyard.search.tracking.client import without_repeats
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.searchable import FinalModel

MODEL = "model"
"""Folder of the model among the artifacts of the best trial's run."""

LOOKS = 5
"""How often a promotion looks whether another one came between."""

_TALKATIVE = ("mlflow", "torch.fx.experimental.symbolic_shapes")


def save(final: FinalModel, folder: Path) -> None:
    """Writes a model as MLflow reads it, with signature and input example.

    A module is torch's exported graph, an estimator skops' archive: loading them runs no code of
    ours, nor anyone's. A folder of files is copied as it is.

    Args:
        final: The model.
        folder: Is made.

    Raises:
        SearchError: The model can't be written in such a format; one line.
    """
    if isinstance(final.model, Path):
        shutil.copytree(final.model, folder)
        return
    write = _save_module if isinstance(final.model, nn.Module) else _save_estimator
    with _quiet():
        try:
            write(final, folder)
        # torch and skops say by errors of all kinds what they can't write
        except Exception as error:
            raise SearchError(
                f"{type(error).__name__}: {first_line(error)}; define export(config, model), which "
                "returns a module that torch can export, and an example of its input"
            ) from None


def register(
    client: MlflowClient, files: Path, *, task: str, run_id: str, tags: VersionTags
) -> ModelVersion:
    """Logs the files of a model on a run, and registers them; once for a run of a search.

    Args:
        client: Of the tracking server.
        files: What `save` wrote.
        task: Names the registered model.
        run_id: The best trial's run.
        tags: Of the model version.
    """
    name = model_name(task)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    known = [one for one in _versions(client, name) if one.run_id == run_id]
    if known:
        return known[0]
    client.log_artifacts(run_id, str(files), MODEL)
    source = f"{client.get_run(run_id).info.artifact_uri}/{MODEL}"
    with without_repeats():
        return client.create_model_version(name, source, run_id=run_id, tags=tags.encode())


def _save_module(final: FinalModel, folder: Path) -> None:
    """Writes torch's exported graph."""
    module = cast("nn.Module", final.model)
    with torch.no_grad():
        answer = module(torch.tensor(final.example)).numpy()
    mlflow.pytorch.save_model(
        module,
        str(folder),
        signature=mlflow.models.infer_signature(final.example, answer),
        input_example=final.example,
        # to infer them, MLflow would start another Python and import everything there
        pip_requirements=[f"torch=={torch.__version__.partition('+')[0]}", "mlflow"],
    )


def _save_estimator(final: FinalModel, folder: Path) -> None:
    """Writes an estimator of scikit-learn in the format of skops, which runs no code when loaded.

    Raises:
        TypeError: It holds objects of other libraries, which would be code of theirs.
    """
    import mlflow.sklearn
    import skops.io

    # this process made the estimator; whoever loads it decides again what to trust
    doubtful = skops.io.get_untrusted_types(data=skops.io.dumps(final.model))
    if foreign := [name for name in doubtful if not name.startswith("sklearn.")]:
        raise TypeError(f"skops can't store {', '.join(foreign)} safely")
    mlflow.sklearn.save_model(
        final.model,
        str(folder),
        serialization_format="skops",
        skops_trusted_types=doubtful,
        input_example=final.example,
        pip_requirements=["scikit-learn", "skops", "mlflow"],
    )


def promote(client: MlflowClient, version: ModelVersion, objective: Objective) -> str:
    """Makes a version champion if it beats the one before on the same metric and data.

    Searches may end at the same moment: each looks again after it has promoted, and the best of
    the versions that were registered since is left.

    Returns:
        One line that says what was done and why.
    """
    registered = f"{version.name} version {version.version} is registered"
    first = find_champion(client, version.name.removeprefix(model_name("")))
    if first is not None and first.version != version.version:
        ranked, best = VersionTags.decode(version.tags), VersionTags.decode(first.tags)
        if best.value is None or ranked.value is None or not ranked.is_ranked_like(best):
            return (
                f"{registered}; version {first.version} stays champion: it was ranked on another "
                "metric, data or folds"
            )
    for _ in range(LOOKS):
        best_now = _best_since(client, version, first, objective)
        champion = find_champion(client, version.name.removeprefix(model_name("")))
        if champion is not None and champion.version == best_now.version:
            break
        client.set_registered_model_alias(version.name, CHAMPION, best_now.version)
    if best_now.version == version.version:
        return f"{version.name} version {version.version} is the champion"
    value = VersionTags.decode(best_now.tags).value
    return (
        f"{registered}; version {best_now.version} stays champion with {objective.metric} "
        f"{value:.4g}"
    )


def _best_since(
    client: MlflowClient, version: ModelVersion, first: ModelVersion | None, objective: Objective
) -> ModelVersion:
    """The best of a version, the champion before it, and those that were registered in between.

    Of two with the same value it is the older one.
    """
    tags = VersionTags.decode(version.tags)
    since = int(first.version) if first else 0
    best = version
    for one in _versions(client, version.name):
        ranked = VersionTags.decode(one.tags)
        alike = ranked.value is not None and ranked.is_ranked_like(tags)
        if int(one.version) < since or not alike or ranked.value is None:
            continue
        value = VersionTags.decode(best.tags).value
        same = ranked.value == value and int(one.version) < int(best.version)
        if same or objective.better(ranked.value, value):
            best = one
    return best


def _versions(client: MlflowClient, name: str) -> list[ModelVersion]:
    """All versions of a registered model."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return found


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
