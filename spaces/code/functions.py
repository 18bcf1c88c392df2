"""`FunctionCode`: functions or a class of a notebook or a program, which travel by value."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Self  # Any: JSON

from tuneyard.spaces.code.describe import describe_functions
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.code.loading import PREFIX
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.language.space import SearchSpace

ORIGIN = "Python"
"""Where tasks come from that were handed over."""

TASK = "TASK"
"""The name of a class in its module."""

MOST_BYTES = 256 << 20
"""Functions that carry more do not travel: data belongs into `load_data`."""


@dataclass(frozen=True)
class FunctionCode:
    """What was handed over in Python; its content is pickled, not its address.

    Attributes:
        name: The name of the task.
        pickled: The functions, the space and the objective, or the class, by cloudpickle.
        sources: The text of them, by their names, as far as Python knows it.
    """

    name: str
    pickled: bytes = field(repr=False)
    sources: dict[str, str]

    @classmethod
    def of(
        cls,
        train: Callable[..., None],
        space: type[SearchSpace],
        objective: object,
        *,
        name: str | None = None,
        load_data: Callable[..., object] | None = None,
        test: Callable[..., object] | None = None,
        export: Callable[..., object] | None = None,
        epochs: int | None = None,
    ) -> Self:
        """Takes functions as a user's file would have them; see `docs/your-own-model.md`.

        Raises:
            CodeError: One of them can't be pickled, or what they carry is too large.
        """
        given = {"train": train, "load_data": load_data, "test": test, "export": export}
        functions = {key: value for key, value in given.items() if value is not None}
        name = name or train.__name__
        parts = {"Space": space, "objective": objective, "name": name, "epochs": epochs}
        pickled = _pickled(functions | parts)
        return cls(name, pickled, {key: _source(value) for key, value in functions.items()})

    @classmethod
    def of_class(cls, task: type) -> Self:
        """Takes a class that derives from `Task`.

        Raises:
            CodeError: It has no description, or can't be pickled.
        """
        description = getattr(task, "description", None)
        if not isinstance(description, TaskDescription):
            raise CodeError(
                f"{task.__name__} has no description: derive it from Task, and give it a line such "
                "as description = TaskDescription(name=..., space=..., objective=..., "
                "module=__name__)"
            )
        return cls(description.name, _pickled({TASK: task}), {task.__name__: _source(task)})

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Self:
        """Functions are not recorded.

        Raises:
            CodeError: Always.
        """
        raise CodeError(
            f"the functions of task {record['name']!r} were handed over in Python, and only their "
            "text is kept: resume the search in Python, after a search of the same functions, or "
            "put them into a file"
        )

    def record(self) -> dict[str, Any]:
        """What a search keeps of the code, as JSON."""
        return {"kind": "functions", "name": self.name, "sources": self.sources}

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the functions' texts."""
        return hashlib.sha256(repr(sorted(self.sources.items())).encode()).hexdigest()

    def describe(self) -> TaskDescription:
        """Puts the functions into a module, and describes the task.

        Raises:
            CodeError: They lack something, or have it wrong; one line.
        """
        import cloudpickle

        module = ModuleType(f"{PREFIX}{self.name}_{hashlib.sha256(self.pickled).hexdigest()[:12]}")
        vars(module).update(cloudpickle.loads(self.pickled))
        sys.modules[module.__name__] = module
        if hasattr(module, TASK):
            own: TaskDescription = getattr(module, TASK).description
            return replace(own, module=module.__name__, attribute=TASK, origin=ORIGIN)
        return describe_functions(
            module,
            module.__name__,
            "",
            place=f"search({self.name})",
            name=self.name,
            origin=ORIGIN,
        )


def _pickled(parts: dict[str, object]) -> bytes:
    import cloudpickle

    modules = {inspect.getmodule(part) for part in parts.values()}
    by_value = [module for module in modules if module is not None and _is_users(module)]
    for module in by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        pickled: bytes = cloudpickle.dumps(parts)
    # whatever the objects raise that they refer to
    except Exception as error:
        reason = " ".join(str(error).split())
        raise CodeError(
            f"the functions can't be sent to the workers: {reason}; make it inside of train, or "
            "put them into a file and search that"
        ) from None
    finally:
        for module in by_value:
            cloudpickle.unregister_pickle_by_value(module)
    if len(pickled) > MOST_BYTES:
        raise CodeError(
            f"the functions refer to {len(pickled) >> 20} MiB of data, which every worker would "
            f"get a copy of, at most {MOST_BYTES >> 20}; return it from load_data instead"
        )
    return pickled


def _is_users(module: ModuleType) -> bool:
    """Whether workers may lack a module: it is not installed."""
    file = getattr(module, "__file__", None)
    return (
        module.__name__ != "__main__"
        and isinstance(file, str)
        and "site-packages" not in file
        and not module.__name__.startswith("tuneyard.")
    )


def _source(part: Callable[..., object]) -> str:
    try:
        return inspect.getsource(part)
    except (OSError, TypeError):
        return repr(part)
