"""What a client of a cluster does where something else than the service answers, or nothing."""

import json
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.client import cluster
from tuneyard.search.client import http as cluster_http
from tuneyard.search.client.cluster import Cluster
from tuneyard.search.errors import SearchError
from tuneyard.search.results.status import SearchStatus, TrialStatus
from tuneyard.search.spec.files import parse_spec

TOKEN = "secret-Zx81"
HTML = "<html>\n<h1>502</h1>\n</html>"
EMPTY = '{"searches": [], "next": null}'


def error_of(act: Callable[[], object]) -> str:
    """The one line that it costs; the token is never in it."""
    with pytest.raises(SearchError) as caught:
        act()
    line = str(caught.value)
    assert "\n" not in line
    assert TOKEN not in line
    return line


# --- answers that are none

ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "a proxy without a service": (
        {"body": HTML, "code": "502 Bad Gateway", "kind": "text/html"},
        "answers 502 Bad Gateway, and not as tuneyard's service does; see what runs there, or name "
        "another address with --cluster or TUNEYARD_CLUSTER",
    ),
    "another program": (
        {"body": HTML, "kind": "text/html"},
        "answers what this tuneyard can't read: SearchStatus: Invalid JSON: expected value at line "
        "1 column 1; install the version that runs there, or name another address with --cluster",
    ),
    "another version": (
        {"body": {"colour": "red"}},
        "answers what this tuneyard can't read: search: Field required; install the version that ",
    ),
    "a page that is not there": (
        {"body": {"detail": "Not Found"}, "code": "404 Not Found"},
        "answers 404 Not Found, and not as tuneyard's service does; see what runs there, or ",
    ),
    "a refusal without its line": (
        {"body": "[]", "code": "503 Service Unavailable", "kind": "application/problem+json"},
        "answers 503 Service Unavailable, and not as tuneyard's service does; see what runs there",
    ),
    "an unknown token": (
        {"body": HTML, "code": "401 Unauthorized"},
        "does not know the token; set TUNEYARD_TOKEN or --token-file to one that it does",
    ),
    "an answer cut off": (
        {"body": "{", "length": 9999},
        "gave no whole answer: peer closed connection without sending complete message body "
        "(received 1 bytes, expected 9999); whether it did what was asked for is seen in: "
        "tuneyard jobs",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_none(case: str, other: Any, told: Any) -> None:
    answer, line = ANSWERS[case]
    server = other(told.answer(**answer))
    with Cluster(server.address, TOKEN) as client:
        assert error_of(lambda: client.stop("mine")).startswith(f"{server.address} {line}")
    assert server.requests == [("POST", "/searches/mine/stop", f"Bearer {TOKEN}", b"")]


def test_no_answer(other: Any) -> None:
    server = other(b"")
    with Cluster(server.address) as client:
        reason = "Server disconnected without sending a response"
        assert f"gave no whole answer: {reason}; wh" in error_of(lambda: client.stop("mine"))
        assert f"does not answer at {server.address}: {reason}; start" in error_of(client.jobs)


def test_a_refusal_is_the_line_of_the_service(other: Any, told: Any) -> None:
    server = other(told.refusal("409 Conflict", "search mine runs\nstill"))
    with Cluster(server.address) as client:
        for act in (
            *(client.jobs, lambda: client.stop("mine"), lambda: client.best("mine")),
            *(lambda: next(client.logs("mine")), lambda: next(client.follow("mine"))),
        ):
            assert error_of(act) == "search mine runs still"


def test_a_log_that_is_cut_off(other: Any, told: Any) -> None:
    server = other(told.answer("epoch 1\n", kind="text/plain", length=99))
    with Cluster(server.address) as client:
        log = client.logs("mine", follow=True)
        assert next(log) == "epoch 1\n"
        line = error_of(lambda: next(log))
    assert line.startswith(f"tuneyard's service does not answer at {server.address}: peer closed")


def test_a_service_that_wants_a_token(other: Any, told: Any) -> None:
    server = other(told.refusal("401 Unauthorized", "no"))
    with Cluster(server.address) as client:
        assert error_of(client.jobs) == (
            f"{server.address} wants a token; set TUNEYARD_TOKEN, or name a file that holds it "
            "with --token-file"
        )
    assert server.requests == [("GET", "/searches?limit=100", None, b"")]


def test_nobody_answers() -> None:
    with Cluster("http://127.0.0.1:9", TOKEN) as client:
        spec = parse_spec({"task": "diabetes"})
        for act in (client.jobs, lambda: client.submit(spec)):
            assert error_of(act) == (
                "tuneyard's service does not answer at http://127.0.0.1:9: [Errno 111] Connection "
                "refused; start it there, or name another address with --cluster or "
                "TUNEYARD_CLUSTER"
            )


def test_an_answer_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_http, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Cluster(address) as client:
            line = error_of(lambda: client.stop("mine"))
    assert line.startswith(f"{address} gave no whole answer: it took too long; whether it did ")


# --- where the token goes


@pytest.mark.parametrize("code", ["301 Moved Permanently", "307 Temporary Redirect"])
def test_redirects_are_not_followed(code: str, other: Any, told: Any) -> None:
    thief = other(told.answer(EMPTY))
    server = other(told.answer("", code, header=f"Location: {thief.address}/searches"))
    with Cluster(server.address, TOKEN) as client:
        for act in (client.jobs, lambda: client.stop("mine")):
            assert error_of(act) == (
                f"{server.address} redirects to '{thief.address}/searches', where the token is not "
                "sent; if that is your cluster, name it with --cluster or TUNEYARD_CLUSTER"
            )
    assert thief.requests == []


def test_this_machine_is_reached_without_a_proxy(
    other: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = other(told.answer(EMPTY)), other(told.answer(EMPTY))
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.address)
    with Cluster(server.address, TOKEN) as client:
        client.jobs()
    assert proxy.requests == []
    with Cluster("http://tuneyard.example", TOKEN) as client:
        client.jobs()
    assert [request[1] for request in proxy.requests] == [
        "http://tuneyard.example/searches?limit=100"
    ]


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://tuneyard.example:8080", True),
        ("http://10.0.0.7", True),
        ("http://localhost.example", True),
        ("https://tuneyard.example", False),
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080/", False),
        ("http://[::1]:8080", False),
    ],
)
def test_a_token_in_the_open_is_warned_of(
    caplog: pytest.LogCaptureFixture, address: str, warned: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    Cluster(address, TOKEN)
    Cluster(address)
    lines = [f"the token goes to {address} unencrypted; use https beyond this machine"]
    found = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert found == (lines if warned else [])
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1:8080", "ray://head:10001", "http://", "http://a b", "http://x:y", "auto"),
        *("http://[::1", "http://x?y=1", "http://x#y", "http://x:99999999"),
    ],
)
def test_a_wrong_address(address: str) -> None:
    assert error_of(lambda: Cluster(address)) == (
        f"the cluster's address must read like http://127.0.0.1:8080, got {address!r}"
    )


