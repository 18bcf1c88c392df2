"""Who may ask the service."""

import hmac
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tuneyard.search.access import is_loopback
from tuneyard.search.errors import SearchError
from tuneyard.search.service import auth as service_auth
from tuneyard.search.service.auth import Tokens
from tuneyard.search.service.server import check_reach
from tuneyard.search.service.settings import ServiceSettings, Token, read_settings

ALICE = Token(name="alice", secret=SecretStr("alice-has-a-token"))
BOB = Token(name="bob", secret=SecretStr("bob-has-another-one"))
PATHS = ["/searches", "/searches/x/events", "/tasks", "/metrics", "/openapi.json", "/nothing"]


def test_whose_a_token_is() -> None:
    tokens = Tokens([ALICE, BOB])
    assert tokens.owner("alice-has-a-token") == "alice"
    assert tokens.owner("bob-has-another-one") == "bob"
    for wrong in ("", "alice", "alice-has-a-toke", "alice-has-a-token ", "ALICE-HAS-A-TOKEN", "ü"):
        assert tokens.owner(wrong) is None


def test_every_token_is_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(given: bytes, known: bytes) -> bool:
        compared.append((given, known))
        return real(given, known)

    monkeypatch.setattr(service_auth.hmac, "compare_digest", compare)
    tokens = Tokens([ALICE, BOB])
    for given in ("alice-has-a-token", "nobody's", "bob-has-another-one", "x" * 10_000):
        compared.clear()
        tokens.owner(given)
        assert len(compared) == 2
        assert {len(part) for pair in compared for part in pair} == {32}


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token(serve: Any, line: Any, path: str) -> None:
    answer = serve(tokens=(ALICE, BOB)).get(path)
    said = line(answer, 401)
    assert said == "a token is needed: send the header Authorization: Bearer TOKEN"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong-wrong-wrong-wrong",
        "Bearer alice",
        "Bearer",
        "alice-has-a-token",
        "Basic alice-has-a-token",
        "Bearer alice-has-a-token,bob-has-another-one",
        b"Bearer \xff\xfe",
    ],
)
def test_with_a_wrong_token(serve: Any, line: Any, header: str | bytes) -> None:
    http = serve(tokens=(ALICE, BOB))
    for request in (
        http.build_request("GET", "/searches", headers={"Authorization": header}),
        http.build_request("POST", "/searches", headers={"Authorization": header}, json={}),
    ):
        assert "token" in line(http.send(request), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_a_right_one(serve: Any, scheme: str) -> None:
    http = serve(tokens=(ALICE, BOB))
    for token in (ALICE, BOB):
        header = {"Authorization": f"{scheme} {token.secret.get_secret_value()}"}
        assert http.get("/searches", headers=header).status_code == 200


def test_health_needs_no_token(serve: Any) -> None:
    answer = serve(tokens=(ALICE,)).get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_no_token_is_shown(
    serve: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    http = serve(tokens=(ALICE,))
    for secret in ("alice-has-a-token", "wrong-wrong-wrong-wrong"):
        answer = http.get("/searches", headers={"Authorization": f"Bearer {secret}"})
        shown = answer.text + caplog.text + "".join(capfd.readouterr())
        assert secret not in shown
    assert "alice-has-a-token" not in repr(ServiceSettings(tokens=(ALICE,)))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "["}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "127.0.0.1:80", "Origin": "http://127.0.0.1:80"}, 200),
    ],
    ids=str,
)
def test_websites_are_kept_out_where_there_are_no_tokens(
    serve: Any, line: Any, headers: dict[str, str], status: int
) -> None:
    answer = serve().get("/searches", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "this machine's own programs" in line(answer, 403)


LOOPBACK = {"127.0.0.1": True, "127.8.8.8": True, "::1": True, "localhost": True}
BEYOND = dict.fromkeys(("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example", ""), False)


@pytest.mark.parametrize(("host", "here"), [*LOOPBACK.items(), *BEYOND.items()])
def test_beyond_this_machine_it_takes_tokens(host: str, here: bool) -> None:
    assert is_loopback(host) is here
    check_reach(host, ServiceSettings(tokens=(ALICE,)))
    if here:
        check_reach(host, ServiceSettings())
    else:
        with pytest.raises(SearchError, match="--host must be a loopback address without tokens"):
            check_reach(host, ServiceSettings())


def test_the_submitter_is_the_tokens_owner(service: Any) -> None:
    spec = {"task": "diabetes", "name": "of-bob"}
    bob = {"Authorization": "Bearer bob-has-another-one-for-himself"}
    answer = httpx.post(f"{service.url}/searches", json=spec, headers=bob, timeout=60)
    assert answer.json()["user"] == "bob"
    found = service.http.get("/searches", params={"user": "bob"}).json()["searches"]
    assert [one["search"] for one in found] == ["of-bob"]
    assert service.http.post("/searches/of-bob/stop").status_code == 202


def test_settings_of_the_environment() -> None:
    assert read_settings({"TUNEYARD_TOKENS": ""}) == ServiceSettings()
    settings = read_settings(
        {
            "TUNEYARD_TOKENS": "alice:alice-has-a-token, bob:bob-has-another-one,",
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "RAY_API_SERVER_ADDRESS": "http://ray:8265",
            "TUNEYARD_MAX_REQUEST_BYTES": "1000",
            "TUNEYARD_MAX_REQUESTS_PER_SECOND": "5",
            "TUNEYARD_MAX_TRIALS": "100",
            "TUNEYARD_MAX_SECONDS": "2h",
            "HOME": "/root",
        }
    )
    assert settings == ServiceSettings(
        tokens=(ALICE, BOB),
        tracking_uri="http://mlflow:5000",
        ray_address="http://ray:8265",
        max_request_bytes=1000,
        max_requests_per_second=5,
        max_trials=100,
        max_seconds=7200,
    )


def test_tokens_in_a_file(tmp_path: Any) -> None:
    file = tmp_path / "tokens"
    file.write_text("# of the team\nalice:alice-has-a-token\n\nbob:bob-has-another-one\n")
    assert read_settings({"TUNEYARD_TOKENS_FILE": str(file)}).tokens == (ALICE, BOB)


WRONG = {
    "alice": "entry 1 of TUNEYARD_TOKENS must read name:token",
    ":alice-has-a-token": "entry 1 of TUNEYARD_TOKENS must read name:token",
    "a b:alice-has-a-token": "entry 1 of TUNEYARD_TOKENS must read name:token",
    "x:alice-has-a-token,y": "entry 2 of TUNEYARD_TOKENS must read name:token",
    "alice:short-secret": "the token of entry 1 of TUNEYARD_TOKENS must be one word of at least 16",
    "alice-has-a-token:alice": "the token of entry 1 of TUNEYARD_TOKENS must be one word",
    "alice:alice-has-a-tokän": "must be one word of at least 16 characters of plain ASCII",
    "alice:a token of several words": "must be one word of at least 16 characters of plain ASCII",
    "alice: alice-has-a-token": "must be one word of at least 16 characters of plain ASCII",
    "alice:alice-has-a-token,alice:bob-has-another-one": "TUNEYARD_TOKENS names 'alice' twice",
    "alice:alice-has-a-token,bob:alice-has-a-token": "'bob' in TUNEYARD_TOKENS has the token of",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_wrong_tokens_cost_a_line_without_them(text: str, said: str) -> None:
    with pytest.raises(SearchError) as refused:
        read_settings({"TUNEYARD_TOKENS": text})
    (line,) = str(refused.value).splitlines()
    assert said in line
    assert "alice-has-a-tok" not in line
    assert "short-secret" not in line


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TUNEYARD_MAX_TRIALS": "many"}, "TUNEYARD_MAX_TRIALS should be a valid integer"),
        ({"TUNEYARD_MAX_SECONDS": "-1"}, "TUNEYARD_MAX_SECONDS should be greater than 0"),
        ({"TUNEYARD_TOKENS_FILE": "/no/such"}, "can't read TUNEYARD_TOKENS_FILE /no/such: No such"),
        ({"TUNEYARD_TOKENS_FILE": "/dev/null"}, "/dev/null holds no token"),
        ({"TUNEYARD_TOKENS_FILE": "/x", "TUNEYARD_TOKENS": "x"}, "are both set; leave one"),
    ],
    ids=str,
)
def test_wrong_settings_cost_a_line(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SearchError) as refused:
        read_settings(environment)
    (line,) = str(refused.value).splitlines()
    assert said in line
