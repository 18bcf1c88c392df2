"""What a trial takes, what fits on which node, and the share of a GPU by measured memory."""

from typing import Any

import pytest
import ray

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.resources import Resources
from tuneyard.search.tune import memory as tune_memory
from tuneyard.search.tune import resources as tune_resources
from tuneyard.search.tune.memory import MOST, gpu_share, largest, share
from tuneyard.search.tune.resources import Capacity, check_resources
from tuneyard.spaces import Range
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.find import find_searchable

Node = dict[str, float]


def takes(cpus: float = 1.0, gpus: float = 0.0, **custom: float) -> Resources:
    return Resources(cpus, gpus, custom)


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The nodes as Ray names them; a test puts some in."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(ray, "nodes", lambda: list(found))
    return found


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    # every node has these, too
    own = {"memory": 4e9, "object_store_memory": 1e9, "node:10.0.0.1": 1.0}
    return {"Alive": alive, "Resources": own | resources}


def test_what_a_spec_takes() -> None:
    spec = parse_spec(
        {
            "task": "diabetes",
            "cpus_per_trial": "2",
            "gpus_per_trial": 0.25,
            "resources_per_trial": {"fast_disk": "0.5"},
        }
    )
    assert ResolvedSpec.of(spec).resources.bundle == {"CPU": 2.0, "GPU": 0.25, "fast_disk": 0.5}
    assert ResolvedSpec.of(parse_spec({"task": "diabetes"})).resources.bundle == {"CPU": 1.0}


@pytest.mark.parametrize(
    ("resources", "there", "fit"),
    [
        (takes(1), {"CPU": 8}, 8),
        (takes(3), {"CPU": 8}, 2),
        (takes(9), {"CPU": 8}, 0),
        (takes(0.5), {"CPU": 8}, 16),
        (takes(0.4), {"CPU": 2}, 5),
        (takes(0.1), {"CPU": 1}, 10),
        (takes(0.7), {"CPU": 2.1}, 3),
        (takes(1, 1), {"CPU": 8, "GPU": 4}, 4),
        (takes(1, 2), {"CPU": 8, "GPU": 5}, 2),
        (takes(1, 0.25), {"CPU": 8, "GPU": 2}, 8),
        (takes(1, 0.25), {"CPU": 5, "GPU": 2}, 5),
        # a share is of one GPU
        (takes(0.1, 0.6), {"CPU": 8, "GPU": 2}, 2),
        (takes(0.1, 0.4), {"CPU": 8, "GPU": 2}, 4),
        (takes(0.1, 0.3333), {"CPU": 8, "GPU": 1}, 3),
        (takes(0.1, 0.1), {"CPU": 8, "GPU": 1}, 10),
        (takes(1, 1), {"CPU": 8}, 0),
        (takes(1, tpu=1), {"CPU": 8, "tpu": 3}, 3),
        (takes(1, tpu=1), {"CPU": 8}, 0),
        (takes(1, disk=0.25), {"CPU": 8, "disk": 0.5}, 2),
        (takes(1, disk=0.4), {"CPU": 8, "disk": 2}, 5),
        (takes(1, disk=1.5), {"CPU": 8, "disk": 3}, 2),
    ],
    ids=str,
)
def test_how_many_trials_a_node_holds(resources: Resources, there: Node, fit: int) -> None:
    assert resources.fit({"memory": 1e9} | there) == fit


@pytest.mark.parametrize(
    ("resources", "line"),
    [
        (takes(5), "cpus_per_trial must be at most 4, what the largest node has, got 5"),
        (takes(1, 2), "gpus_per_trial must be at most 1, what the largest node has, got 2"),
        (
            takes(1, tpu=1),
            "resources_per_trial.tpu must be at most 0, what the largest node has, got 1",
        ),
        (
            takes(4, 1),
            "no node has all that a trial takes at once: {'CPU': 4, 'GPU': 1}; "
            "ask for less a trial",
        ),
    ],
    ids=str,
)
def test_what_no_node_holds_costs_one_line(
    nodes: list[dict[str, Any]], resources: Resources, line: str
) -> None:
    nodes += [node(CPU=4), node(CPU=2, GPU=1), node(alive=False, CPU=64, GPU=8, tpu=4)]
    with pytest.raises(SearchError) as refused:
        check_resources(resources)
    assert str(refused.value) == line


