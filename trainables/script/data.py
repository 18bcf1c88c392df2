"""`ScriptData`: what a user's `load_data` returned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any  # whatever a user's function returned

import torch
from joblib.hashing import NumpyHasher

from tuneyard.datasets import Dataset


@dataclass(frozen=True)
class ScriptData:
    """The data of a user's task.

    Attributes:
        content: What `load_data` returned; None where there is no such function.
        name: The name of the task.
        fingerprint: The sha256 (hex) of the content.
        source: The function that it came from.
        classes: The names of the classes, where the content is a data set that has them.
    """

    content: Any
    name: str
    fingerprint: str
    source: str = "load_data"
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: object, name: str) -> ScriptData:
        """Takes what `load_data` returned.

        Raises:
            TypeError: It can't be sent to the workers.
        """
        classes: object = getattr(content, "classes", ())
        if isinstance(content, Mapping):
            classes = content.get("classes", ())
        names = classes if isinstance(classes, list | tuple) else ()
        return cls(content, name, fingerprint(content), classes=tuple(map(str, names)))


class _Hasher(NumpyHasher):  # type: ignore[misc]  # joblib has no types
    """Joblib's hash of Python objects, by which equal tensors are equal, too."""

    def save(self, obj: object) -> None:
        """Pickles an object into the digest."""
        if isinstance(obj, torch.Tensor):
            there = obj.detach().cpu().contiguous()
            obj = (str(obj.dtype), tuple(obj.shape), there.reshape(-1).view(torch.uint8).numpy())
        super().save(obj)


def fingerprint(content: object) -> str:
    """The sha256 (hex) of any picklable content; the same in each process.

    Raises:
        TypeError: It can't be pickled.
    """
    if isinstance(content, Dataset):
        return content.fingerprint
    try:
        found: str = _Hasher(hash_name="sha1").hash(content)
    # whatever the objects raise in it
    except Exception as error:
        raise TypeError(" ".join(str(error).split())) from None
    return hashlib.sha256(found.encode()).hexdigest()
