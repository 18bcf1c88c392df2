"""The runs of a search in MLflow: queued, started, resumed, finished, and found again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, RunStatus
from mlflow.exceptions import MlflowException

from tuneyard.datasets import Data
from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.state import SearchState
from tuneyard.search.spec.names import NAME
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.tracking.client import set_tags, without_repeats
from tuneyard.search.tracking.heartbeat import driver_tags
from tuneyard.search.tracking.tags import LAYOUT, NO_TRIALS, SearchTags, TrialTags
from tuneyard.search.tracking.versions import commit, versions
from tuneyard.search.trials.record import ENDS
from tuneyard.spaces.registry import Code

PAGE = 1000
SPEC = "spec.yaml"
PARENT_RUN = "mlflow.parentRunId"
"""MLflow's own tag, which nests a trial's run in its search's."""

_STATUS: dict[SearchState, str] = {
    "completed": "FINISHED",
    "stopped": "KILLED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}
"""What a search's end is in MLflow."""


@dataclass(frozen=True)
class SearchRun:
    """Where a search is in MLflow; its address is redacted."""

    tracking_uri: str
    experiment_id: str
    run_id: str

    @classmethod
    def of(cls, client: MlflowClient, run: Run) -> SearchRun:
        """The place of a search's run."""
        return cls(redacted(client.tracking_uri), run.info.experiment_id, run.info.run_id)


@dataclass(frozen=True)
class ChildRun:
    """A trial's run as it was when the search was resumed.

    Attributes:
        run_id: MLflow's id.
        ended: Whether it is closed.
    """

    run_id: str
    ended: bool


def find_experiment(client: MlflowClient, task: str) -> str:
    """The id of the experiment ``tuneyard/<task>``, which is made where it is missing.

    Raises:
        SearchError: A person deleted it.
    """
    name = f"tuneyard/{task}"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # another search of the task has made it meanwhile
        return find_experiment(client, task)
    if experiment.lifecycle_stage != "active":
        raise SearchError(
            f"the experiment {name} was deleted in MLflow at {redacted(client.tracking_uri)}; "
            "restore it there, or name another store with --tracking-uri"
        )
    return experiment.experiment_id


def find_search(client: MlflowClient, name: str) -> Run | None:
    """The run of a search; None where there is no such search."""
    if not NAME.fullmatch(name):
        return None
    experiments = client.search_experiments(filter_string="name LIKE 'tuneyard/%'")
    found = client.search_runs(
        [experiment.experiment_id for experiment in experiments],
        filter_string=" and ".join(
            # the runs of its trials name the search too, but no task
            [SearchTags.condition("search", "=", name), SearchTags.condition("task", "LIKE", "%")]
        ),
        max_results=1,
    )
    return found[0] if found else None


def queue_search(client: MlflowClient, spec: SearchSpec, user: str | None) -> SearchRun:
    """Makes the run of a search that waits for its turn.

    Args:
        client: Of the tracking server.
        spec: The search, with its name.
        user: Who submitted it.

    Raises:
        SearchError: There is a search of that name, or its experiment was deleted.
    """
    if find_search(client, str(spec.name)):
        raise SearchError(f"there is a search {spec.name!r} already; give another name")
    experiment_id = find_experiment(client, spec.task)
    return _make_run(client, experiment_id, spec, SearchTags(state="queued", user=user))


def start_search(
    client: MlflowClient, search: ResolvedSpec, data: Data, code: Code | None = None
) -> SearchRun:
    """Makes the run of a search that runs now."""
    spec = search.recorded()
    experiment_id = find_experiment(client, spec.task)
    # with its driver: one that dies before its first heartbeat is known to have died
    said = driver_tags().model_copy(update={"state": "running"})
    run = _make_run(client, experiment_id, spec, said)
    describe_search(client, run, search, data, code)
    return run


def _make_run(
    client: MlflowClient,
    experiment_id: str,
    spec: SearchSpec,
    said: SearchTags,
) -> SearchRun:
    tags = SearchTags(
        layout=LAYOUT,
        search=str(spec.name),
        task=spec.task,
        begun=False,
        budget=spec.trials,
        trials=NO_TRIALS,
    )
    with without_repeats():
        run = client.create_run(
            experiment_id, tags=tags.encode() | said.encode(), run_name=spec.name
        )
    client.log_text(run.info.run_id, spec.to_yaml(), SPEC)
    return SearchRun.of(client, run)


def describe_search(
    client: MlflowClient,
    run: SearchRun,
    search: ResolvedSpec,
    data: Data,
    code: Code | None = None,
) -> None:
    """Says in the run that the search runs, what it is, and on which data."""
    spec, objective = search.recorded(), search.task.objective
    at = commit(Path.cwd())
    tags = SearchTags(
        layout=LAYOUT,
        state="running",
        reason="",
        begun=True,
        budget=spec.trials,
        metric=objective.metric,
        mode=objective.mode,
        data=data.fingerprint,
        data_name=data.name,
        data_source=data.source,
        version=version("tuneyard"),
        versions=versions(),
        commit=at[0] if at else None,
        dirty=at[1] if at else None,
        device="cuda" if search.resources.gpus else "cpu",
        code=code.digest if code else None,
    )
    client.update_run(run.run_id, status="RUNNING")
    # with a heartbeat at once: that of the driver before is old
    set_tags(
        client, run.run_id, tags.model_copy(update=driver_tags().model_dump(exclude_unset=True))
    )
    known = client.get_run(run.run_id).data.params
    for key, value in spec.model_dump(mode="json").items():
        # params can't change; what a resume changes is in the tags and in the file
        if value is not None and key not in known:
            text = value if isinstance(value, str) else json.dumps(value)
            client.log_param(run.run_id, key, text)
    client.log_text(run.run_id, spec.to_yaml(), SPEC)
    schema = search.space.config_type.model_json_schema()
    client.log_dict(run.run_id, schema, "space.schema.json")
    for name, text in (code.sources if code else {}).items():
        client.log_text(run.run_id, text, f"code/{name}")


def queued_spec(client: MlflowClient, run: Run) -> str:
    """The spec of a search as YAML, as it was queued or started."""
    with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
        return Path(client.download_artifacts(run.info.run_id, SPEC, here)).read_text()


def finish_search(client: MlflowClient, result: SearchResult, table: str) -> None:
    """Writes a result to the parent run: metrics, ``result.json`` and ``trials.csv``."""
    run_id = result.mlflow.run_id
    values: dict[str, float | None] = {f"baseline_{result.objective.metric}": result.baseline.value}
    if result.best:
        set_tags(client, run_id, SearchTags(best_run=result.best.mlflow_run_id))
        values |= result.best.test
        values["improvement_percent"] = result.improvement
    for name, value in values.items():
        if value is not None:
            client.log_metric(run_id, name, value)
    client.log_text(run_id, result.model_dump_json(indent=2), "result.json")
    client.log_text(run_id, table, "trials.csv")


def end_search(client: MlflowClient, run_id: str, state: SearchState) -> None:
    """Closes a search's run, and only then says so in its tag `state`."""
    client.set_terminated(run_id, _STATUS[state])
    set_tags(client, run_id, SearchTags(state=state))


def children_of(run_id: str) -> str:
    """MLflow's filter for the runs of a search's trials; a person may have nested others there."""
    numbered = TrialTags.condition("number", "LIKE", "%")
    return f"tags.`{PARENT_RUN}` = '{run_id}' and {numbered}"


def find_children(client: MlflowClient, run: SearchRun) -> dict[int, Run]:
    """The runs of a search's trials by number."""
    found: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(
            [run.experiment_id],
            filter_string=children_of(run.run_id),
            max_results=PAGE,
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            break
    return {TrialTags.decode(child.data.tags).number: child for child in found}


def has_end(child: Run) -> bool:
    """Whether a trial's run says how the trial has ended; it says so last of all."""
    closed = RunStatus.is_terminated(RunStatus.from_string(child.info.status))
    return closed and TrialTags.decode(child.data.tags).state in ENDS


def close_trials(client: MlflowClient, run: SearchRun) -> None:
    """Closes the runs of a search's trials that its driver has left open."""
    for child in find_children(client, run).values():
        if not RunStatus.is_terminated(RunStatus.from_string(child.info.status)):
            set_tags(client, child.info.run_id, TrialTags(state="interrupted", eligible=False))
            client.set_terminated(child.info.run_id, "KILLED")


def close_search(client: MlflowClient, run: Run) -> None:
    """Closes what a driver that was killed left open, and stops the search."""
    place = SearchRun.of(client, run)
    close_trials(client, place)
    set_tags(client, place.run_id, SearchTags(heartbeat=0.0))
    end_search(client, place.run_id, "stopped")


def refuse_search(client: MlflowClient, run: Run, reason: str) -> None:
    """Takes a search whose driver did not begin it out of the queue, and says why.

    It is again what it was before it was put there; a search that never was anything has failed.
    One that its driver has begun says itself how it has ended.
    """
    tags = SearchTags.decode(run.data.tags)
    if tags.state != "queued":
        return
    if tags.before is None:
        client.set_terminated(run.info.run_id, "FAILED")
    set_tags(client, run.info.run_id, SearchTags(state=tags.before or "failed", reason=reason))
