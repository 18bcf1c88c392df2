"""The client and its commands against the real service, on a real MLflow store, without a Ray."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from mlflow import MlflowClient
from pydantic import SecretStr
from typer.testing import CliRunner

from tuneyard.search.cli.main import app
from tuneyard.search.client import cluster
from tuneyard.search.client.cluster import Cluster
from tuneyard.search.client.http import AwayError, MissingError
from tuneyard.search.errors import SearchError
from tuneyard.search.results.status import SearchStatus, TrialStatus
from tuneyard.search.service.app import create_app
from tuneyard.search.service.settings import ServiceSettings, Token
from tuneyard.search.spec.files import parse_spec
from tuneyard.spaces.registry import find_description

TOKEN = "0123456789abcdef"


class Service:
    """The service on a port of its own; it can be stopped and started again."""

    def __init__(self, tracking_uri: str, port: int) -> None:
        self._settings = ServiceSettings(
            tokens=(Token(name="ada", secret=SecretStr(TOKEN)),),
            tracking_uri=tracking_uri,
            ray_address="http://127.0.0.1:9",
        )
        self._port = port
        self.address = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        config = uvicorn.Config(
            create_app(self._settings),
            port=self._port,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def service(
    store: MlflowClient, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    running = Service(store.tracking_uri, free_port())
    monkeypatch.setenv("TUNEYARD_CLUSTER", running.address)
    monkeypatch.setenv("TUNEYARD_TOKEN", TOKEN)
    yield running
    running.stop()


def finish(search: Any, state: str) -> None:
    """The search ends."""
    search.client.set_tag(search.run.run_id, "tuneyard.state", state)
    search.client.set_terminated(search.run.run_id)


@pytest.fixture
def searching(record_search: Callable[..., Any]) -> Any:
    """A search with a trial that ended, and one that runs."""
    search = record_search(trials=7)
    space = find_description("diabetes").space.space()
    baseline = space.flatten(space.baseline())
    first, second = (search.start(number, baseline | {"epochs": number + 1}) for number in range(2))
    search.train(first, [0.5])
    search.end(first)
    search.train(second, [0.4])
    return search, second


def test_a_search_is_followed_to_its_result(
    service: Service, searching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "RETRY_SECONDS", 0.05)
    search, second = searching
    with Cluster(service.address, TOKEN) as client:
        events = client.follow("my-search")
        told = [next(events)]
        while not isinstance(told[-1], TrialStatus):
            told.append(next(events))
        # a service that is started again is asked again, and tells nothing twice
        service.stop()
        threading.Timer(0.5, service.start).start()
        search.end(second)
        search.flush()
        finish(search, "completed")
        told += events
        result = client.best("my-search")
    trials = [event for event in told if isinstance(event, TrialStatus)]
    assert [(one.number, one.state, one.value) for one in trials] == [
        *((0, "completed", 0.5), (1, "completed", 0.4))
    ]
    assert trials[1].params["epochs"] == 2
    last = told[-1]
    assert isinstance(last, SearchStatus)
    assert (last.state, last.budget, last.baseline, last.best) == ("completed", 7, 0.5, 0.4)
    assert result.best
    assert (result.search, result.state, result.best.value) == ("my-search", "completed", 0.4)
    assert result.best.config["epochs"] == 2


def test_jobs(service: Service, searching: Any) -> None:
    searching[0].flush()
    done = CliRunner().invoke(app, ["jobs", "--task", "diabetes"])
    assert done.exit_code == 0
    heads, row = done.stdout.splitlines()
    assert heads.split()[:4] == ["search", "task", "state", "trials"]
    assert row.split()[:4] == ["my-search", "diabetes", "running", "1/7"]
    assert "val_loss 0.5 vs 0.5 (+0.0 %)" in row
    for options, names in (
        (["--state", "completed"], []),
        (["--state", "running"], ["my-search"]),
        (["--task", "names-gru"], []),
    ):
        page = json.loads(CliRunner().invoke(app, ["jobs", "--json", *options]).stdout)
        assert [one["search"] for one in page["searches"]] == names


def test_pages(service: Service, record_search: Callable[..., Any]) -> None:
    for number in range(3):
        record_search(name=f"s{number}")
    with Cluster(service.address, TOKEN) as client:
        client_page, cluster.PAGE = cluster.PAGE, 2
        try:
            found = client.jobs(limit=10)
            two = client.jobs(limit=2)
        finally:
            cluster.PAGE = client_page
    assert [one.search for one in found.searches] == ["s2", "s1", "s0"]
    assert [one.search for one in two.searches] == ["s2", "s1"]
    assert found.next is None
    assert two.next


def test_refusals(service: Service, searching: Any) -> None:
    spec = parse_spec({"task": "diabetes", "name": "my-search"})
    with Cluster(service.address, TOKEN) as client:
        for act, kind, line in (
            (lambda: client.best("no"), MissingError, "there is no search 'no' in sqlite:///"),
            (lambda: client.stop("no"), MissingError, "there is no search 'no' in sqlite:///"),
            (lambda: next(client.follow("no")), MissingError, "there is no search 'no' in sqlite"),
            (lambda: next(client.logs("no")), MissingError, "there is no search 'no' in sqlite://"),
            (lambda: client.submit(spec), SearchError, "there is a search 'my-search' already; "),
            (lambda: client.stop("my-search"), AwayError, "Ray does not answer at http://127.0.0."),
            (
                lambda: client.jobs(state="lost"),
                SearchError,
                "state should be 'queued', 'running',",
            ),
        ):
            with pytest.raises(kind) as caught:
                act()
            assert str(caught.value).startswith(line)
    for token, line in ((None, "wants a token; set "), ("f" * 16, "does not know the token; set ")):
        with (
            Cluster(service.address, token) as client,
            pytest.raises(SearchError) as caught,
        ):
            client.jobs()
        assert str(caught.value).startswith(f"{service.address} {line}TUNEYARD_TOKEN")


def test_a_search_that_is_submitted_comes_whole(service: Service) -> None:
    values = {
        "task": "diabetes",
        "sampler": {"kind": "tpe", "startup_trials": 5},
        "space": {"dropout": {"low": 0.1, "high": 0.2}, "epochs": 3, "activation": ["relu"]},
        "gpus_per_trial": "auto",
        "resources_per_trial": {"tpu": 2},
        "time": "20m",
    }
    # what is wrong with a search is found before Ray, which is not there, is asked
    with (
        Cluster(service.address, TOKEN) as client,
        pytest.raises(AwayError, match="Ray does not answer"),
    ):
        client.submit(parse_spec(values))


def test_a_wrong_token_is_one_line_and_not_shown(service: Service) -> None:
    secret = "not-the-token-of-ada"
    done = subprocess.run(
        [sys.executable, "-m", "tuneyard.search.cli", "jobs", "--json"],
        env={"TUNEYARD_CLUSTER": service.address, "TUNEYARD_TOKEN": secret},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"tuneyard: {service.address} does not know the token; set TUNEYARD_TOKEN or --token-file "
        "to one that it does\n"
    )
