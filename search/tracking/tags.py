"""The tags ``tuneyard.*`` of MLflow's runs and model versions, typed; no other file spells them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError

from tuneyard.search.frozen import Frozen
from tuneyard.search.results.state import SearchState
from tuneyard.search.trials.record import ENDS, Params, State
from tuneyard.spaces.objective import Objective

PREFIX = "tuneyard."
LAYOUT = 2
"""The version of a search's tags.

0: before there were counts, a budget and a heartbeat. 1: a search that no driver had begun lacked
``metric`` and ``trials``, and an eligible trial was one with ``candidate``. 2: all states are said.
"""

NO_TRIALS: dict[str, int] = dict.fromkeys(("total", "running", *ENDS), 0)
"""The counts of a search that has not started a trial."""


def _parsed(value: object) -> object:
    """What a tag holds as JSON."""
    return json.loads(value) if isinstance(value, str) else value


Counts = Annotated[dict[str, int], BeforeValidator(_parsed)]
Names = Annotated[tuple[str, ...], BeforeValidator(_parsed)]
Versions = Annotated[dict[str, str], BeforeValidator(_parsed)]
ChangedParams = Annotated[Params, BeforeValidator(_parsed)]


class Tags(Frozen):
    """Tags of one run or model version; the field `state` is the tag ``tuneyard.state``.

    Only the fields that are given are written, so that a few of them update a run. A field that is
    None is not written either.
    """

    @classmethod
    def key(cls, field: str) -> str:
        """The name of a field's tag."""
        assert field in cls.model_fields, field
        return f"{PREFIX}{field}"

    @classmethod
    def condition(cls, field: str, operator: Literal["=", "!=", "LIKE"], value: str) -> str:
        """A condition of MLflow's query language on a field's tag.

        Args:
            field: Of this class.
            operator: Between the tag and the value.
            value: Without quotes in it.
        """
        assert "'" not in value, value
        return f"tags.`{cls.key(field)}` {operator} '{value}'"

    def encode(self) -> dict[str, str]:
        """The tags of the fields that were given, as text by name."""
        given = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set
        }
        return {self.key(name): _text(value) for name, value in given.items() if value is not None}

    @classmethod
    def decode(cls, tags: Mapping[str, str]) -> Self:
        """The fields of some tags: one that is missing, or not of its type, has its default."""
        found = cls._said_by_absence(tags.keys()) | {
            field: tags[cls.key(field)] for field in cls.model_fields if cls.key(field) in tags
        }
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            return cls.model_validate(
                {field: value for field, value in found.items() if field not in wrong}
            )

    @classmethod
    def _said_by_absence(cls, names: Collection[str]) -> dict[str, object]:
        """The fields that an earlier version did not write but meant, by the tags that it wrote."""
        del names
        return {}


