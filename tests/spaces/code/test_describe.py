"""Functions that do not take what they will be given are refused before anything is trained."""

# ruff: noqa: ARG005 - functions that are never called

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.description import TaskDescription


class Space(SearchSpace):
    """Nothing is searched."""

    lr: float = 0.1


def described(**functions: Callable[..., object]) -> TaskDescription:
    has_data = "load_data" in functions
    train = (lambda args, trial, data: None) if has_data else (lambda args, trial: None)
    task = SimpleNamespace(Space=Space, objective="min loss", **({"train": train} | functions))
    return describe_functions(task, "m", "", place="m.py", name="m", origin="here")


@pytest.mark.parametrize(
    ("functions", "line"),
    [
        (
            {"test": lambda model, device, loader: None},
            "m.py: test must take (config, model), since it has no load_data; rename it, unless it "
            "is to be called once with the best model, got (model, device, loader)",
        ),
        (
            {"load_data": lambda folder: None, "test": lambda config, model: None},
            "m.py: test must take (config, model, data), since the file has load_data; rename it, "
            "unless it is to be called once with the best model, got (config, model)",
        ),
        (
            {"export": lambda model: None},
            "m.py: export must take (config, model); rename it, unless it is to be called once "
            "with the best model, got (model)",
        ),
        ({"load_data": lambda: None}, "m.py: load_data must take (data_dir), got ()"),
    ],
    ids=["a script's own test", "a test without data", "export", "load_data"],
)
def test_one_line(functions: dict[str, Callable[..., object]], line: str) -> None:
    with pytest.raises(CodeError) as error:
        described(**functions)
    assert str(error.value) == line


def test_other_names_and_more_parameters_are_fine() -> None:
    found = described(
        load_data=lambda folder, seed=0: None,
        test=lambda args, net, parts: None,
        export=lambda *given: None,
    )
    assert found.name == "m"
