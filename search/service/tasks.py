"""Routes of tasks: what there is, what is searched, and what the champions say."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any  # Any: a JSON Schema is a dictionary of anything

from fastapi import APIRouter, Path
from pydantic import BaseModel

from tuneyard.search.service.bodies import JsonBody
from tuneyard.search.service.core import Asked
from tuneyard.search.service.errors import MissingError, responses
from tuneyard.search.service.predict import Inputs, Prediction
from tuneyard.search.service.searches import NAMED
from tuneyard.spaces import SearchSpace, SpaceError
from tuneyard.spaces.registry import descriptions, find_description

Name = Annotated[str, Path(description="The task's name.", pattern=NAMED)]


class TaskSummary(BaseModel):
    """A task in one line."""

    task: str
    summary: str


router = APIRouter()


@router.get("/tasks", responses=responses())
async def tasks() -> list[TaskSummary]:
    """The tasks."""
    return [
        TaskSummary(task=name, summary=described.title)
        for name, described in descriptions().items()
    ]


@router.get(
    "/tasks/{task}/space",
    responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def space(task: Name) -> dict[str, Any]:
    """JSON Schema of a task's configs."""
    return _known(task).model_json_schema()


@router.post(
    "/tasks/{task}/predict",
    responses=responses(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def predict(task: Name, asked: JsonBody[Inputs], service: Asked) -> Prediction:
    """What a task's champion says."""
    _known(task)
    return await service.predict(task, asked.inputs)


def _known(task: str) -> type[SearchSpace]:
    try:
        return find_description(task).space
    except SpaceError as error:
        raise MissingError(str(error)) from None
