"""Old keys: refused in a new spec in one line that names the new key, read in a recorded one."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.renamed import RENAMED, RENAMED_OPTIONS
from tuneyard.search.spec.schedulers import ASHA, Median
from tuneyard.search.spec.search import SearchSpec

OLD: list[tuple[dict[str, Any], str]] = [
    ({"concurrency": 2}, "'concurrency' is now called 'max_concurrent_trials'"),
    ({"keep": 5}, "'keep' is now called 'keep_checkpoints'"),
    ({"keep": None, "trails": 5}, "'keep' is now called 'keep_checkpoints'"),
    (
        {"scheduler": {"kind": "asha", "grace": 5}},
        "'scheduler.grace' is now called 'scheduler.grace_period'",
    ),
    (
        {"scheduler": {"kind": "hyperband", "reduction": 4}},
        "'scheduler.reduction' is now called 'scheduler.reduction_factor'",
    ),
]


@pytest.mark.parametrize(("values", "line"), OLD, ids=str)
def test_an_old_key_is_refused_with_the_new_one(values: dict[str, Any], line: str) -> None:
    with pytest.raises(SearchError) as refused:
        parse_spec({"task": "diabetes"} | values)
    assert str(refused.value) == line
    with pytest.raises(ValidationError, match=line):
        SearchSpec(task="diabetes", **values)


def test_new_names_are_keys_and_old_ones_are_not() -> None:
    assert set(RENAMED.values()) <= set(SearchSpec.model_fields)
    assert not set(RENAMED) & set(SearchSpec.model_fields)
    assert set(RENAMED_OPTIONS.values()) <= set(ASHA.model_fields)
    assert not set(RENAMED_OPTIONS) & set(ASHA.model_fields)


RECORDED = """\
task: diabetes
name: my-search
trials: 40
scheduler:
  kind: asha
  grace: 7
  reduction: 4
space:
  epochs: 30
folds: 1
concurrency: 2
keep: 5
"""


def test_a_spec_recorded_before_the_keys_were_renamed_is_read() -> None:
    spec = read_recorded_spec(RECORDED)
    assert spec.scheduler == ASHA(grace_period=7, reduction_factor=4)
    assert (spec.max_concurrent_trials, spec.keep_checkpoints) == (2, 5)
    assert (spec.name, spec.trials, spec.folds, spec.space) == ("my-search", 40, 1, {"epochs": 30})
    assert read_recorded_spec(spec.to_yaml()) == spec
    assert parse_spec(yaml.safe_load(spec.to_yaml())) == spec


def test_a_recorded_scheduler_may_be_without_options() -> None:
    assert read_recorded_spec("task: diabetes\nscheduler: median\n").scheduler == Median()
    assert read_recorded_spec("task: diabetes\n") == parse_spec({"task": "diabetes"})