def test_what_one_node_holds_is_fine(nodes: list[dict[str, Any]]) -> None:
    nodes += [node(), node(CPU=4), node(CPU=2, GPU=1, tpu=1)]
    for resources in (takes(4), takes(2, 1), takes(1, 0.5, tpu=1)):
        check_resources(resources)


def test_a_cluster_without_a_node_costs_one_line(nodes: list[dict[str, Any]]) -> None:
    with pytest.raises(SearchError, match=r"^cpus_per_trial must be at most 0, "):
        check_resources(takes(1))


# --- how many trials are under way


def test_capacity_follows_the_nodes(
    nodes: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_resources, "FIT_SECONDS", 0.0)
    capacity = Capacity(takes(2, tpu=1), None)
    nodes += [node(), node(CPU=8, tpu=2), node(CPU=8)]
    assert capacity() == 2
    nodes.append(node(CPU=2, tpu=9))
    assert capacity() == 3
    nodes[1]["Alive"] = False
    assert capacity() == 1
    nodes.clear()
    assert capacity() == 1, "one waits for a node that joins"


def test_nodes_are_not_counted_at_every_question(nodes: list[dict[str, Any]]) -> None:
    capacity = Capacity(takes(1), None)
    nodes.append(node(CPU=3))
    assert capacity() == 3
    nodes.append(node(CPU=3))
    assert capacity() == 3


def test_what_was_asked_for_wins(nodes: list[dict[str, Any]]) -> None:
    nodes.append(node(CPU=3))
    assert Capacity(takes(1), 7)() == 7
    assert Capacity(takes(1), 1)() == 1


# --- gpus_per_trial: auto

GIB = 2**30


@pytest.mark.parametrize(
    ("used", "total", "trials"),
    [
        (8 * GIB, 80 * GIB, 8),  # with a fifth to spare
        (10 * GIB, 24 * GIB, 2),
        (12 * GIB, 24 * GIB, 1),
        (24 * GIB, 24 * GIB, 1),
        (1 * GIB, 144 * GIB, MOST),
        (20 * GIB, 72 * GIB, 3),
    ],
)
def test_the_share_is_one_over_the_trainings_that_fit(used: int, total: int, trials: int) -> None:
    found = share(used, total)
    assert 1 / trials - 1e-4 < found <= 1 / trials
    assert takes(0.01, found).fit({"CPU": 8, "GPU": 1}) == trials


@pytest.mark.parametrize("used", [GIB // 4, GIB, 3 * GIB, 7 * GIB, 30 * GIB])
def test_trainings_side_by_side_fit_in_memory(used: int) -> None:
    total = 40 * GIB
    trials = takes(0.01, share(used, total)).fit({"CPU": 64, "GPU": 1})
    assert trials * used <= total
    assert trials == MOST or (trials + 1) * used * tune_memory.HEADROOM > total


def test_the_largest_model_of_a_space() -> None:
    space = find_description("diabetes").space.space()
    params = space.flatten(space.suggest(largest))
    assert params["hidden_sizes.length"] == 3
    assert [params[f"hidden_sizes.{index}"] for index in range(3)] == [128, 128, 128]
    # words have no size: they stay as they are
    baseline = space.flatten(space.baseline())
    assert params["activation"] == baseline["activation"]
    assert params["optimizer.kind"] == baseline["optimizer.kind"]
    narrowed = space.narrow({"hidden_sizes.length": 1, "hidden_sizes.0": Range(4, 9)})
    params = narrowed.flatten(narrowed.suggest(largest))
    assert [value for path, value in params.items() if "hidden_sizes" in path] == [1, 9]


@pytest.mark.parametrize("task", ["airplane-lstm", "diabetes", "names-gru"])
def test_the_largest_config_is_one_of_the_space(task: str) -> None:
    space = find_description(task).space.space()
    config = space.suggest(largest)
    assert space.unflatten(space.flatten(config)) == config


def test_without_a_gpu_nothing_is_measured(nodes: list[dict[str, Any]]) -> None:
    nodes += [node(CPU=4), node(alive=False, CPU=4, GPU=1)]
    spec = parse_spec({"task": "diabetes", "gpus_per_trial": "auto"})
    assert gpu_share(ResolvedSpec.of(spec), find_searchable("diabetes"), ()) == 0.0
