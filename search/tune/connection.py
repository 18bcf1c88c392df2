"""The connection to Ray: one that is there, a cluster's, or one that is started here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import ray

from tuneyard.search.errors import SearchError

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
    try:
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            log_to_driver=is_client(address),
            logging_level=logging.ERROR,
        )
    except ConnectionError as error:
        reason = str(error).strip().splitlines()[-1]
        raise SearchError(f"no Ray cluster answers at {address}: {reason}") from None
    except Exception as error:
        # what Ray raises where it is not up within 30 seconds has no class of its own
        if type(error) is not Exception:
            raise
        raise SearchError(
            "Ray did not start on this machine within its 30 seconds: it is too loaded, or too "
            "little memory is free; try again, or name a cluster with --address"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


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
