"""Values as JSON with a checksum, and archives of tensors checked: damage is found, not read."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from typing import IO, Any  # Any: JSON holds anything

SEAL = "sha256"
"""The key of the checksum among the values."""


class DamagedError(ValueError):
    """What is read is not what was written."""


def seal(values: Mapping[str, Any]) -> str:
    """Values as JSON that `unseal` reads again, and that people can read, too.

    Args:
        values: By name; plain values of JSON, in which NaN and infinities may stand.
    """
    # as they are when they are read: with names for keys, and lists for tuples
    plain = json.loads(json.dumps(values))
    return json.dumps({**plain, SEAL: _digest(plain)})


def unseal(text: str) -> dict[str, Any]:
    """The values of `seal`; those that an earlier version wrote without a checksum as well.

    Raises:
        DamagedError: The text was cut short, or has changed since it was written.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"it is no JSON any more: {error}") from None
    if not isinstance(values, dict):
        raise DamagedError("it holds no values by name")
    found = values.pop(SEAL, None)
    if found is not None and found != _digest(values):
        raise DamagedError("its checksum does not fit")
    return values


def check_archive(stream: IO[bytes]) -> None:
    """Sees that an archive of torch is as it was written; torch itself skips the checksums.

    Args:
        stream: The open file.

    Raises:
        DamagedError: It was cut short, or has changed since it was written.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            broken = archive.testzip()
    # zipfile raises errors of many kinds over bytes that make no sense
    except Exception as error:
        raise DamagedError(f"it is no archive any more: {error}") from None
    if broken is not None:
        raise DamagedError(f"the checksum of {broken} in it does not fit")


def _digest(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
