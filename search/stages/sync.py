"""Sync: what MLflow lacks of a search, written from the search's folder alone."""

from __future__ import annotations

from dataclasses import asdict

from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import MlflowResult, SearchResult
from tuneyard.search.results.state import SearchState
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.stages.explore import GIVE_UP_SECONDS, known_runs
from tuneyard.search.stages.publish import TABLE
from tuneyard.search.stages.recorded import RecordedData, RecordedSearch
from tuneyard.search.stages.register import register_tested
from tuneyard.search.stages.tested import kept_tested
from tuneyard.search.storage.checkpoints import BestCheckpoints
from tuneyard.search.storage.folder import RESULT, SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.tracking.client import MlflowClient, Run
from tuneyard.search.tracking.recorder import Recorder
from tuneyard.search.tracking.runs import (
    SearchRun,
    end_search,
    find_children,
    find_search,
    finish_search,
    start_search,
)
from tuneyard.search.tracking.state import settle
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.trials.record import TrialRecord
from tuneyard.spaces.registry import find_code


def write_lacking(
    client: MlflowClient, folder: SearchFolder, recorded: RecordedSearch
) -> SearchState:
    """Writes the search's run, the runs of its trials, its best checkpoints, its model, its result.

    Args:
        client: Of the tracking server.
        folder: Of the search, whose lock is held.
        recorded: What the search is; its code, where it is a user's own, was opened.

    Returns:
        The state of the search.

    Raises:
        SearchError: MLflow did not take everything.
    """
    search = ResolvedSpec.of(recorded.spec, name=folder.search)
    parent = find_search(client, folder.search)
    data = recorded.data or _known_data(parent)
    code = find_code(recorded.spec.task)
    run = SearchRun.of(client, parent) if parent else start_search(client, search, data, code)
    records = _write_trials(client, folder, search, run)
    result = _read_result(folder)
    best = best_trial(records, search.task.objective)
    tested = kept_tested(folder, best) if best else None
    if best is not None and tested is not None:
        register_tested(client, folder, search, data, best, tested)
    if result is None:
        settle(client, client.get_run(run.run_id))
        return "interrupted"
    _finish(client, folder, run, result, best)
    return result.state


def _write_trials(
    client: MlflowClient, folder: SearchFolder, search: ResolvedSpec, run: SearchRun
) -> list[TrialRecord]:
    """The trials that have ended, each with its run; MLflow has them when it returns."""
    files = TrialFiles(folder)
    clock = Clock(search.spec.trials, None)
    runs = known_runs(find_children(client, run))
    recorder = Recorder(client, run, search, clock, files, folder, runs)
    checkpoints = BestCheckpoints(
        search.task.objective,
        search.spec.keep_checkpoints,
        folder,
        recorder.writer,
        at_end=search.spec.scheduler.population,
    )
    records = [trial.record for trial in files.ended_trials()]
    for record in records:
        recorder.restored(record)
        checkpoints.restored(record)
    checkpoints.search_started()
    checkpoints.search_ended()
    if lacking := recorder.writer.flush(GIVE_UP_SECONDS):
        raise SearchError(
            f"MLflow did not answer for {GIVE_UP_SECONDS:g} s: {lacking} runs lack values there; "
            "sync again later"
        )
    for record in records:
        record.run_id = recorder.run_id(record.number)
    return records


def _finish(
    client: MlflowClient,
    folder: SearchFolder,
    run: SearchRun,
    result: SearchResult,
    best: TrialRecord | None,
) -> None:
    """Writes the result, with the runs that the trials have now."""
    place = MlflowResult(**asdict(run))
    found = result.best
    if found is not None and best is not None:
        found = found.model_copy(update={"mlflow_run_id": best.run_id})
    written = result.model_copy(update={"mlflow": place, "best": found})
    finish_search(client, written, folder.read(TABLE))
    folder.write(RESULT, written.model_dump_json(indent=2))
    end_search(client, run.run_id, result.state)


def _read_result(folder: SearchFolder) -> SearchResult | None:
    """The result of a search that has ended; None for one that has not."""
    try:
        return SearchResult.model_validate_json(folder.read(RESULT))
    except (OSError, ValueError):
        return None


def _known_data(parent: Run | None) -> RecordedData:
    """What MLflow knows of the data, where the folder of an earlier version does not say it."""
    tags = SearchTags.decode(parent.data.tags) if parent else SearchTags()
    return RecordedData(tags.data_name or "", tags.data_source or "", tags.data or "", ())
