"""What the service refuses, and what it says when MLflow or Ray is away: always one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search.spec.files import parse_spec


@pytest.mark.parametrize(
    "params",
    [
        {"page": "eyJvZmZzZXQiOiAtMX0="},
        {"page": "-1"},
        {"page": "0"},
        {"limit": "0"},
        {"limit": "1001"},
        {"state": "dead"},
        {"user": "a' or '1'='1"},
        {"task": "diabetes' or 'a' = 'a"},
        {"user": "`x"},
        {"name": "x"},
    ],
    ids=str,
)
def test_wrong_questions(serve: Any, line: Any, params: dict[str, str]) -> None:
    assert next(iter(params)) in line(serve().get("/searches", params=params), 422)


@pytest.mark.parametrize("name", ["other", "MINE", "min", "mine.2"])
@pytest.mark.parametrize("part", ["", "/trials", "/best", "/events", "/logs"])
def test_an_unknown_search(serve: Any, own_records: Any, line: Any, name: str, part: str) -> None:
    own_records.search("mine")
    answer = serve().get(f"/searches/{name}{part}")
    assert line(answer, 404) == f"there is no search {name!r} in {own_records.uri}"


@pytest.mark.parametrize("name", ["it's", "%25", "a' or '1'='1", "a%0Ab", "x`", "-a", "%00"])
def test_what_is_no_name(serve: Any, line: Any, name: str) -> None:
    assert "search string should match pattern" in line(serve().get(f"/searches/{name}"), 422)


WRONG = [
    ({}, "task"),
    ({"task": "diabets"}, "there is no task 'diabets'; did you mean diabetes?"),
    ({"task": "diabetes", "trails": 3}, "'trails' is not a key of a search; did you mean trials"),
    ({"task": "diabetes", "data": "digits"}, "diabetes has one data set: leave data out"),
    ({"task": "mnist-mlp", "data": "/etc"}, "data must be one of mnist, fashion-mnist, kmnist"),
    ({"task": "diabetes", "trials": 0}, "trials should be greater than or equal to 1, got 0"),
    ({"task": "diabetes", "name": "../x"}, "name must be letters, digits"),
    ({"task": "diabetes", "name": "\ud800"}, "name must be text in Unicode"),
    ({"task": "diabetes", "trainable": "os.system"}, "'trainable' is not a key of a search"),
    ({"task": "diabetes", "keep": 3}, "'keep' is now called 'keep_checkpoints'"),
    (
        {"task": "diabetes", "scheduler": {"kind": "asha", "grace": 3}},
        "'scheduler.grace' is now called 'scheduler.grace_period'",
    ),
    ({"task": "os.system('x')"}, "there is no task"),
    ({"task": "my_task.py"}, "there is no task 'my_task.py'"),
    ({"task": "/etc/passwd.py:Task"}, "there is no task '/etc/passwd.py:Task'"),
    ({"task": "diabetes", "command": "true"}, "'command' is not a key of a search"),
    ({"task": "diabetes", "space": {"optimizer.kind": "__import__"}}, "optimizer.kind"),
    ({"task": "diabetes", "space": [1]}, "space must map dotted paths to values"),
    ({"task": "diabetes", "sampler": {"kind": "tpe", "path": "/x"}}, "sampler.tpe.path"),
    ({"task": "diabetes", "time": "1e400"}, "time"),
    ([], "valid dictionary"),
    ("text", "valid dictionary"),
    (None, "the body"),
]


def test_no_file_is_run_for_a_request(serve: Any, line: Any, tmp_path: Path) -> None:
    file = tmp_path / "task.py"
    file.write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')\n")
    for reference in (str(file), f"{file}:Task"):
        answer = serve().post("/searches", content=json.dumps({"task": reference}))
        assert "there is no task" in line(answer, 422)
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(("spec", "said"), WRONG, ids=str)
def test_a_wrong_spec_costs_the_line_of_the_command(
    serve: Any, own_records: Any, line: Any, spec: Any, said: str
) -> None:
    http = serve()
    assert said in line(http.post("/searches", content=json.dumps(spec)), 422)
    assert http.get("/searches").json()["searches"] == []


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"task": "diabetes",}', b"task=diabetes"]
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_that_is_no_json(serve: Any, line: Any, body: bytes, kind: str) -> None:
    answer = serve().post("/searches", content=body, headers={"Content-Type": kind})
    assert line(answer, answer.status_code)
    assert answer.status_code in (400, 422)


def test_ray_is_away(serve: Any, own_records: Any, line: Any) -> None:
    own_records.search("mine", "stopped", trials={"completed": 3})
    http = serve()
    spec = parse_spec({"task": "diabetes", "name": "new"}).model_dump(mode="json")
    for answer in (
        http.post("/searches", json=spec),
        http.post("/searches/mine/stop"),
        http.post("/searches/mine/resume"),
        http.post("/searches/mine/extend", json={"trials": "+5"}),
        http.get("/searches/mine/logs"),
    ):
        said = line(answer, 503)
        assert said.startswith("Ray does not answer at http://127.0.0.1:9: ")
        assert said.endswith("or name another address with RAY_API_SERVER_ADDRESS")
        assert answer.headers["Retry-After"] == "5"
    assert [one["search"] for one in http.get("/searches").json()["searches"]] == ["mine"]
    assert http.get("/searches/mine").json()["state"] == "stopped"
    assert http.get("/health").json() == {"status": "ok", "mlflow": True, "ray": False}


def test_mlflow_is_away(serve: Any, line: Any) -> None:
    http = serve(tracking_uri="http://127.0.0.1:9")
    for path in ("/searches", "/searches/mine", "/searches/mine/events"):
        said = line(http.get(path), 503)
        assert said.startswith("MLflow does not answer at http://127.0.0.1:9: ")
    assert http.get("/health").json() == {"status": "ok", "mlflow": False, "ray": False}
    assert "tuneyard_requests_total" in http.get("/metrics").text


def test_what_is_not_there(serve: Any, line: Any) -> None:
    http = serve()
    assert line(http.get("/nothing"), 404) == (
        "there is no '/nothing' here; what there is: /openapi.json"
    )
    answer = http.delete("/searches")
    assert line(answer, 405) == "'/searches' takes GET, POST, got DELETE"
    assert answer.headers["Allow"] == "GET, POST"
    assert line(http.put("/openapi.json"), 405)
    assert line(http.get("/searches/"), 404)
    assert line(http.get("/docs"), 404)
