"""The configs of a population, as Tune takes them apart and gives them to trials."""

from typing import Any

from ray.tune.impl.placeholder import create_resolvers_map, inject_placeholders
from ray.tune.search.variant_generator import generate_variants

from tuneyard.search.tune.assignments import population_config
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.wire import assignment_of, to_config

PARAMS = {"width": 8, "lr": 0.1, "nesterov": False, "l1": None, "optimizer.kind": "sgd"}


def test_every_trial_of_a_population_has_its_assignment_from_the_start() -> None:
    """Tune asks for a trial's folder before it puts in what it had replaced by placeholders."""
    members = [Member(number, PARAMS | {"width": number}, PARAMS, seed=1) for number in range(3)]
    waiting = [to_config(Assignment((member,))) for member in members]
    proposals: Any = lambda: waiting.pop(0) if waiting else None  # noqa: E731
    config = inject_placeholders(population_config(proposals, 5), create_resolvers_map())
    found = [assignment_of(spec["config"]) for _, spec in generate_variants({"config": config})]
    assert [assignment.single for assignment in found] == members
