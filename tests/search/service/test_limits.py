"""How much the service takes."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tuneyard.search.errors import SearchError
from tuneyard.search.service import tasks as service_tasks
from tuneyard.search.service.limits import check_data
from tuneyard.search.service.settings import Token

TOKENS = tuple(Token(name=name, secret=SecretStr(name * 16)) for name in ("a", "b"))


def test_a_long_body(serve: Any, line: Any) -> None:
    http = serve(max_request_bytes=1000)

    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b" " * 100

    fits = http.post("/searches", content=b" " * 1000)
    assert fits.status_code == 422
    for content in (b" " * 1001, pieces(11)):
        said = line(http.post("/searches", content=content), 413)
        assert said == "the body must be at most 1000 bytes; send less at a time"
    for content in (b" " * 50_000_000, pieces(100_000)):
        # most often it hangs up before all was sent
        with contextlib.suppress(httpx.TransportError):
            assert http.post("/searches", content=content).status_code == 413
    assert http.post("/searches", content=pieces(10)).status_code == 422
    assert http.get("/searches").status_code == 200


def test_a_token_that_asks_too_often(serve: Any, line: Any) -> None:
    http = serve(max_requests_per_second=5, tokens=TOKENS)

    def ask(name: str) -> httpx.Response:
        return http.get("/tasks", headers={"Authorization": f"Bearer {name * 16}"})

    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(ask, "a" * 30))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(answers) - len(refused) >= 5
    said = line(refused[0], 429)
    assert said == "a token may ask 5 times a second; wait, and ask less often"
    assert refused[0].headers["Retry-After"] == "1"
    # the other's own
    assert ask("b").status_code == 200
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("limits", "spec", "said"),
    [
        ({"max_trials": 10}, {"trials": 11}, "trials must be at most 10 here, got 11"),
        ({"max_trials": 10}, {}, "trials must be at most 10 here, got 50"),
        ({"max_seconds": 60}, {}, "time must be given, at most 60 s here, got None"),
        ({"max_seconds": 60}, {"time": "2m"}, "time must be given, at most 60 s here, got 120.0"),
    ],
    ids=str,
)
def test_a_search_that_is_too_long(
    serve: Any, line: Any, limits: dict[str, int], spec: dict[str, Any], said: str
) -> None:
    http = serve(**limits)
    assert line(http.post("/searches", json={"task": "diabetes"} | spec), 422) == said
    # one that is not gets as far as Ray, which is away
    assert http.post("/searches", json={"task": "diabetes", "trials": 9, "time": 9}).is_server_error


def test_metrics(serve: Any, own_records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"total": 4, "running": 1, "completed": 2, "pruned": 1}
    own_records.search("a", trials=counts)
    own_records.search("b", "completed", trials=counts)
    http = serve()
    http.get("/searches/a")
    http.get("/searches/a")
    http.get("/searches/none")
    http.get("/secret/path/of/someone")
    http.request("PURR", "/tasks")
    monkeypatch.setattr(service_tasks, "descriptions", None)
    assert http.get("/tasks").status_code == 500
    answer = http.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = set(answer.text.splitlines())
    for expected in (
        'tuneyard_requests_total{method="GET",route="/searches/{search}",status="200"} 2.0',
        'tuneyard_requests_total{method="GET",route="/searches/{search}",status="404"} 1.0',
        'tuneyard_requests_total{method="unknown",route="unknown",status="404"} 1.0',
        'tuneyard_requests_total{method="unknown",route="/tasks",status="405"} 1.0',
        'tuneyard_requests_total{method="GET",route="/tasks",status="500"} 1.0',
        'tuneyard_request_seconds_count{method="GET",route="/searches/{search}"} 3.0',
        'tuneyard_searches{state="running",task="diabetes"} 1.0',
        'tuneyard_searches{state="completed",task="diabetes"} 1.0',
        'tuneyard_trials{state="completed",task="diabetes"} 4.0',
        'tuneyard_trials{state="running",task="diabetes"} 1.0',
    ):
        assert expected in lines, answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("data", ["/etc", "..", "photos/../..", "~", "~root/photos"])
def test_a_folder_outside_the_services_data(data: str) -> None:
    with pytest.raises(SearchError, match="a folder in the data folder, got"):
        check_data(data)


@pytest.mark.parametrize("data", [None, "digits", "photos/birds", "a..b"])
def test_data_that_the_service_takes(data: str | None) -> None:
    check_data(data)
