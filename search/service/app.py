"""The HTTP service: it keeps nothing; Ray, MLflow and the study storage do."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal  # Any: an OpenAPI document is a dictionary of anything

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.middleware import Middleware

from tuneyard.search.jobs.queue import JobQueue
from tuneyard.search.service import searches as service_searches
from tuneyard.search.service import streams as service_streams
from tuneyard.search.service import tasks as service_tasks
from tuneyard.search.service.auth import OPEN, AuthMiddleware
from tuneyard.search.service.core import Asked, Service
from tuneyard.search.service.errors import Problem, handle_errors, responses
from tuneyard.search.service.limits import RateMiddleware, SizeMiddleware
from tuneyard.search.service.metrics import CONTENT_TYPE, Metrics, MetricsMiddleware
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.tracking.queries import MlflowAwayError


class Health(BaseModel):
    """Whether the service answers, and whom it reaches."""

    status: Literal["ok"] = "ok"
    mlflow: bool
    ray: bool


def create_app(settings: ServiceSettings, queue: JobQueue | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: Its settings.
        queue: The jobs of searches; None means those of the settings' Ray.
    """
    metrics = Metrics()
    app = FastAPI(
        title="tuneyard",
        summary="Hyperparameter searches on a cluster.",
        version=version("tuneyard"),
        # their pages would load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(MetricsMiddleware, metrics),
            Middleware(AuthMiddleware, settings.tokens),
            Middleware(RateMiddleware, settings.max_requests_per_second),
            Middleware(SizeMiddleware, settings.max_request_bytes),
        ],
    )
    app.state.service = Service(settings, queue)
    app.state.metrics = metrics
    handle_errors(app)
    app.include_router(public)
    # for the document alone: the middleware looks at the token before any route is found
    bearer = [Depends(HTTPBearer(auto_error=False))]
    for router in (
        service_searches.router,
        service_streams.router,
        service_tasks.router,
        monitoring,
    ):
        app.include_router(router, dependencies=bearer)
    _describe_problems(app)
    return app


public = APIRouter()
monitoring = APIRouter()


@public.get(OPEN)
async def health(service: Asked) -> Health:
    """Whether the service answers, and whether MLflow and Ray answer it; needs no token."""
    mlflow, ray = await service.health()
    return Health(mlflow=mlflow, ray=ray)


@monitoring.get("/metrics", response_class=PlainTextResponse, responses=responses())
async def metrics(request: Request, service: Asked) -> Response:
    """Requests, and searches and trials by state, in Prometheus' text format."""
    try:
        searches = await service.all()
    except MlflowAwayError:
        searches = None
    text = request.app.state.metrics.text(searches)
    return Response(text, media_type=CONTENT_TYPE)


def _describe_problems(app: FastAPI) -> None:
    """Adds the model of errors to the OpenAPI document: no route returns one."""
    made = app.openapi

    def document() -> dict[str, Any]:
        described = made()
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        return described

    app.openapi = document  # type: ignore[method-assign]
