"""Tests of spaces and objectives that are declared in YAML."""

from collections.abc import Mapping

import pytest
import yaml

from tuneyard.spaces import Float, Int, SearchSpace, SpaceError
from tuneyard.spaces.code.declared import declared_space
from tuneyard.spaces.code.objectives import parse_objective
from tuneyard.spaces.language.categorical import Choice, Fixed
from tuneyard.spaces.objective import Objective

EVERYTHING = """
lr: {low: 1.0e-5, high: 0.1, log: true, default: 0.001}
hidden: {low: 8, high: 256, log: true, default: 64}
dropout: {low: 0, high: 1, default: 0.5}
width: {low: 8, high: 32, step: 8, default: 16}
activation: {choices: [relu, tanh], default: tanh}
batch: {choices: [32, 64.5, text, true, null], default: null}
single: {choices: [only], default: only}
amp: false
weight-decay: 0.5
name: text
nothing: null
sizes: [1, 2]
optimizer.momentum: {low: 0.0, high: 0.99, default: 0.9}
optimizer:
  nesterov: true
  inner: {low: {low: 1, high: 2, default: 1}}
"""


def declare(text: str) -> type[SearchSpace]:
    values = yaml.safe_load(text)
    assert isinstance(values, Mapping)
    return declared_space(values, "train")


def test_every_form_becomes_its_domain() -> None:
    leaves = {leaf.path: leaf for leaf in declare(EVERYTHING).space().leaves}
    domains = {path: leaf.domain for path, leaf in leaves.items()}
    assert domains["lr"] == Float(1e-5, 0.1, log=True)
    assert domains["hidden"] == Int(8, 256, log=True)
    assert domains["dropout"] == Float(0.0, 1.0)
    assert domains["width"] == Int(8, 32, step=8)
    assert domains["activation"] == Choice(("relu", "tanh"))
    assert domains["batch"] == Choice((32, 64.5, "text", True, None))
    assert domains["amp"] == Choice((False, True))
    assert domains["optimizer.momentum"] == Float(0.0, 0.99)
    assert domains["optimizer.nesterov"] == Choice((False, True))
    assert domains["optimizer.inner.low"] == Int(1, 2)
    fixed = {path for path, domain in domains.items() if isinstance(domain, Fixed)}
    assert fixed == {"single", "weight-decay", "name", "nothing", "sizes"}
    assert {path: leaves[path].baseline for path in ("lr", "hidden", "activation", "amp")} == {
        "lr": 0.001,
        "hidden": 64,
        "activation": "tanh",
        "amp": False,
    }


def test_configs_are_typed_and_nested() -> None:
    space = declare(EVERYTHING).space()
    config = space.baseline()
    assert config.model_dump()["optimizer"] == {
        "momentum": 0.9,
        "nesterov": True,
        "inner": {"low": 1},
    }
    params = {path: str(value) for path, value in space.flatten(config).items()}
    assert space.unflatten({**params, "hidden": "8"}) == config.model_copy(update={"hidden": 8})
    with pytest.raises(SpaceError, match=r"^lr must be in \[1e-05, 0.1\] log, got 3$"):
        space.unflatten({**params, "lr": "3"})


def test_exponents_that_yaml_reads_as_text_are_numbers() -> None:
    text = """
    lr: {low: 1e-5, high: 1e-1, default: 1e-3}
    l1: 1e-4
    decay: {choices: [1e-2, 0], default: 1e-2}
    """
    assert isinstance(yaml.safe_load(text)["l1"], str)
    config = declare(text).space().baseline().model_dump()
    assert config == {"lr": 1e-3, "l1": 1e-4, "decay": 1e-2}


def test_the_same_text_makes_the_same_schema() -> None:
    first, second = (declare(EVERYTHING).model_json_schema() for _ in range(2))
    assert first == second
    assert first["title"] == "train"
    assert declare(EVERYTHING).__doc__ == "The hyperparameters of train."


