"""Options of the commands that ask a cluster's service."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.client.cluster import Cluster

ADDRESS = "TUNEYARD_CLUSTER"
TOKEN = "TUNEYARD_TOKEN"


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """Which cluster's service is asked, and with whose token."""

    cluster: Annotated[
        str | None, typer.Option(envvar=ADDRESS, help="Address of a cluster's service.")
    ] = None
    token_file: Annotated[
        Path | None, typer.Option(help=f"File that holds the token, instead of {TOKEN}.")
    ] = None

    def connect(self) -> Cluster:
        """A client of the service; nothing is sent yet.

        Raises:
            SearchError: There is no address, or it or the token is wrong.
        """
        if not self.cluster:
            raise SearchError(
                f"there is no cluster to ask; name its service with --cluster or {ADDRESS}, e.g. "
                "http://127.0.0.1:8080"
            )
        from tuneyard.search.client.cluster import Cluster

        return Cluster(self.cluster, self._token())

    def _token(self) -> str | None:
        if self.token_file is None:
            return os.environ.get(TOKEN, "").strip() or None
        try:
            return self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SearchError(f"can't read --token-file {self.token_file}: {reason}") from None

    def again(self) -> str:
        """The options that another command needs to ask the same service; most often none."""
        options: list[str] = []
        if self.cluster is not None and self.cluster != os.environ.get(ADDRESS):
            options += ["--cluster", self.cluster]
        if self.token_file is not None:
            options += ["--token-file", str(self.token_file)]
        return "".join(f" {shlex.quote(word)}" for word in options)
