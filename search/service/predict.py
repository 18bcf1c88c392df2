"""Predictions of the champions over HTTP: each version is loaded once and kept in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any  # Any: inputs and outputs are nested lists of JSON

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from tuneyard.search.frozen import Frozen
from tuneyard.search.models.champions import find_champion
from tuneyard.search.service.errors import MissingError
from tuneyard.search.tracking.queries import MlflowSearches

if TYPE_CHECKING:
    from tuneyard.search.models.predict import ModelVersion, ServedModel

MAX_ROWS = 10_000
AT_A_TIME = 4
"""Predictions that are computed at once; what waits for its turn takes no thread."""


class Inputs(Frozen):
    """What to predict from.

    Attributes:
        inputs: A row each, as the model's signature has them, or as the task's people write them
            (a surname).
    """

    inputs: list[Any] = Field(min_length=1, max_length=MAX_ROWS)


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

    A model is downloaded once, by one thread: who asks for it meanwhile waits without one, so that
    every other question is answered as always.

    Args:
        searches: Knows MLflow.
    """

    def __init__(self, searches: MlflowSearches) -> None:
        self._searches = searches
        self._models: dict[str, tuple[str, asyncio.Task[ServedModel]]] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)

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

    async def predict(self, task: str, version: ModelVersion, inputs: list[Any]) -> Prediction:
        """What a version says to some inputs.

        Raises:
            SearchError: The inputs are not as the model takes them.
        """
        model = await self._model(task, version)
        async with self._turns:
            outputs = await run_in_threadpool(_predict, model, task, inputs)
        return Prediction(
            task=task,
            model=model.name,
            version=model.version,
            outputs=outputs,
            classes=model.classes,
        )

    async def _model(self, task: str, version: ModelVersion) -> ServedModel:
        number, loading = self._models.get(task, ("", None))
        if loading is None or number != str(version.version):
            loading = asyncio.ensure_future(run_in_threadpool(self._load, version))
            self._models[task] = (str(version.version), loading)
        try:
            # who asked first may disconnect, and the others still get it
            return await asyncio.shield(loading)
        except Exception:
            # the next one who asks tries again
            if self._models.get(task, ("", None))[1] is loading:
                del self._models[task]
            raise

    def _load(self, version: ModelVersion) -> ServedModel:
        # imported when needed: torch takes seconds and memory that a service without models saves
        from tuneyard.search.models.predict import load_version

        return self._searches.ask(lambda client: load_version(client, version))


def _predict(model: ServedModel, task: str, inputs: list[Any]) -> list[Any]:
    from tuneyard.search.models.predict import predict

    return predict(model, task, inputs)
