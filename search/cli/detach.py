"""`--detach`: the same command once more, in a session of its own, which no terminal ends."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.cli.options import HereOptions
    from tuneyard.search.spec.search import SearchSpec

FLAG = "--detach"

Detach = Annotated[
    bool, typer.Option(FLAG, help="Go on without this terminal; what is printed goes to a log.")
]


def start_detached(name: str, here: HereOptions, as_json: bool, *more: str) -> None:
    """Starts this process's own command again, and says how to follow and to stop it.

    Args:
        name: Of the search.
        here: Where it writes; its log lies in the same folder, or here where that is an object
            store.
        as_json: Whether to print one JSON object.
        *more: Arguments that the command gets besides its own.

    Raises:
        SearchError: The log can't be written; nothing has been started.
    """
    storage = Path() if "://" in here.storage else Path(here.storage).expanduser()
    log = (storage / f"{name}.log").absolute()
    own = [argument for argument in sys.argv[1:] if argument != FLAG]
    # -P: nothing is imported from the current folder
    command = [sys.executable, "-P", "-m", "tuneyard.search.cli", *own, *more]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("ab")
    except OSError as error:
        raise SearchError(
            f"the log {log} can't be written: {error.strerror}; name another folder with --storage"
        ) from None
    with output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _say(name, log, process.pid, here, as_json)


def new_search(spec: SearchSpec, here: HereOptions) -> str:
    """The name of a search that is to start.

    Raises:
        SearchError: A search of that name is there.
    """
    from tuneyard.search.spec.names import new_name

    name = spec.name or new_name(spec.task)
    if "://" not in here.storage and Path(here.storage, name).exists():
        raise SearchError(
            f"there is a search {name!r} in {here.storage} already; give another --name"
        )
    return name


def old_search(name: str, here: HereOptions) -> str:
    """The name of a search that is there.

    Raises:
        SearchError: There is no such search, or MLflow does not answer.
    """
    from tuneyard.search.tracking.client import check_store, connect
    from tuneyard.search.tracking.result import find_parent

    check_store(here.tracking_uri, must_exist=True)
    find_parent(connect(here.tracking_uri), name)
    return name


def _say(name: str, log: Path, pid: int, here: HereOptions, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"search": name, "log": str(log), "pid": pid}))
        return
    uri = here.tracking_uri
    option = f" --tracking-uri {shlex.quote(uri)}" if uri else ""
    typer.echo(
        f"Search {name} goes on without this terminal, as process {pid}.\n"
        f"  its log    {log}\n"
        f"  follow it  tail -f {shlex.quote(str(log))}\n"
        f"  its best   tuneyard best {name}{option}\n"
        f"  stop it    kill {pid}"
    )