WRONG = [
    ("a: {low: -1.0e+308, high: 1.0e+308, default: 0}", "a: Float high - low must be finite, got"),
    ("a: {low: 0, high: 1, step: 1.0e-300, default: 0}", "a: Float takes at most 900719925474099"),
    ("a: {low: '1" + "0" * 30 + "', high: 2, default: 1}", "a: low must be a whole number of at m"),
    (".".join("a" * 60) + ": 1", "a." * 59 + "a: groups must nest at most 32 deep"),
    (".".join("a" * 500) + ": 1", "a." * 99),
    ("".join(f"a{i}: 1\n" for i in range(501)), "space must declare at most 500 hyper"),
    ("a: {choices: [x], default: " + "y" * 4000 + "}", "a: the default must be x, got 'yyyyyyyyy"),
    ("lr: {low: 1, high: 0, default: 1}", "lr: Int low must be below high, got low=1, high=0"),
    ("lr: {low: 0, high: 3, log: true, default: 1}", "lr: Int with log=True needs low above 0"),
    (
        "a: {b: {low: 0, high: 3, default: 5}}",
        "a.b: the default must be in [0, 3], got 5; change it, or low and high",
    ),
    ("lr: {low: 1, high: 3}", "lr: default is missing; it is the baseline"),
    ("a: {choices: [x, y]}", "a: default is missing; it is the baseline"),
    (
        "lr: {low: 1, hgih: 3, default: 1}",
        "lr: unknown key 'hgih' beside low, default; did you mean high?",
    ),
    ("lr: {low: 1, default: 5}", "lr: high is missing beside low, default; a range needs low and"),
    (
        "lr: {low: x, high: 3, default: 5}",
        "lr: low must be a number, e.g. 0.001 or 1.0e-3, got 'x'",
    ),
    ("lr: {low: 1, high: 3, default: null}", "lr: default must be a number, got None"),
    ("lr: {low: 1, high: 3, default: true}", "lr: default must be a number, e.g."),
    ("lr: {low: 1, high: 3, log: 1, default: 1}", "lr: log must be true or false, got 1"),
    (
        "a: {choices: relu, default: relu}",
        "a: choices must be a list, e.g. [relu, tanh], got 'relu'",
    ),
    ("a: {choices: [], default: 1}", "a: choices must be a list"),
    ("a: {choices: [[1], 2], default: 2}", "a: a choice must be text, a bool or a finite number"),
    ("a: {choices: [x, X], default: x}", "a: two choices are the same as text, got ('x', 'X')"),
    (
        "a: {choices: [x, y], default: z}",
        "a: the default must be one of x, y, got 'z'; add it to choices",
    ),
    (
        "a: {choices: [x, y], low: 1, default: x}",
        "a: unknown key 'low' beside choices, default; known: choices, default",
    ),
    (
        "a: .nan",
        "a: a fixed value must be text, a bool, a finite number or a list of them, got nan",
    ),
    ("a: 2020-01-01", "a: a fixed value must be text"),
    ("a: {}", "a: a group must have members, got {}"),
    ("1: 2", "1: a name must be text, got 1"),
    ("a b: 2", "a b: a name must be letters, digits, _ and -, the first a letter, got 'a b'"),
    ("a..b: 2", "a..b: a name must be letters, digits, _ and -, the first a letter, got ''"),
    ("a: {copy: 1}", "a.copy: copy is a reserved name; choose another, e.g. copy_value"),
    ("space: 1", "space: space is a reserved name"),
    ("a.b: 1\na: {b: 2}", "a.b is declared twice; leave one of the two out"),
    ("a: 1\na.b: 2", "a is declared twice"),
    ("{}", "space must declare one hyperparameter or more by name"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_an_error_is_one_line(text: str, message: str) -> None:
    with pytest.raises(SpaceError) as error:
        declare(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_objectives_are_read() -> None:
    assert parse_objective("max accuracy") == Objective("accuracy", "max")
    assert parse_objective(" min  val/loss ") == Objective("val/loss", "min")


@pytest.mark.parametrize("text", ["accuracy", "maximize accuracy", "max", "max a b", "", None, 3])
def test_another_objective_is_refused(text: object) -> None:
    with pytest.raises(SpaceError) as error:
        parse_objective(text)
    assert str(error.value) == (f"objective must read 'max METRIC' or 'min METRIC', got {text!r}")
