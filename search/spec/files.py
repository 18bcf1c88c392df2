"""A spec from plain values and from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces.language.errors import one_line


def parse_spec(
    values: Mapping[str, object], restrictions: Mapping[str, object] | None = None
) -> SearchSpec:
    """A spec from plain values.

    Args:
        values: By key.
        restrictions: More of the space, which win over those in `values`.

    Raises:
        SearchError: A key or a value is wrong; one line.
    """
    space = values.get("space") or {}
    if not isinstance(space, Mapping):
        raise SearchError(f"space must map dotted paths to values, got {space!r}")
    try:
        return SearchSpec.model_validate({**values, "space": {**space, **(restrictions or {})}})
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def read_spec(path: Path) -> dict[str, object]:
    """The values of a YAML file, not yet validated.

    Raises:
        SearchError: There is no such file, or it is not a mapping in YAML; one line.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SearchError(f"can't read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SearchError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise SearchError(f"{path} must be a mapping of keys to values, got {values!r:.200}")
    return values
