"""Routes of tasks: what there is, what is searched, and what the champions say."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from tuneyard.search.service_bodies import JsonBody
from tuneyard.search.service_core import Service
from tuneyard.search.service_errors import MissingError, responses
from tuneyard.search.service_predict import Inputs, Prediction
from tuneyard.spaces import SpaceError
from tuneyard.spaces.loop import TrainingSpace
from tuneyard.spaces.tasks import task_space, task_spaces

Task = Annotated[str, Path(description="The task's name.")]


class TaskSummary(BaseModel):
    """A task in one line."""

    task: str
    summary: str


def task_routes(service: Service) -> APIRouter:
    """All routes under ``/tasks``."""
    router = APIRouter()

    @router.get("/tasks", response_model=list[TaskSummary], responses=responses())
    async def tasks() -> list[TaskSummary]:
        """The tasks."""
        return [
            TaskSummary(task=name, summary=(space.__doc__ or "").strip().partition("\n")[0])
            for name, space in task_spaces().items()
        ]

    @router.get(
        "/tasks/{task}/space",
        response_model=dict[str, Any],
        responses=responses(HTTPStatus.NOT_FOUND),
    )
    async def space(task: Task) -> dict[str, Any]:
        """JSON Schema of a task's configs."""
        return _known(task).model_json_schema()

    @router.post(
        "/tasks/{task}/predict",
        response_model=Prediction,
        responses=responses(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def predict(task: Task, asked: JsonBody[Inputs]) -> Prediction:
        """What a task's champion says."""
        _known(task)
        return await service.predict(task, asked.inputs)

    return router


def _known(task: str) -> type[TrainingSpace]:
    try:
        return task_space(task)
    except SpaceError as error:
        raise MissingError(str(error)) from None
