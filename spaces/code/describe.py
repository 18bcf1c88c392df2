"""What a user's module or class must have to be searched, and its description."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.code.objectives import parse_objective
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.language.errors import SpaceError, did_you_mean
from tuneyard.spaces.language.space import SearchSpace
from tuneyard.spaces.objective import Objective

TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def describe(module: ModuleType, attribute: str, path: Path) -> TaskDescription:
    """The description of a task in a module.

    Args:
        module: The loaded file.
        attribute: The name of a class in it; empty for the only task in it.
        path: The file.

    Raises:
        CodeError: There is no such task in it, several, or it lacks something; one line.
    """
    if attribute:
        if not inspect.isclass(getattr(module, attribute, None)):
            names = [name for name, _ in _classes(module)]
            near = did_you_mean(attribute, names) if names else "it has no class that is a task"
            raise CodeError(f"{path.name} has no class {attribute!r}; {near}")
        return _describe(module, attribute, path)
    found = [name for name, _ in _classes(module)]
    if hasattr(module, "train") or not found:
        return _describe(module, "", path)
    if len(found) > 1:
        which = ", ".join(f"{path.name}:{name}" for name in found)
        raise CodeError(f"{path.name} has several tasks; name one of them: {which}")
    return _describe(module, found[0], path)


def describe_all(module: ModuleType, path: Path) -> list[TaskDescription]:
    """The descriptions of all tasks in a module; see `describe`."""
    names = [name for name, _ in _classes(module)]
    if hasattr(module, "train") or not names:
        names.insert(0, "")
    return [_describe(module, name, path) for name in names]


def _classes(module: ModuleType) -> Iterator[tuple[str, type]]:
    """The classes of a module that are tasks."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module.__name__ and _is_task(value):
            yield name, value


def _is_task(value: type) -> bool:
    described = isinstance(getattr(value, "description", None), TaskDescription)
    return described or (hasattr(value, "train") and hasattr(value, "objective"))


def _describe(module: ModuleType, attribute: str, path: Path) -> TaskDescription:
    """Describes the module itself, or the class of a name in it."""
    task = getattr(module, attribute) if attribute else module
    place = f"{path.name}:{attribute}" if attribute else path.name
    own = getattr(task, "description", None)
    if isinstance(own, TaskDescription):
        return replace(own, module=module.__name__, attribute=attribute, origin=str(path))
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-") or "task"
    default = f"{stem}-{attribute}" if attribute else stem
    return describe_functions(
        task, module.__name__, attribute, place=place, name=default, origin=str(path)
    )


def describe_functions(
    task: object, module: str, attribute: str, *, place: str, name: str, origin: str
) -> TaskDescription:
    """The description of a user's functions, which a module or a class holds.

    Args:
        task: Has `train`, `Space` and `objective`, and maybe `name` and `epochs`.
        module: The name of the module.
        attribute: The class's name in the module; empty for the module itself.
        place: What errors call it.
        name: Its name where it has none of its own.
        origin: Where it comes from.

    Raises:
        CodeError: It lacks something, or has it wrong; one line.
    """
    train = getattr(task, "train", None)
    if not callable(train):
        raise CodeError(
            f"{place} has no function train: define train(config, trial), or a class that derives "
            "from Task"
        )
    space = getattr(task, "Space", None)
    if not (inspect.isclass(space) and issubclass(space, SearchSpace)):
        got = "" if space is None else f", got {space!r:.80}"
        raise CodeError(
            f"{place} has no class Space: declare the hyperparameters as class Space(SearchSpace)"
            f"{got}"
        )
    _check_parameters(task, place)
    own_name = getattr(task, "name", name)
    if not (isinstance(own_name, str) and TASK_NAME.fullmatch(own_name)):
        raise CodeError(
            f"{place}: name must be letters, digits, dot, dash and underscore, got {own_name!r}"
        )
    return TaskDescription(
        name=own_name,
        space=space,
        objective=_objective(task, place),
        module=module,
        attribute=attribute,
        epochs=_epochs(task, train, place),
        origin=origin,
    )


def _objective(task: object, place: str) -> Objective:
    objective = getattr(task, "objective", None)
    if isinstance(objective, Objective):
        return objective
    if objective is None:
        raise CodeError(
            f"{place} has no objective: say which reported metric ranks the trials, e.g. "
            'objective = "max accuracy"'
        )
    try:
        return parse_objective(objective)
    except SpaceError as error:
        raise CodeError(f"{place}: {error}") from None


def _check_parameters(task: object, place: str) -> None:
    """Sees that the functions take what they will be given."""
    has_data = callable(getattr(task, "load_data", None))
    data = ["data"] if has_data else []
    why = f", since {'the file has' if has_data else 'it has no'} load_data"
    _check_function(task, "train", ["config", "trial", *data], place, why)
    _check_function(task, "load_data", ["data_dir"], place, "")
    # scripts have functions of these names, too, which are other ones
    others = "{}; rename it, unless it is to be called once with the best model"
    _check_function(task, "test", ["config", "model", *data], place, others.format(why))
    _check_function(task, "export", ["config", "model"], place, others.format(""))


def _check_function(
    task: object, name: str, wanted: list[str], place: str, explanation: str
) -> None:
    function = getattr(task, name, None)
    if not callable(function):
        return
    signature = inspect.signature(function)
    try:
        signature.bind(*wanted)
    except TypeError:
        raise CodeError(
            f"{place}: {name} must take ({', '.join(wanted)}){explanation}, got {signature}"
        ) from None


def _epochs(task: object, train: object, place: str) -> int | None:
    """The longest training as far as a field does not say it."""
    said = getattr(task, "epochs", None)
    if said is None:
        return _epochs_in_source(train)
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        raise CodeError(f"{place}: epochs must be a whole number, at least 1, got {said!r}")
    return said


def _epochs_in_source(train: object) -> int | None:
    """The number in ``trial.epochs(20)``, where it stands in the source of `train`."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(train)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return None
    counts = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "epochs"
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
    ]
    numbers = [count for count in counts if isinstance(count, int) and count > 0]
    return max(numbers) if len(numbers) == len(counts) and numbers else None
