"""The service's metrics for Prometheus: requests, searches and trials."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus

import prometheus_client as prometheus
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuneyard.search.results.status import SearchStatus

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
UNKNOWN = "unknown"
"""The label of requests without a route: their paths would be an unlimited number of labels."""


class Metrics:
    """What is counted in this process."""

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "tuneyard_requests", "Requests.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = prometheus.Histogram(
            "tuneyard_request_seconds",
            "From a request to the start of its answer.",
            ["method", "route"],
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        self._requests.labels(method, route, int(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self, searches: Iterable[SearchStatus] | None) -> bytes:
        """Everything in Prometheus' text format.

        Args:
            searches: All of them; None where MLflow is away, and then they are left out.
        """
        own = prometheus.generate_latest(self.registry)
        return own + (
            b"" if searches is None else prometheus.generate_latest(_search_metrics(searches))
        )


def _search_metrics(searches: Iterable[SearchStatus]) -> prometheus.CollectorRegistry:
    registry = prometheus.CollectorRegistry()
    by_search = prometheus.Gauge(
        "tuneyard_searches", "Searches by state.", ["task", "state"], registry=registry
    )
    by_trial = prometheus.Gauge(
        "tuneyard_trials", "Trials by state.", ["task", "state"], registry=registry
    )
    found: Counter[tuple[str, str]] = Counter()
    trials: Counter[tuple[str, str]] = Counter()
    for search in searches:
        found[search.task, search.state] += 1
        for state, count in search.trials.items():
            if state != "total":
                trials[search.task, state] += count
    for gauge, counts in ((by_search, found), (by_trial, trials)):
        for labels, count in counts.items():
            gauge.labels(*labels).set(count)
    return registry


class MetricsMiddleware:
    """Counts every answer by the route that gave it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, answered = time.perf_counter(), False

        def count(status: int) -> None:
            route = getattr(scope.get("route"), "path", UNKNOWN)
            # where no route takes it, a method may be any word
            known = route != UNKNOWN and status != HTTPStatus.METHOD_NOT_ALLOWED
            method = scope["method"] if known else UNKNOWN
            self._metrics.count(method, route, status, time.perf_counter() - started)

        async def counted(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            # the answer to a failure is made further out than any middleware
            if not answered:
                count(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
