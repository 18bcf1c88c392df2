"""A user's own tasks on the stack: mounted on the head and the API, trained on both workers."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.stack


def own_tasks(stack: Any) -> list[str]:
    tasks = stack.api.get("/tasks").json()
    return sorted(one["task"] for one in tasks if one["task"].startswith("two_tasks"))


def test_they_are_listed(stack: Any) -> None:
    assert len(own_tasks(stack)) == 2


def test_they_are_searched_on_both_workers_where_they_are_not_installed(stack: Any) -> None:
    task = own_tasks(stack)[0]
    # long enough for the slower of the two to begin
    search = stack.submit({"task": task, "space": {"epochs": 400}}, name="own", trials=10)
    stack.check_complete(search, 10)
    runs = stack.trials(search).values()
    assert {run.data.tags["tuneyard.node"] for run in runs} == stack.hosts()
    inside = "import os; print(os.path.exists('/tasks/two_tasks.py'))"
    for index in ("1", "2"):
        there = stack.compose("exec", "-T", "--index", index, "ray-worker", "python", "-c", inside)
        assert there.strip() == "False"
    champion = stack.mlflow.get_model_version_by_alias(f"tuneyard-{task}", "champion")
    assert champion.run_id in {run.info.run_id for run in runs}