def test_an_address_holds_no_password() -> None:
    assert error_of(lambda: Cluster(f"http://ada:{TOKEN}@127.0.0.1")) == (
        "the cluster's address must hold no user and no password; the token goes into "
        "TUNEYARD_TOKEN"
    )


@pytest.mark.parametrize("token", ["", f"{TOKEN}\nX-Evil: 1", f"{TOKEN} {TOKEN}", f"{TOKEN}ü"])
def test_a_wrong_token(token: str) -> None:
    assert error_of(lambda: Cluster("http://127.0.0.1", token)) == (
        "the token must be one word of plain ASCII; look at what TUNEYARD_TOKEN or --token-file "
        "holds"
    )


def test_where_the_token_comes_from(
    other: Any, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = other(told.answer(EMPTY))
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    for named, environment in ((None, None), (None, " other\n"), (file, "other"), (None, "")):
        if environment is not None:
            monkeypatch.setenv("TUNEYARD_TOKEN", environment)
        with ClusterOptions(cluster=server.address, token_file=named).connect() as client:
            client.jobs()
    sent = [request[2] for request in server.requests]
    assert sent == [None, "Bearer other", f"Bearer {TOKEN}", None]


def test_a_token_file_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(os.urandom(64) + b"\xff\xfe")
    for name, line in (("none", "No such file or directory"), ("binary", "it is not text")):
        file = tmp_path / name
        options = ClusterOptions(cluster="http://127.0.0.1:9", token_file=file)
        assert error_of(options.connect) == f"can't read --token-file {file}: {line}"


@pytest.mark.parametrize("search", ["..", "a/b", "a?b", "a b", "", "ä"])
def test_a_wrong_name(search: str) -> None:
    with Cluster("http://127.0.0.1:9") as client:
        line = f"{search!r} is no name of a search; see: tuneyard jobs"
        assert error_of(lambda: client.stop(search)) == line


# --- streams of events, and pages


def test_a_stream_that_breaks_off_is_taken_up_again(
    other: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "RETRY_SECONDS", 0.01)
    weather = "event: weather\ndata: rain\n\n"
    cut = told.stream(
        *(": hello\n\n", told.event("status"), weather, told.event("trial")),
        told.event("trial", number=2)[:40],
    )
    end = told.stream(
        told.event("status", best=0.3).replace("\n", "\r\n"),
        told.event("trial"),
        told.event("trial", number=2),
        told.event("end", state="completed"),
        told.event("status"),
    )
    server = other(cut, b"", told.refusal("503 Service Unavailable", "MLflow is away"), end)
    with Cluster(server.address, TOKEN) as client:
        found = list(client.follow("mine"))
    assert len(server.requests) == 4
    assert found == [
        SearchStatus.model_validate(told.status),
        TrialStatus.model_validate(told.trial),
        SearchStatus.model_validate(told.status | {"best": 0.3}),
        TrialStatus.model_validate(told.trial | {"number": 2}),
        SearchStatus.model_validate(told.status | {"state": "completed"}),
    ]


def test_a_service_that_stays_away_is_given_up(
    other: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(cluster, "AWAY_SECONDS", 0.2)
    server = other(told.refusal("503 Service Unavailable", "MLflow is away"))
    with Cluster(server.address) as client:
        assert error_of(lambda: list(client.follow("mine"))) == "MLflow is away"
    assert len(server.requests) > 3


def test_an_event_of_another_version(other: Any, told: Any) -> None:
    server = other(told.stream(told.event("status", colour="red")))
    with Cluster(server.address) as client:
        line = error_of(lambda: list(client.follow("mine")))
    assert line.startswith(f"{server.address} answers what this tuneyard can't read: colour: ")


def test_pages_are_put_together(other: Any, told: Any) -> None:
    def page(names: list[str], following: str | None) -> bytes:
        searches = [told.status | {"search": name} for name in names]
        return bytes(told.answer(json.dumps({"searches": searches, "next": following})))

    server = other(page(["c", "b"], "2"), page([], "3"), page(["a"], "4"))
    with Cluster(server.address) as client:
        found = client.jobs(task="diabetes", limit=3)
    assert [one.search for one in found.searches] == ["c", "b", "a"]
    assert found.next == "4"
    assert [request[1] for request in server.requests] == [
        "/searches?task=diabetes&limit=3",
        "/searches?task=diabetes&limit=1&page=2",
        "/searches?task=diabetes&limit=1&page=3",
    ]
