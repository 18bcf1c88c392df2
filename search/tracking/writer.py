"""Writes to MLflow on a thread of its own, which tries again until MLflow has taken everything."""

from __future__ import annotations

import itertools
import logging
import queue
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from tuneyard.search.retry import Backoff
from tuneyard.search.storage.folder import LostSearchError, SearchFolder
from tuneyard.search.tracking.client import without_repeats

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
MAX_WAIT_SECONDS = 10.0
# MLflow takes 1,000 entities in a batch, 100 of them params
MAX_METRICS = 800
MAX_PARAMS = 100


@dataclass
class _Run:
    """What one run still lacks in MLflow; only the writer's thread reads and changes it."""

    name: str
    start_time: int
    tags: dict[str, str]
    run_id: str | None = None
    continued: bool = False
    instead_of: str | None = None
    known: dict[str, set[int]] = field(default_factory=dict)
    asked_for: bool = False
    params: dict[str, str] = field(default_factory=dict)
    metrics: deque[Metric] = field(default_factory=deque)
    files: deque[Callable[[str], None]] = field(default_factory=deque)
    status: str | None = None
    end_time: int | None = None

    @property
    def lacks(self) -> bool:
        return bool(
            self.run_id is None
            or self.tags
            or self.params
            or self.metrics
            or self.files
            or self.status
        )


