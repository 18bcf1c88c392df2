"""The service's settings, all of them from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr, ValidationError

from tuneyard.search.access import TOKEN
from tuneyard.search.errors import SearchError
from tuneyard.search.frozen import Frozen
from tuneyard.search.jobs.queue import ADDRESS
from tuneyard.search.spec.durations import Seconds
from tuneyard.search.spec.names import NAME
from tuneyard.spaces.language.errors import one_line

TOKENS = "TUNEYARD_TOKENS"
TOKENS_FILE = "TUNEYARD_TOKENS_FILE"
TOKEN_LENGTH = 16
"""Shortest token: one that can't be guessed."""


class Token(Frozen):
    """A bearer token and whose it is."""

    name: str
    secret: SecretStr


class ServiceSettings(Frozen):
    """Who may ask the service, what it asks itself, and how much it takes.

    Attributes:
        tokens: Bearer tokens; without any, everyone who reaches the service may use it.
        tracking_uri: MLflow's address; None means its own default.
        mlflow_url: MLflow's address as users reach it; None means the same one.
        ray_address: Of Ray's dashboard.
        max_request_bytes: Longest body of a request.
        max_requests_per_second: Of each token.
        max_trials: Most trials of a search.
        max_seconds: Longest search; None means that a search needs no end in time.
    """

    model_config = ConfigDict(validate_by_name=True)

    tokens: tuple[Token, ...] = ()
    tracking_uri: Annotated[str | None, Field(alias="MLFLOW_TRACKING_URI")] = None
    mlflow_url: Annotated[str | None, Field(alias="TUNEYARD_MLFLOW_URL")] = None
    ray_address: Annotated[str, Field(alias="RAY_API_SERVER_ADDRESS")] = ADDRESS
    max_request_bytes: Annotated[int, Field(ge=1, alias="TUNEYARD_MAX_REQUEST_BYTES")] = 1_000_000
    max_requests_per_second: Annotated[
        int, Field(ge=1, alias="TUNEYARD_MAX_REQUESTS_PER_SECOND")
    ] = 200
    max_trials: Annotated[int, Field(ge=1, alias="TUNEYARD_MAX_TRIALS")] = 10_000
    max_seconds: Annotated[Seconds | None, Field(alias="TUNEYARD_MAX_SECONDS")] = None


def read_settings(environment: Mapping[str, str]) -> ServiceSettings:
    """The settings that environment variables make; those that are empty are as if not set.

    Raises:
        SearchError: A variable is wrong; one line, which holds no token.
    """
    given = {
        str(field.alias): environment[field.alias]
        for field in ServiceSettings.model_fields.values()
        if field.alias and environment.get(field.alias)
    }
    try:
        return ServiceSettings.model_validate({**given, "tokens": _tokens(environment)})
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def _tokens(environment: Mapping[str, str]) -> tuple[Token, ...]:
    listed, file = environment.get(TOKENS), environment.get(TOKENS_FILE)
    if listed and file:
        raise SearchError(f"{TOKENS} and {TOKENS_FILE} are both set; leave one of them out")
    if file:
        try:
            lines = Path(file).read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SearchError(f"can't read {TOKENS_FILE} {file}: {reason}") from None
        found = parse_tokens([line for line in lines if not line.startswith("#")], TOKENS_FILE)
        if not found:
            raise SearchError(f"{TOKENS_FILE} {file} holds no token; write name:token, one a line")
        return found
    return parse_tokens((listed or "").split(","), TOKENS)


def parse_tokens(entries: list[str], source: str) -> tuple[Token, ...]:
    """Tokens from entries like ``name:token``; empty ones are passed over.

    Args:
        entries: The entries.
        source: Where they are from, for the errors.

    Raises:
        SearchError: An entry is wrong, or a name or a token comes twice; no token is in the line.
    """
    tokens: list[Token] = []
    for number, entry in enumerate(entries, 1):
        if not entry.strip():
            continue
        name, colon, secret = entry.strip().partition(":")
        if not (colon and NAME.fullmatch(name)):
            raise SearchError(
                f"entry {number} of {source} must read name:token, with a name of letters, digits, "
                "dot, dash and underscore"
            )
        if len(secret) < TOKEN_LENGTH or not TOKEN.fullmatch(secret):
            # not by its name: who writes token:name has the token there
            raise SearchError(
                f"the token of entry {number} of {source} must be one word of at least "
                f"{TOKEN_LENGTH} characters of plain ASCII; make one with: openssl rand -hex 32"
            )
        if any(name == token.name for token in tokens):
            raise SearchError(f"{source} names {name!r} twice; leave one out")
        if any(secret == token.secret.get_secret_value() for token in tokens):
            raise SearchError(f"{name!r} in {source} has the token of another; make one of its own")
        tokens.append(Token(name=name, secret=SecretStr(secret)))
    return tuple(tokens)
