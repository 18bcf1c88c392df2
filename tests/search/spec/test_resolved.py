"""A resolved spec: nothing is open any more, and what is recorded asks for the same again."""

import re
from typing import Any

import pytest

from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.names import NAME, new_name
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.resources import Resources
from tuneyard.spaces import Space
from tuneyard.spaces.registry import find_description


def resolved(name: str | None = None, gpus: float = 0.0, **values: Any) -> ResolvedSpec:
    return ResolvedSpec.of(parse_spec({"task": "diabetes"} | values), name=name, gpus=gpus)


def test_all_that_a_search_needs_is_there() -> None:
    search = resolved(name="mine", space={"epochs": 7})
    assert (search.name, search.folds, search.max_epochs) == ("mine", 1, 7)
    assert search.task == find_description("diabetes")
    assert search.space == search.spec.narrowed()
    assert search.resources == Resources(1.0, 0.0, {})


def test_the_specs_own_name_wins_and_a_missing_one_is_made() -> None:
    spec = parse_spec({"task": "diabetes", "name": "own"})
    assert ResolvedSpec.of(spec, name="other").name == "own"
    made = resolved().name
    assert NAME.fullmatch(made)
    assert re.fullmatch(r"diabetes-\d{8}-\d{6}-[0-9a-f]{4}", made)
    assert len({new_name("diabetes") for _ in range(20)}) == 20


@pytest.mark.parametrize(("asked", "folds"), [(None, 1), (1, 1), (5, 5)])
def test_folds_are_the_tasks_unless_the_spec_says_otherwise(asked: int | None, folds: int) -> None:
    assert resolved(folds=asked).folds == folds


def test_gpus_are_a_number() -> None:
    assert resolved(gpus=0.25).resources.gpus == 0.0, "the spec says how many"
    assert resolved(gpus_per_trial=2).resources.gpus == 2.0
    assert resolved(gpus_per_trial="auto").resources.gpus == 0.0
    assert resolved(gpus=0.25, gpus_per_trial="auto").resources.gpus == 0.25
    measured = resolved(gpus_per_trial="auto").with_gpus(0.5)
    assert measured.resources.gpus == 0.5
    assert measured.spec.gpus_per_trial == "auto", "the spec stays as it was asked for"


def test_what_is_recorded_is_resolved_to_the_same() -> None:
    search = resolved(gpus=0.25, gpus_per_trial="auto", trials=7, space={"epochs": 7})
    again = ResolvedSpec.of(search.recorded())
    assert again.recorded() == search.recorded()
    assert (again.name, again.folds, again.resources) == (
        search.name,
        search.folds,
        search.resources,
    )
    assert again.spec.model_dump(exclude={"name", "folds", "gpus_per_trial"}) == (
        search.spec.model_dump(exclude={"name", "folds", "gpus_per_trial"})
    )


def test_a_space_is_narrowed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    narrow = Space.narrow

    def counted(self: Space[Any], restrictions: Any) -> Space[Any]:
        calls.append(restrictions)
        return narrow(self, restrictions)

    monkeypatch.setattr(Space, "narrow", counted)
    spec = parse_spec({"task": "diabetes", "space": {"epochs": 7}})
    assert len(calls) == 1, "to validate it"
    ResolvedSpec.of(spec)
    assert len(calls) == 2
