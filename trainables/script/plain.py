"""State dictionaries of users' objects as what a checkpoint may hold: nothing is pickled."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import cast

import numpy as np
import torch
from torch import Tensor

_ARRAY = "__ndarray__"


def to_plain(value: object, place: str) -> object:
    """A value with NumPy's arrays and numbers as tensors and numbers of Python.

    Args:
        value: A part of a `state_dict`.
        place: What an error calls it.

    Raises:
        TypeError: It holds something that only a pickle could hold.
    """
    if isinstance(value, Tensor | str | bytes | bool | int | float | complex | None):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return {_ARRAY: torch.from_numpy(value.copy())}
    if isinstance(value, dict):
        items = {key: to_plain(item, f"{place}[{key!r}]") for key, item in value.items()}
        return Counter(items) if isinstance(value, Counter) else items
    if isinstance(value, list | tuple):
        parts = [to_plain(item, f"{place}[{index}]") for index, item in enumerate(value)]
        return parts if isinstance(value, list) else tuple(parts)
    raise TypeError(
        f"{place} is a {type(value).__name__}, which a checkpoint cannot hold; it must be made of "
        "tensors, arrays, numbers, text, lists and dictionaries"
    )


def from_plain(value: object) -> object:
    """The inverse of `to_plain`."""
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return cast("Tensor", value[_ARRAY]).cpu().numpy()
        if isinstance(value, Counter):
            return value
        return OrderedDict((key, from_plain(item)) for key, item in value.items())
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    return tuple(from_plain(item) for item in value) if isinstance(value, tuple) else value
