"""A spec from plain values and from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.plain_yaml import MAX_BYTES, load_yaml
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces.language.errors import one_line, shown


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
    if isinstance(space, Mapping):
        values = {**values, "space": {**space, **(restrictions or {})}}
    try:
        return SearchSpec.model_validate(values)
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def read_spec(path: Path) -> dict[str, object]:
    """The values of a YAML file, not yet validated.

    Raises:
        SearchError: There is no such file, or it is not a mapping in YAML of at most `MAX_BYTES`;
            one line.
    """
    try:
        with path.open("rb") as file:
            # no more of a device or a huge file than shows that it is too long
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SearchError(f"can't read {path}: {error.strerror}") from None
    # such a name can't be handed to the system
    except ValueError as error:
        raise SearchError(f"can't read {str(path)!r}: {error}") from None
    return load_mapping(content, str(path))


def load_mapping(text: str | bytes, place: str) -> dict[str, object]:
    """The values of a document that maps keys to values, not yet validated.

    Args:
        text: YAML; as bytes, in UTF-8.
        place: What errors call it.

    Raises:
        SearchError: It is not a mapping in YAML, or is too large; one line.
    """
    values = load_yaml(text, place)
    if not isinstance(values, dict):
        raise SearchError(f"{place} must be a mapping of keys to values, got {shown(values)}")
    return values
