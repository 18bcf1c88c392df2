"""`with_options`: lets several commands take the same options, each written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any  # Any: Typer hands over values of any type


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer: in place of a parameter of a dataclass, it takes that class's fields."""
    own = signature(command, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: one.annotation
        for name, one in own.items()
        if isinstance(one.annotation, type) and is_dataclass(one.annotation)
    }

    @wraps(command)
    def call(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    taken: list[Parameter] = []
    for name, parameter in own.items():
        group = groups.get(name)
        taken += signature(group, eval_str=True).parameters.values() if group else [parameter]
    # Typer asks `inspect` what a command takes
    call.__signature__ = Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in taken]
    )
    return call
