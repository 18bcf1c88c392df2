"""Functions that are called in a process of the cluster, with a user's code where they need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar  # Any: Ray's options of a call

import ray
from ray import cloudpickle

from tuneyard.spaces.registry import Carried, Code

ResultT = TypeVar("ResultT")


def call_there(
    function: Callable[[], ResultT], code: Code | None, **options: Any
) -> ray.ObjectRef[ResultT]:
    """Calls a function once in a process of the cluster.

    Args:
        function: What is called.
        code: A user's code, to which the function refers; None where it refers to none.
        options: Of `ray.remote`.

    Returns:
        What `ray.get` waits for.
    """

    # the code is unpickled, and opened, before what refers to it
    def call(_code: Carried | None, pickled: bytes) -> ResultT:
        called: Callable[[], ResultT] = cloudpickle.loads(pickled)
        return called()

    carried = Carried(code) if code else None
    reference: ray.ObjectRef[ResultT] = ray.remote(**options)(call).remote(
        carried,
        cloudpickle.dumps(function),  # type: ignore[no-untyped-call]
    )
    return reference
