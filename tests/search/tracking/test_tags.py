"""The tags in MLflow: written and read back alike, also those that an earlier version wrote."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneyard.search.results.state import SearchState
from tuneyard.search.tracking.tags import (
    LAYOUT,
    NO_TRIALS,
    PREFIX,
    SearchTags,
    Tags,
    TrialTags,
    VersionTags,
)
from tuneyard.search.trials.record import ENDS, State
from tuneyard.spaces.objective import Objective

SEARCH = Path(__file__).resolve().parents[3] / "search"

TEXT = st.text(max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 10**9)
PARAM = st.one_of(TEXT, COUNT, FINITE, st.booleans(), st.none())
PARAMS = st.dictionaries(TEXT, PARAM, max_size=4)


def some(model: type[Tags], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Tags]:
    """Tags of some fields, as an update of a run writes them."""
    assert set(fields) == set(model.model_fields)
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: model(**given))


SEARCH_TAGS = some(
    SearchTags,
    layout=st.just(LAYOUT),
    search=TEXT,
    task=TEXT,
    user=TEXT,
    state=st.sampled_from(get_args(SearchState)),
    before=st.sampled_from(get_args(SearchState)),
    reason=TEXT,
    begun=st.booleans(),
    budget=COUNT,
    metric=TEXT,
    mode=st.sampled_from(["min", "max"]),
    data=TEXT,
    data_name=TEXT,
    data_source=TEXT,
    code=TEXT,
    version=TEXT,
    versions=st.dictionaries(TEXT, TEXT, max_size=3),
    commit=TEXT,
    dirty=st.booleans(),
    device=TEXT,
    driver=TEXT,
    process=TEXT,
    heartbeat=FINITE,
    wall=FINITE,
    trials=st.dictionaries(st.sampled_from(["total", "running", *ENDS]), COUNT),
    eta=FINITE,
    baseline=FINITE,
    best=FINITE,
    best_run=TEXT,
)
TRIAL_TAGS = some(
    TrialTags,
    search=TEXT,
    number=COUNT,
    state=st.sampled_from(get_args(State)),
    reason=TEXT,
    node=TEXT,
    value=FINITE,
    best_epoch=COUNT,
    eligible=st.booleans(),
    best_params=PARAMS,
)
VERSION_TAGS = some(
    VersionTags,
    search=TEXT,
    metric=TEXT,
    value=FINITE,
    data=TEXT,
    folds=COUNT,
    classes=st.lists(TEXT, max_size=4).map(tuple),
)


@given(st.one_of(SEARCH_TAGS, TRIAL_TAGS, VERSION_TAGS))
def test_what_is_written_is_read_back(tags: Tags) -> None:
    written = tags.encode()
    assert set(written) == {f"{PREFIX}{field}" for field in tags.model_fields_set}
    read = type(tags).decode(written | {"mlflow.user": "ada", f"{PREFIX}unknown": "x"})
    for field in tags.model_fields_set:
        value = getattr(tags, field)
        assert getattr(read, field) == value
        assert repr(getattr(read, field)) == repr(value), "1 is no true, and 1.0 no 1"


def test_only_what_is_given_is_written() -> None:
    assert SearchTags().encode() == {}
    assert SearchTags(state="failed").encode() == {"tuneyard.state": "failed"}
    assert SearchTags(user=None, eta=None).encode() == {}
    assert TrialTags(eligible=False, value=0.25).encode() == {
        "tuneyard.value": "0.25",
        "tuneyard.eligible": "false",
    }


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("state", "strange"),
        ("budget", "many"),
        ("begun", "perhaps"),
        ("mode", "best"),
        ("wall", "1e999"),
        ("baseline", "nan"),
        ("heartbeat", "-inf"),
        ("trials", "{"),
        ("trials", '["total"]'),
    ],
)
def test_what_is_not_of_its_type_has_its_default(field: str, text: str) -> None:
    known = SearchTags(layout=LAYOUT, search="mine", budget=7, best=0.5).encode()
    read = SearchTags.decode(known | {SearchTags.key(field): text})
    assert getattr(read, field) == getattr(SearchTags(), field)
    assert (read.search, read.best) == ("mine", 0.5)


def test_a_condition_of_a_query() -> None:
    assert SearchTags.condition("task", "LIKE", "%") == "tags.`tuneyard.task` LIKE '%'"
    with pytest.raises(AssertionError):
        SearchTags.condition("user", "=", "' or '1'='1")
    with pytest.raises(AssertionError):
        SearchTags.key("no_such_field")


# what the version before wrote

BEGUN = {
    "tuneyard.search": "mine",
    "tuneyard.task": "diabetes",
    "tuneyard.budget": "7",
    "tuneyard.state": "stopped",
    "tuneyard.metric": "val_loss",
    "tuneyard.mode": "min",
    "tuneyard.folds": "1",
    "tuneyard.data": "abc",
    "tuneyard.heartbeat": "1700000000.25",
    "tuneyard.driver": "host:12",
    "tuneyard.wall": "12.5",
}


def test_a_search_of_the_version_before_that_had_begun() -> None:
    read = SearchTags.decode(BEGUN)
    assert (read.layout, read.begun, read.trials) == (1, True, NO_TRIALS)
    assert read.objective == Objective("val_loss", "min")
    assert (read.heartbeat, read.driver, read.wall) == (1700000000.25, "host:12", 12.5)
    counted = SearchTags.decode(BEGUN | {"tuneyard.trials": '{"total": 2, "completed": 2}'})
    assert counted.trials == {"total": 2, "completed": 2}


def test_a_search_of_the_version_before_in_the_queue() -> None:
    queued = {key: BEGUN[key] for key in list(BEGUN)[:3]} | {"tuneyard.state": "queued"}
    read = SearchTags.decode(queued)
    assert (read.layout, read.state, read.begun, read.trials) == (1, "queued", False, NO_TRIALS)
    assert (read.objective, read.wall, read.heartbeat) == (None, None, 0.0)


def test_a_search_from_before_there_were_counts() -> None:
    gone = ("budget", "heartbeat", "driver", "wall")
    read = SearchTags.decode({k: v for k, v in BEGUN.items() if not k.endswith(gone)})
    assert (read.layout, read.begun, read.trials) == (0, True, {})


@pytest.mark.parametrize(
    ("tags", "eligible"),
    [
        ({"tuneyard.candidate": "true"}, True),
        ({}, False),
        ({"tuneyard.eligible": "true"}, True),
        # resumed since
        ({"tuneyard.candidate": "true", "tuneyard.eligible": "false"}, False),
    ],
)
def test_an_eligible_trial_of_either_version(tags: dict[str, str], eligible: bool) -> None:
    assert TrialTags.decode({"tuneyard.number": "0"} | tags).eligible is eligible


def test_a_model_version_of_the_version_before() -> None:
    ranked = {"tuneyard.metric": "val_loss", "tuneyard.value": "0.5", "tuneyard.folds": "1"}
    before = VersionTags.decode(ranked | {"tuneyard.classes": "null"})
    assert (before.value, before.classes) == (0.5, None)
    assert before.is_ranked_like(VersionTags(metric="val_loss", folds=1, value=0.1, classes=()))
    assert not before.is_ranked_like(VersionTags(metric="val_loss", folds=5, value=0.1))
    named = VersionTags.decode(ranked | {"tuneyard.classes": '["Dutch", "Greek"]'})
    assert named.classes == ("Dutch", "Greek")


# there is a tag of the name `search`, too
MODULES = tuple(f"{PREFIX}{package}" for package in ("search.", "spaces", "trainables", "datasets"))


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The strings of a module, and those within its f-strings, that begin as a tag does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # in a filter of MLflow's, the name stands in the middle
            for word in re.findall(r"\btuneyard\.\w[\w.]*", node.value):
                if not word.startswith(MODULES):
                    yield node.lineno, word


def test_a_literal_is_found_in_every_form() -> None:
    found = literals(
        'a = "tuneyard.state"\nb = f"tags.`tuneyard.user` = {a}"\nc = "tuneyard.search"'
    )
    assert sorted(name for _, name in found) == [
        "tuneyard.search",
        "tuneyard.state",
        "tuneyard.user",
    ]
    assert not list(literals('COMMAND = "python -m tuneyard.search.jobs.runner"'))


def test_no_other_module_spells_a_tag() -> None:
    wrong = [
        f"{path.relative_to(SEARCH.parent)}:{line} spells {name}"
        for path in sorted(SEARCH.rglob("*.py"))
        if path != SEARCH / "tracking" / "tags.py"
        for line, name in literals(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)
