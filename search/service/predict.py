"""Predictions of the champions over HTTP: each version is loaded once and kept in memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any  # Any: inputs and outputs are nested lists of JSON

from pydantic import BaseModel, Field

from tuneyard.search.frozen import Frozen
from tuneyard.search.models.champions import find_champion
from tuneyard.search.service.errors import MissingError
from tuneyard.search.tracking.queries import MlflowSearches

if TYPE_CHECKING:
    from tuneyard.search.models.predict import ModelVersion, ServedModel


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
        found = self._searches.ask(lambda client: find_champion(client, task))
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
        # imported when needed: torch takes seconds and memory that a service without models saves
        from tuneyard.search.models.predict import predict

        model = self._model(task, version)
        return Prediction(
            task=task,
            model=model.name,
            version=model.version,
            outputs=predict(model, task, inputs),
            classes=model.classes,
        )

    def _model(self, task: str, version: ModelVersion) -> ServedModel:
        from tuneyard.search.models.predict import load_version

        with self._loading:
            loaded = self._loaded.get(task)
            if loaded is None or loaded.version != str(version.version):
                loaded = self._searches.ask(lambda client: load_version(client, version))
                self._loaded[task] = loaded
            return loaded