class MlflowWriter:
    """The queue between a search and MLflow: every call returns at once.

    Args:
        client: Of the tracking server.
        experiment_id: Where runs are made.
        folder: Of the search; once another driver works there, nothing more is written.
    """

    def __init__(self, client: MlflowClient, experiment_id: str, folder: SearchFolder) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._folder = folder
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._runs: dict[int, _Run] = {}
        self._backoff = Backoff(2 * FLUSH_SECONDS, MAX_WAIT_SECONDS)
        self._warned = False
        self._thread = threading.Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._thread.start()

    def start(
        self,
        key: int,
        name: str,
        tags: Mapping[str, str],
        run_id: str | None = None,
        *,
        instead_of: str | None = None,
    ) -> None:
        """Makes a run, or continues one; `key` names it in the other calls.

        A value that a run which is continued has at some step already is not written again.

        Args:
            key: Of the run.
            name: Of a run that is made.
            tags: That it has from its beginning.
            run_id: Of the run that is continued.
            instead_of: The run that one which is made takes the place of: it is deleted, which
                MLflow can undo.
        """
        run = _Run(name, _now(), dict(tags), run_id, run_id is not None, instead_of)
        self._queue.put(lambda: self._runs.update({key: run}))

    def log(
        self,
        key: int,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, Mapping[int, float]] | None = None,
    ) -> None:
        """Logs params, tags, and metrics, each by its values at some steps."""
        now = _now()

        def take() -> None:
            run = self._runs[key]
            run.params |= params or {}
            run.tags |= tags or {}
            for name, values in (metrics or {}).items():
                run.metrics.extend(Metric(name, value, now, step) for step, value in values.items())

        self._queue.put(take)

    def upload(self, key: int, folder: SearchFolder, name: str, artifact_path: str | None) -> None:
        """Logs a folder within a search's folder as artifacts of a run."""

        def log(run: str) -> None:
            with folder.fetched(name) as files:
                self._client.log_artifacts(run, str(files), artifact_path)

        self._file(key, log)

    def save(self, key: int, files: Mapping[str, bytes]) -> None:
        """Logs files, by their names, as artifacts of a run."""

        def log(run: str) -> None:
            with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
                for name, content in files.items():
                    (Path(here) / name).write_bytes(content)
                self._client.log_artifacts(run, here)

        self._file(key, log)

    def remove(self, key: int, artifact_path: str, then: Callable[[], None]) -> None:
        """Deletes artifacts of a run, then calls `then`."""

        def delete(run: str) -> None:
            artifacts = self._client.get_run(run).info.artifact_uri
            repository = get_artifact_repository(artifacts, tracking_uri=self._client.tracking_uri)
            repository.delete_artifacts(artifact_path)  # type: ignore[no-untyped-call]
            then()

        self._file(key, delete)

    def _file(self, key: int, act: Callable[[str], None]) -> None:
        self._queue.put(lambda: self._runs[key].files.append(act))

    def end(self, key: int, status: str) -> None:
        """Ends a run: FINISHED, KILLED or FAILED."""
        ended = _now()

        def take() -> None:
            self._runs[key].status = status
            self._runs[key].end_time = ended

        self._queue.put(take)

    def reopen(self, key: int) -> None:
        """Sets a run that has ended to running again."""

        def take() -> None:
            self._runs[key].status = "RUNNING"

        self._queue.put(take)

    def run_id(self, key: int) -> str | None:
        """MLflow's id of a run; None before it is made."""
        run = self._runs.get(key)
        return run.run_id if run else None

    def flush(self, give_up_after: float) -> int:
        """Writes all that was asked for until now, and stops writing.

        Args:
            give_up_after: Seconds for which a server that is away is waited for.

        Returns:
            How many runs still lack something in MLflow.
        """
        self._backoff.give_up_after(give_up_after)
        self._queue.put(None)
        self._thread.join()
        return sum(run.lacks for run in self._runs.values())

    def _work(self) -> None:
        wait, closing = FLUSH_SECONDS, False
        while True:
            closing = self._drain(wait) or closing
            try:
                took_all = self._write_all()
            except LostSearchError:
                # the search's own thread says so
                self._runs.clear()
                return
            if took_all:
                self._backoff.reset()
                wait = FLUSH_SECONDS
                if closing:
                    return
            else:
                if closing and self._backoff.gave_up:
                    return
                wait = self._backoff.wait()

    def _drain(self, seconds: float) -> bool:
        """Takes what is asked for within some seconds; True when that was the last."""
        until = time.monotonic() + seconds
        while True:
            remaining = until - time.monotonic()
            try:
                take = self._queue.get(timeout=max(remaining, 0))
            except queue.Empty:
                return False
            if take is None:
                return True
            take()

    def _write_all(self) -> bool:
        """Whether MLflow took everything that there was."""
        took_all = True
        for run in self._runs.values():
            if run.lacks:
                self._folder.check_driver()
                try:
                    self._write(run)
                except Exception as error:
                    away = not self._answers()
                    if not self._warned:
                        what = "does not answer" if away else f"does not take {run.name}"
                        logger.warning("MLflow %s, trying again: %s", what, error)
                        self._warned = True
                    if away:
                        return False
                    took_all = False
        if self._warned and took_all:
            logger.warning("MLflow answers again")
            self._warned = False
        return took_all

    def _answers(self) -> bool:
        try:
            self._client.search_experiments(max_results=1)
        except Exception:
            return False
        return True

    def _write(self, run: _Run) -> None:
        """Writes one run; what MLflow took is dropped, so that the next attempt continues there."""
        if run.instead_of is not None:
            self._replace(run, run.instead_of)
        if run.run_id is None:
            run.run_id = self._made_before(run) or self._make(run)
        while run.params or run.tags or run.metrics:
            params = dict(list(run.params.items())[:MAX_PARAMS])
            metrics = list(itertools.islice(run.metrics, MAX_METRICS))
            self._client.log_batch(
                run.run_id,
                metrics=[metric for metric in metrics if self._is_new(run, metric)],
                params=[Param(key, value) for key, value in params.items()],
                tags=[RunTag(key, value) for key, value in run.tags.items()],
            )
            run.params = {key: run.params[key] for key in run.params if key not in params}
            run.tags = {}
            for _ in metrics:
                run.metrics.popleft()
        while run.files:
            run.files[0](run.run_id)
            run.files.popleft()
        if run.status:
            self._client.set_terminated(run.run_id, run.status, run.end_time)
            run.status = None

    def _replace(self, run: _Run, before: str) -> None:
        """Deletes the run that one takes the place of; who may not do that continues it."""
        try:
            if self._client.get_run(before).info.lifecycle_stage == LifecycleStage.ACTIVE:
                self._client.delete_run(before)
        except MlflowException as error:
            if error.error_code != "PERMISSION_DENIED":
                raise
            run.run_id, run.continued, run.status = before, True, run.status or "RUNNING"
        run.instead_of = None

    def _is_new(self, run: _Run, metric: Metric) -> bool:
        """Whether a run lacks a value: the driver before may have written it."""
        if not run.continued:
            return True
        if metric.key not in run.known:
            found = self._client.get_metric_history(str(run.run_id), metric.key)
            run.known[metric.key] = {one.step for one in found}
        return metric.step not in run.known[metric.key]

    def _make(self, run: _Run) -> str:
        run.asked_for = True
        with without_repeats():
            made = self._client.create_run(
                self._experiment_id, run.start_time, run.tags, run_name=run.name
            )
        run.tags = {}
        return str(made.info.run_id)

    def _made_before(self, run: _Run) -> str | None:
        """The run that MLflow made when its answer was lost; None where it did not."""
        if not run.asked_for:
            return None
        found = self._client.search_runs(
            [self._experiment_id],
            f"attributes.run_name = '{run.name}' and attributes.start_time = {run.start_time}",
            max_results=1,
        )
        return str(found[0].info.run_id) if found else None


def _now() -> int:
    return int(time.time() * 1000)
