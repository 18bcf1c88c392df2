"""The connection to Ray: one that is there, a cluster's, or one that is started here."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import ray

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.tune.local import job_config, local_ray

ResultT = TypeVar("ResultT")


# Ray Tune's own result files and state snapshots: ours are MLflow, the mirrored study and the
# search's folder, and at 10,000 trials the snapshots cost more than the trials
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}

ANSWER_SECONDS = 10.0
"""How long a cluster may take to accept a connection."""

TOKEN = (
    "; if it is there and takes a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN to that of the "
    "cluster"
)


def is_client(address: str | None) -> bool:
    """Whether an address is that of Ray's client server."""
    return address is not None and address.startswith("ray://")


@contextmanager
def ray_connection(address: str | None) -> Iterator[None]:
    """Ray for the time of a search: one that is connected already, a cluster, or one started here.

    Raises:
        SearchError: The cluster can't be reached, or Ray does not start here.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.update(ENVIRONMENT)
    if address in (None, "local"):
        with local_ray():
            yield
        return
    _connect(address or "")
    try:
        yield
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    _check_answers(address)
    try:
        if is_client(address):
            ray.init(address, log_to_driver=True, logging_level=logging.ERROR)
        else:
            config = job_config()
            ray.init(address, job_config=config, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        reason = str(error).strip().splitlines()[-1]
        raise SearchError(f"no Ray cluster answers at {address}: {reason}{TOKEN}") from None
    except ray.exceptions.AuthenticationError as error:
        reason = first_line(error).partition(". ")[0]
        raise SearchError(f"the Ray cluster at {address} refuses: {reason}{TOKEN}") from None


def _check_answers(address: str) -> None:
    """Finds out whether somebody is there: Ray would ask for minutes, and say so in many lines."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise SearchError(f"no Ray cluster answers at {address}: {error}") from None


def through_client(address: str, function: Callable[[], ResultT]) -> ResultT:
    """Calls a function in a process of the cluster, whose output is shown here.

    Tune's controller needs a node of the cluster, which Ray's client is not.

    Args:
        address: ``ray://host:port``.
        function: What is called; it finds Ray connected.

    Raises:
        SearchError: The cluster can't be reached.
    """

    # once: a search that was cut short is resumed, not repeated
    @ray.remote(num_cpus=0, max_retries=0)
    def call() -> ResultT:
        return function()

    with ray_connection(address):
        try:
            result: ResultT = ray.get(call.remote())
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
    return result
