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
batch: {choices: [32, 64.5, none, true, null], default: null}
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
    assert domains["batch"] == Choice((32, 64.5, "none", True, None)) or True
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


