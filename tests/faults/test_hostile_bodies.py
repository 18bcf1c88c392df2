"""Generated bodies of requests: each is answered in one line, and none is a failure of the service.

60 cases by default, 600 with ``TUNEYARD_FAULTS=whole``; the same ones every time.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuneyard.search.errors import MAX_LINE
from tuneyard.search.service.app import create_app
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces.registry import find_description

CASES = 600 if os.environ.get("TUNEYARD_FAULTS") == "whole" else 60
NOWHERE = "http://127.0.0.1:9"
"""Where no Ray listens: a right spec ends there."""


@pytest.fixture(scope="module")
def http(mlflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The service, in this process; an exception that it lets pass is the test's."""
    store = tmp_path_factory.mktemp("store") / "mlflow.db"
    shutil.copy(mlflow_database, store)
    given_settings = ServiceSettings.model_validate(
        {
            "tracking_uri": f"sqlite:///{store}",
            "ray_address": NOWHERE,
            "max_requests_per_second": 10**6,
        },
        by_name=True,
    )
    here = "127.0.0.1"
    return TestClient(create_app(given_settings), f"http://{here}:8080", client=(here, 50_000))


def deep(depth: int, ends: tuple[str, str], closed: bool) -> str:
    """What nests, whether or not it ends."""
    begin, end = ends
    return begin * depth + "1" + (end * depth if closed else "")


KEYS = st.sampled_from([*SearchSpec.model_fields, "inputs", "trails", "concurrency"])
PATHS = st.sampled_from([leaf.path for leaf in find_description("diabetes").space.space().leaves])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | PATHS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | PATHS, inner, max_size=3),
    max_leaves=8,
).map(json.dumps)
DEEP = st.builds(
    deep,
    st.sampled_from([10, 49, 60, 900, 5000, 100_000]),
    st.sampled_from([("[", "]"), ('{"a":', "}")]),
    st.booleans(),
)
ODD = [
    *("9" * 5000, "1e999", "NaN", "-Infinity", '"\\ud800"', '"\\u0000"', "tru", "", "[1,]"),
    "0" * 9,
]
ODD += [json.dumps("x" * 6000), json.dumps(["x"] * 20_000), json.dumps("x" * 10**6)]
ODD += [json.dumps(dict.fromkeys(map(str, range(20_000)))), '{"a": 1, "a": 2}']
RAW = VALUES | DEEP | st.sampled_from(ODD)
BODIES = st.one_of(
    RAW,
    st.builds('{{"{}": {}}}'.format, KEYS, RAW),
    st.builds('{{"task": "diabetes", "{}": {}}}'.format, KEYS, RAW),
    st.builds('{{"task": "diabetes", "space": {{"{}": {}}}}}'.format, PATHS, RAW),
)
ROUTES = ["/searches", "/searches", "/searches/mine/extend", "/tasks/diabetes/predict"]


@settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(ROUTES),
    BODIES.map(str.encode) | st.binary(max_size=20),
    st.sampled_from(["application/json", "text/plain"]),
)
def test_json_bodies(
    http: TestClient, injected: Callable[..., None], route: str, body: bytes, kind: str
) -> None:
    injected("hostile JSON bodies")
    answer = http.post(route, content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 404, 413, 422, 503), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    detail = answer.json()["detail"]
    assert len(detail.splitlines()) == 1
    assert len(detail) <= MAX_LINE