class SearchTags(Tags):
    """A search, on its parent run.

    `data_name`, `data_source`, `version` and `best_run` are read by people in MLflow alone: where
    the data came from, what recorded the search, and which of its trials is the best.

    Attributes:
        layout: `LAYOUT`, as of when its driver began last.
        search: Its name.
        task: Its task.
        user: Whose token submitted it; None for a search that was not submitted.
        state: Where it is between the queue and its end, as its driver or the service said.
        before: Its state before it was put into the queue again.
        reason: Why its last driver has not begun; empty where there is no such reason.
        begun: Whether a driver has ever begun it.
        budget: Trials that it may have.
        metric: The metric that ranks trials; None as long as no driver has begun it.
        mode: Which direction of the metric is better.
        data: The fingerprint of its data.
        data_name: The data's name.
        data_source: Where the data came from.
        version: Of tuneyard, as of when its driver began last.
        versions: Of Python and the libraries, as of then.
        commit: Of the repository that its driver began in; None outside of one.
        dirty: Whether files there differed from that commit.
        device: What its trials train on: ``cpu`` or ``cuda``.
        code: The digest of a user's own code; None for an installed task.
        driver: Host and process of its driver, as ``host:1234``.
        process: Which of all processes that ever had this number it is; see
            `tuneyard.search.tracking.heartbeat.process_of`.
        heartbeat: When its driver wrote last, in Unix seconds.
        wall: Seconds that it has taken; None before the first heartbeat.
        trials: Trials so far: ``total``, ``running``, and by how they ended.
        eta: Estimate of the seconds that remain; None without one.
        baseline: The baseline's value; None before it has one.
        best: The best value so far; None before there is one.
        best_run: The best trial's run, once the search has ended.
    """

    layout: int = 0
    search: str = ""
    task: str = ""
    user: str | None = None
    state: SearchState = "failed"
    before: SearchState | None = None
    reason: str = ""
    begun: bool = False
    budget: int = 0
    metric: str | None = None
    mode: Literal["min", "max"] = "min"
    data: str | None = None
    data_name: str | None = None
    data_source: str | None = None
    version: str | None = None
    versions: Versions | None = None
    commit: str | None = None
    dirty: bool | None = None
    device: str | None = None
    code: str | None = None
    driver: str = ""
    process: str = ""
    heartbeat: FiniteFloat = 0.0
    wall: FiniteFloat | None = None
    trials: Counts = Field(default_factory=dict)
    eta: FiniteFloat | None = None
    baseline: FiniteFloat | None = None
    best: FiniteFloat | None = None
    best_run: str | None = None

    @property
    def objective(self) -> Objective | None:
        """What ranks trials; None as long as no driver has begun the search."""
        return None if self.metric is None else Objective(self.metric, self.mode)

    @classmethod
    def _said_by_absence(cls, names: Collection[str]) -> dict[str, object]:
        if cls.key("layout") in names:
            return {}
        counted = cls.key("budget") in names
        meant: dict[str, object] = {
            "layout": 1 if counted else 0,
            "begun": cls.key("metric") in names,
        }
        if counted and cls.key("trials") not in names:
            meant["trials"] = NO_TRIALS
        return meant


class TrialTags(Tags):
    """A trial, on its child run.

    `search` and `node` are read by people in MLflow: by the former they find its trials.

    Attributes:
        search: The search's name.
        number: Its number in the search, from 0: the baseline; -1 where it has none.
        state: Running, or how it ended.
        reason: What ended it, in one word or line; empty as long as it runs.
        node: The host that it trained on last.
        value: Its best objective; None without one.
        best_epoch: The epoch of that value; None without one.
        eligible: Whether its model may be the search's best.
        best_params: Its parameters at its best epoch, where a scheduler had changed them.
    """

    search: str = ""
    number: int = -1
    state: State = "running"
    reason: str = ""
    node: str = ""
    value: FiniteFloat | None = None
    best_epoch: int | None = None
    eligible: bool = False
    best_params: ChangedParams | None = None

    @classmethod
    def _said_by_absence(cls, names: Collection[str]) -> dict[str, object]:
        if cls.key("eligible") not in names and f"{PREFIX}candidate" in names:
            return {"eligible": True}
        return {}


class VersionTags(Tags):
    """A registered model's version.

    Attributes:
        search: The search that it comes from; None where it comes from none.
        metric: The metric that it was ranked by.
        value: Its value of that metric.
        data: The fingerprint of the data that it was ranked on.
        folds: How many folds of the data it was ranked on.
        classes: What each column of its output is the probability of; empty or None where its
            outputs are no classes.
    """

    search: str | None = None
    metric: str | None = None
    value: FiniteFloat | None = None
    data: str | None = None
    folds: int | None = None
    classes: Names | None = None

    def is_ranked_like(self, other: VersionTags) -> bool:
        """Whether both were ranked by the same metric, on the same data and folds."""
        return (self.metric, self.data, self.folds) == (other.metric, other.data, other.folds)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    # json writes a float as repr does
    return json.dumps(value)
