"""The OpenAPI document, and a service that does as it says: fuzzed by schemathesis."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROUTES = {
    "/health": {"get"},
    "/metrics": {"get"},
    "/searches": {"get", "post"},
    "/searches/{search}": {"get"},
    "/searches/{search}/best": {"get"},
    "/searches/{search}/events": {"get"},
    "/searches/{search}/extend": {"post"},
    "/searches/{search}/logs": {"get"},
    "/searches/{search}/resume": {"post"},
    "/searches/{search}/stop": {"post"},
    "/searches/{search}/trials": {"get"},
    "/tasks": {"get"},
    "/tasks/{task}/predict": {"post"},
    "/tasks/{task}/space": {"get"},
}

# which names there are, and what fits them, no schema says: a right body may be refused
CONFIG = """
[[operations]]
include-method = "POST"
checks.positive_data_acceptance.enabled = false
"""


@pytest.fixture
def document(serve: Any) -> dict[str, Any]:
    answer: dict[str, Any] = serve().get("/openapi.json").json()
    return answer


def test_the_document(document: dict[str, Any]) -> None:
    assert {path: set(found) for path, found in document["paths"].items()} == ROUTES
    assert document["components"]["securitySchemes"] == {
        "HTTPBearer": {"type": "http", "scheme": "bearer"}
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"]
            open_to_all = path == "/health"
            assert operation.get("security") == (None if open_to_all else [{"HTTPBearer": []}])
            for status, response in operation["responses"].items():
                kinds = set(response["content"])
                if status >= "4":
                    assert kinds == {"application/problem+json"}
                elif path.endswith("/events"):
                    assert kinds == {"text/event-stream"}
                elif path.endswith(("/logs", "/metrics")):
                    assert kinds == {"text/plain"}
                else:
                    assert kinds == {"application/json"}
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert set(schemas["Problem"]["required"]) == {"title", "status", "detail"}


def test_the_spec_is_in_the_document(document: dict[str, Any]) -> None:
    body = document["paths"]["/searches"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["task"], False)
    whole = schema | {"components": document["components"]}
    validator = jsonschema.Draft202012Validator(whole)
    right = {"task": "names-gru", "trials": 200, "space": {"epochs": 3, "cell": ["gru", "lstm"]}}
    assert validator.is_valid(right)
    for wrong in ({}, {"task": 3}, {"task": "names-gru", "trainable": "x"}):
        assert not validator.is_valid(wrong)


def fuzz(http: Any, folder: Path, *options: str) -> str:
    """What schemathesis says of a service that it finds nothing wrong with."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    if token := http.headers.get("Authorization"):
        options = (*options, f"--header=Authorization: {token}")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            str(http.base_url.join("/openapi.json")),
            "--phases=examples,coverage,fuzzing",
            "--max-examples=5",
            "--generation-deterministic",
            "--request-timeout=20",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ended_searches(records: Any) -> None:
    for state in ("completed", "stopped", "failed"):
        parent = records.search(f"was-{state}", state, budget=3)
        for number in range(3):
            records.trial(parent, number)


def test_the_service_does_as_the_document_says(service: Any, records: Any, tmp_path: Path) -> None:
    """All but the two streams: of the searches that this submits they would have no end."""
    ended_searches(records)
    streams = "--exclude-path-regex=/(events|logs)$"
    assert "13 selected" in fuzz(service.http, tmp_path, streams)


def test_the_events_are_as_the_document_says(serve: Any, own_records: Any, tmp_path: Path) -> None:
    ended_searches(own_records)
    assert "1 selected" in fuzz(serve(), tmp_path, "--include-path-regex=/events$")
