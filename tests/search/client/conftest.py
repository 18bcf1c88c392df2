"""Servers for the tests of a cluster's clients."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUNEYARD_CLUSTER", "TUNEYARD_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


class Other:
    """A server that gives the answers that it was told to, for what the service itself can't do.

    Attributes:
        address: Where it is.
        requests: What it was asked: method, path, Authorization, body.
    """

    status: ClassVar[dict[str, Any]] = {
        "search": "mine",
        "task": "diabetes",
        "user": "ada",
        "state": "running",
        "objective": {"metric": "val_loss", "mode": "min"},
        "budget": 50,
        "trials": {"total": 4, "running": 1, "completed": 2, "pruned": 0, "failed": 1},
        "baseline": 0.5,
        "best": 0.4,
        "created": "2026-11-20T10:00:00Z",
        "wall_s": 75.0,
        "eta_s": None,
        "mlflow": {"tracking_uri": "http://mlflow:5000", "experiment_id": "1", "run_id": "abc"},
    }
    trial: ClassVar[dict[str, Any]] = {
        "number": 1,
        "state": "failed",
        "reason": "ValueError: no\u2028way",
        "value": None,
        "best_epoch": None,
        "params": {"epochs": 3, "optimizer.kind": "sgd"},
        "mlflow_run_id": "def",
    }

    def __init__(self, *answers: bytes) -> None:
        self.requests: list[tuple[str, str, str | None, bytes]] = []
        self.answers = list(answers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                token = self.headers.get("Authorization")
                outer.requests.append((self.command, self.path, token, body))
                # the last answer is given for ever
                again = len(outer.answers) == 1
                self.wfile.write(outer.answers[0] if again else outer.answers.pop(0))

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def answer(
        body: str | dict[str, Any],
        code: str = "200 OK",
        kind: str = "application/json",
        header: str = "X-None: none",
        length: int | None = None,
    ) -> bytes:
        """One answer; with a `length` it claims to be as long."""
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        size = len(content) if length is None else length
        head = f"HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{header}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + content

    @staticmethod
    def refusal(code: str, detail: str) -> bytes:
        """An error in the service's own form."""
        body = {"type": "about:blank", "title": code, "status": int(code[:3]), "detail": detail}
        return Other.answer(body, code, "application/problem+json")

    @staticmethod
    def stream(*events: str) -> bytes:
        """A stream of events, which ends with its connection."""
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        return (head + "".join(events)).encode()

    @staticmethod
    def event(kind: str, **values: Any) -> str:
        """One event: that of the search above, or of its trial."""
        whole = (Other.trial if kind == "trial" else Other.status) | values
        return f"event: {kind}\ndata: {json.dumps(whole, ensure_ascii=False)}\n\n"


@pytest.fixture
def other() -> Iterator[Callable[..., Other]]:
    """Starts servers that give these answers, one after the other."""
    servers: list[Other] = []

    def start(*answers: bytes) -> Other:
        servers.append(Other(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def told() -> type[Other]:
    """What answers are made of."""
    return Other
