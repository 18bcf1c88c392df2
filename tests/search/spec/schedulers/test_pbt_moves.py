"""PBT's step within a space."""

import random
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from tuneyard.search.spec.schedulers.pbt_moves import explorer
from tuneyard.spaces import Float, Int, Range, Space
from tuneyard.spaces.fields.optimizers import LBFGS, SGD, Adam
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.tasks.ring_gan import RingGanSpace
from tuneyard.trainables.worker.assignment import Assignment, Member, Params
from tuneyard.trainables.worker.wire import assignment_of, to_config, with_params


class PopulationSpace(TrainingSpace):
    """Numbers of a model beside those of the optimizers."""

    width: Annotated[int, Int(4, 64)] = 8
    dropout: Annotated[float, Float(0.0, 0.5)] = 0.1
    optimizer: Annotated[SGD | Adam | LBFGS, Field(discriminator="kind")] = SGD(lr=0.1)


def config(space: Space[Any], number: int = 0, **changes: Any) -> dict[str, Any]:
    """A trial's config as Tune has it, with the names of changes written with `__`."""
    params = space.flatten(space.baseline())
    params |= {path.replace("__", "."): value for path, value in changes.items()}
    return to_config(Assignment((Member(number, params, params),)))


def params_of(config: dict[str, Any]) -> Params:
    return assignment_of(config).single.params


def steps(space: Space[Any], seed: int, resample: float, count: int) -> Iterator[dict[str, Any]]:
    """What a config becomes, step upon step."""
    explore = explorer(space, resample, random.Random(seed))
    now = config(space, number=4)
    for _ in range(count):
        now = explore(now)
        yield now


@pytest.mark.parametrize("resample", [0.0, 0.25, 1.0])
def test_pbt_moves_the_optimizers_floats_within_their_domains(resample: float) -> None:
    space = PopulationSpace.space().narrow({"optimizer.kind": "sgd"})
    before = config(space, number=4)
    seen: dict[str, set[Any]] = {}
    for now in steps(space, 0, resample, 200):
        params = params_of(now)
        space.unflatten(params)
        assert assignment_of(now).single.number == 4
        assert list(params) == list(params_of(before))
        for path, value in params.items():
            seen.setdefault(path, set()).add(value)
    changed = {path for path, values in seen.items() if len(values) > 1}
    assert changed <= {"optimizer.sgd.lr", "optimizer.sgd.momentum"}
    assert "optimizer.sgd.lr" in changed
    assert len(seen["optimizer.sgd.lr"]) > 20
    if resample == 0:  # 0.0 times anything stays 0.0
        assert seen["optimizer.sgd.momentum"] == {0.0}


def test_pbt_moves_both_optimizers_of_a_gan() -> None:
    space = RingGanSpace.space()
    before = params_of(config(space))
    changed = set()
    for now in steps(space, 0, 0.25, 50):
        params = params_of(now)
        changed |= {path for path, value in params.items() if value != before[path]}
    assert changed == {
        f"{optimizer}.adam.{number}"
        for optimizer in ("optimizer", "discriminator_optimizer")
        for number in ("lr", "beta1")
    }


def test_pbt_multiplies_by_four_fifths_or_six_fifths() -> None:
    space = PopulationSpace.space()
    explore = explorer(space, 0.0, random.Random(0))
    rates = {params_of(explore(config(space)))["optimizer.sgd.lr"] for _ in range(50)}
    assert sorted(rates) == pytest.approx([0.08, 0.12])


def test_pbt_stays_in_a_narrowed_space() -> None:
    low, high = 0.09, 0.11
    space = PopulationSpace.space().narrow({"optimizer.sgd.lr": f"{low}"})
    for now in steps(space, 0, 0.5, 20):
        assert params_of(now)["optimizer.sgd.lr"] == low
    space = PopulationSpace.space().narrow({"optimizer.sgd.lr": Range(low, high)})
    rates = [params_of(now)["optimizer.sgd.lr"] for now in steps(space, 0, 0.5, 50)]
    assert min(rates) >= low
    assert max(rates) <= high


def test_pbt_leaves_the_copied_config_alone() -> None:
    space = PopulationSpace.space()
    before = config(space)
    explorer(space, 1.0, random.Random(0))(before)
    assert before == config(space)


def test_pbt_does_not_touch_whole_numbers() -> None:
    space = PopulationSpace.space().narrow({"optimizer.kind": "lbfgs"})
    for now in steps(space, 0, 0.5, 50):
        params = params_of(now)
        assert (params["optimizer.lbfgs.max_iter"], params["width"]) == (20, 8)


def test_pbt_is_the_same_by_its_seed() -> None:
    space = PopulationSpace.space()
    first, again, other = (list(steps(space, seed, 0.5, 20)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_pbt_does_not_depend_on_the_process() -> None:
    """The order of a set of texts changes from process to process; that of the space does not."""
    space = PopulationSpace.space()
    paths = ["optimizer.sgd.lr", "optimizer.sgd.momentum"]
    draws = random.Random(7)
    expected = []
    for path in paths:
        draws.random()
        leaf = next(leaf for leaf in space.leaves if leaf.path == path)
        expected.append(draws.choice(list(leaf.domain.grid(100))))
    shuffled = with_params(config(space), dict(reversed(params_of(config(space)).items())))
    for given in (config(space), shuffled):
        params = params_of(explorer(space, 1.0, random.Random(7))(given))
        assert [params[path] for path in paths] == expected
