"""Drafts the field of a space for an option: its annotation, and where its domain comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path

from tuneyard.search.draft.fixed import why_fixed, words_of
from tuneyard.search.draft.numbers import number_domain, write
from tuneyard.search.draft.option import Option, Plain
from tuneyard.spaces import SearchSpace
from tuneyard.spaces.language.categorical import Choice

LONGEST_LITERAL = 12
"""More consecutive whole numbers than this are a range."""

_TAKEN = {*dir(SearchSpace), "bool", "float", "int", "str", "tuple"}
_TAKEN |= {"Annotated", "Float", "Int", "Literal", "Path"}


@dataclass(frozen=True)
class Field:
    """One field of a drafted space.

    Attributes:
        name: Its name in the class.
        annotation: Its type as source text.
        default: Its default as source text.
        domain: What is searched as text, e.g. ``[1e-5, 0.1] log``; empty where it is fixed.
        origin: Where the domain comes from, or why the field is fixed.
    """

    name: str
    annotation: str
    default: str
    domain: str
    origin: str

    @property
    def comment(self) -> str:
        """What the draft says beside the field."""
        return f"suggested: edit; {self.origin}" if self.domain else f"fixed: {self.origin}"


_PROTECTED = ("model_dump", "model_validate")
"""Pydantic's own names begin so."""


def draft_field(option: Option) -> Field:
    """The field of an option: searched around its default, or fixed."""
    if option.required and option.default is None and option.choices and not option.many:
        note = "the script requires it: its first choice stands in for a default"
        option = replace(option, default=option.choices[0], note=note)
    annotation, domain, origin = _drafted(option)
    origin += f"; {option.note}" if option.note else ""
    name = field_name(option.dest)
    return Field(name, annotation, source(option.default), domain, origin)


def field_name(dest: str) -> str:
    """The name of an option's field: its own, or one near to it that a class may have."""
    name = re.sub(r"\W", "_", dest).lstrip("_") or "option"
    if name[0].isdigit() or name.startswith(_PROTECTED):
        name = f"option_{name}"
    return f"{name}_" if name in _TAKEN or iskeyword(name) else name


def source(value: Plain | tuple[Plain, ...]) -> str:
    """A value as Python source."""
    if isinstance(value, tuple):
        inner = ", ".join(source(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Path):
        return f"Path({str(value)!r})"
    if isinstance(value, float):
        return write(value)
    return repr(value) if not isinstance(value, str) else _quoted(value)


def _quoted(text: str) -> str:
    """Text in double quotes, as formatters write it, where that needs no more escapes."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in text else written


def _drafted(option: Option) -> tuple[str, str, str]:
    """Annotation, domain and origin."""
    plain = f"tuple[{option.type}, ...]" if option.many else option.type
    plain += " | None" if option.default is None else ""
    fixed = why_fixed(option)
    if option.type == "bool" and not option.many:
        return _flag(option, fixed)
    if fixed or option.many:
        return plain, "", _and_choices(option, fixed or "a list; search one with Length")
    if option.choices:
        return _chosen(option, plain)
    if option.required:
        return plain, "", "the script requires it: write its value here"
    if option.default is None:
        return plain, "", "the script's default is None, which suggests no domain"
    if isinstance(option.default, int | float):
        found = number_domain(option.default, words_of(option.dest))
        if found is not None:
            return found
        return plain, "", f"a default of {source(option.default)} suggests no domain"
    return plain, "", "text without choices"


def _flag(option: Option, fixed: str) -> tuple[str, str, str]:
    """A flag is searched wherever its type is `bool`: a fixed one is a Literal of its value."""
    none = " | None" if option.default is None else ""
    if fixed:
        value = bool(option.default)
        remedy = "" if "; use " in fixed else "; to search it write bool"
        return f"Literal[{value}]{none}", "", fixed + remedy
    choices = "False, True, none" if none else "False, True"
    return f"bool{none}", choices, "on and off"


def _chosen(option: Option, plain: str) -> tuple[str, str, str]:
    """One of the script's choices, and its default where that is none of them."""
    default, choices = option.default, option.choices
    origin = "the script's choices"
    if default is not None and not isinstance(default, tuple) and default not in choices:
        choices = (default, *choices)
        origin += " and its default"
    assert not isinstance(default, tuple)
    counted = _range(choices)
    if counted and default is not None:
        low, high, step = counted
        steps = f", step={step}" if step > 1 else ""
        text = f"[{low}, {high}]" + (f" step {step}" if step > 1 else "")
        return f"Annotated[int, Int({low}, {high}{steps})]", text, origin
    whole = tuple(dict.fromkeys((*choices, *([None] if default is None else []))))
    allowed = [value for value in whole if isinstance(value, bool | int | float | str | None)]
    if len(allowed) < len(whole) or Choice(tuple(allowed)).problem:
        return plain, "", _and_choices(option, "its choices can't be searched")
    written = ", ".join(source(value) for value in whole)
    if len(whole) == 1:
        return f"Literal[{written}]", "", "the script's only choice"
    return f"Literal[{written}]", written.replace('"', ""), origin


def _range(choices: tuple[Plain, ...]) -> tuple[int, int, int] | None:
    """The first, the last and the distance of many evenly spaced whole numbers."""
    numbers = [choice for choice in choices if type(choice) is int]
    if len(numbers) < len(choices) or len(numbers) <= LONGEST_LITERAL:
        return None
    step = numbers[1] - numbers[0]
    even = all(b - a == step for a, b in pairwise(numbers))
    return (numbers[0], numbers[-1], step) if even and step > 0 else None


def _and_choices(option: Option, reason: str) -> str:
    if not option.choices:
        return reason
    return f"{reason}; choices: {', '.join(source(choice) for choice in option.choices)}"
