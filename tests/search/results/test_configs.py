"""What tells configs apart: only what differs, under the shortest names that mean one thing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneyard.search.results.configs import Columns, differences, fitting
from tuneyard.spaces import Value
from tuneyard.spaces.registry import find_description

SGD: dict[str, Value] = {
    "optimizer.kind": "sgd",
    "optimizer.sgd.lr": 0.1,
    "optimizer.sgd.weight_decay.on": False,
    "schedule.kind": "constant",
    "epochs": 100,
}
ADAM: dict[str, Value] = {
    "optimizer.kind": "adam",
    "optimizer.adam.lr": 0.012345,
    "optimizer.adam.weight_decay.on": True,
    "optimizer.adam.weight_decay": 0.5,
    "schedule.kind": "constant",
    "epochs": 100,
}


def test_what_all_share_is_left_out() -> None:
    assert differences([SGD, ADAM]) == {
        "optimizer": ["sgd", "adam"],
        "lr": ["0.1", "0.0123"],
        # what is switched off is not there
        "weight_decay": ["", "0.5"],
    }


@pytest.mark.parametrize("configs", [[], [SGD], [SGD, dict(SGD)]])
def test_nothing_differs(configs: list[dict[str, Value]]) -> None:
    assert differences(configs) == {}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.lr", "b.lr"], ["a.lr", "b.lr"]),
        (["a.lr", "lr"], ["a.lr", "lr"]),
        (["x.a.lr", "y.a.lr", "z.rate"], ["x.a.lr", "y.a.lr", "rate"]),
        (["a.size", "big_size"], ["size", "big_size"]),
        (["sizes.length", "sizes.0", "sizes.1"], ["sizes.length", "sizes.0", "sizes.1"]),
        (["filter.on"], ["filter.on"]),
        (["kind"], ["kind"]),
        (["generator.layers.0.width", "critic.layers.0.width"],) * 2,
    ],
)
def test_names_are_short_and_mean_one_thing(paths: list[str], names: list[str]) -> None:
    configs: list[dict[str, Value]] = [dict.fromkeys(paths, n) for n in (1, 2)]
    assert list(differences(configs)) == names


def test_a_switch_that_nothing_follows_is_shown() -> None:
    assert differences([{"noise.on": True}, {"noise.on": False}]) == {"noise.on": ["true", ""]}
    with_sizes: list[dict[str, Value]] = [
        {"filter.on": on, "filter.size": 3 if on else 4} for on in (True, False)
    ]
    assert differences(with_sizes) == {"filter.on": ["", "false"], "size": ["3", "4"]}


@pytest.mark.parametrize("task", ["airplane-lstm", "diabetes", "names-gru"])
def test_configs_of_a_task_differ_where_their_columns_do(task: str) -> None:
    space = find_description(task).space.space()
    baseline = space.flatten(space.baseline())
    for leaf in space.leaves:
        other = dict(baseline)
        if leaf.path not in other or isinstance(other[leaf.path], str | bool | None):
            continue
        other[leaf.path] = 7.25
        (name,) = differences([baseline, other])
        assert leaf.path.endswith(name.rpartition(".")[2])


WORDS = st.text("abcdef", min_size=1, max_size=12)


@given(
    st.dictionaries(WORDS, st.lists(WORDS | st.just(""), min_size=3, max_size=3), max_size=12),
    st.integers(0, 120),
)
def test_as_many_columns_as_fit(columns: Columns, width: int) -> None:
    def taken(shown: Columns) -> int:
        return sum(2 + max(map(len, [name, *cells])) for name, cells in shown.items())

    shown = fitting(columns, width)
    kept = [name for name in shown if not name.endswith(" more")]
    assert taken(shown) <= max(width, 2 + len("12 more"))
    order = list(columns)
    assert all(order.index(one) < order.index(other) for one, other in pairwise(kept))
    assert all(shown[name] == columns[name] for name in kept)
    if len(kept) < len(columns):
        assert shown[f"{len(columns) - len(kept)} more"] == [""] * 3
        assert taken(columns) > width
    else:
        assert shown == columns


def test_columns_that_most_configs_have_come_first() -> None:
    columns: Columns = {"rare": ["1", "", ""], "usual": ["1", "2", "3"], "some": ["1", "2", ""]}
    assert list(fitting(columns, 8 + 7)) == ["usual", "2 more"]
    assert list(fitting(columns, 8 + 6 + 6)) == ["rare", "usual", "some"]
