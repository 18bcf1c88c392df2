"""Typed search spaces: one class declares the types, domains and defaults of a task's configs."""

from tuneyard.spaces.language.domains import Range, Restriction, Value, to_text
from tuneyard.spaces.language.errors import SpaceError
from tuneyard.spaces.language.numeric import Float, Int, Length
from tuneyard.spaces.language.space import SearchSpace, Space

__all__ = [
    "Float",
    "Int",
    "Length",
    "Range",
    "Restriction",
    "SearchSpace",
    "Space",
    "SpaceError",
    "Value",
    "to_text",
]
