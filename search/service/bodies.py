"""Bodies of requests: JSON, whatever the header says that it is."""

from __future__ import annotations

import json
from math import inf
from typing import Annotated, Any, TypeVar  # Any: values that are not validated yet

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tuneyard.search.spec.bounds import check_bounds
from tuneyard.search.spec.search import SearchSpec

T = TypeVar("T")


def from_json(value: object) -> object:
    """A body that did not come as JSON, as it is with ``curl -d``, read as JSON.

    Args:
        value: The body's bytes, or what FastAPI has read; the service bounds how many they are.

    Raises:
        ValueError: It is no JSON, or nests too deeply.
    """
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("must be JSON") from None
    check_bounds(value, most=inf)
    return value


JsonBody = Annotated[T, BeforeValidator(from_json)]
"""A body that may come without the header ``Content-Type: application/json``."""


class SpecValues(dict[str, Any]):
    """The values of a `SearchSpec` by key, not yet validated.

    Validating one narrows a space, which is too long for the event loop; and its errors are to be
    those of the command line.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Any mapping."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.dict_schema(core_schema.str_schema())
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """That of a `SearchSpec`."""
        return handler(SearchSpec.__pydantic_core_schema__)
