"""Searches cut short and resumed, on a real Ray: no trial is lost, run twice or counted twice."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest
import torch
from pyarrow.fs import FileSelector

from tuneyard.search import SearchError, SearchResult, Settings
from tuneyard.search.api import resume
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.storage.folder import CHECKPOINTS, SEARCH, SearchFolder
from tuneyard.search.tracking.client import connect
from tuneyard.search.tracking.runs import queue_search
from tuneyard.trainables.training.checkpoint import load_params, load_state

pytestmark = pytest.mark.usefixtures("local_ray")


def ended(records: Any) -> dict[int, tuple[Any, ...]]:
    """Of each trial that the study holds: how it ended, and what its run in MLflow says."""
    runs = {int(run.data.tags["tuneyard.number"]): run for run in records.children}
    found = {}
    for number, trial in records.trials.items():
        run = runs.get(number)
        told = (run.info.run_id, run.info.end_time, run.info.status) if run else None
        found[number] = (trial.user_attrs["state"], trial.user_attrs["value"], told)
    return found


def check_resumed(
    records: Any,
    result: SearchResult,
    before: dict[int, tuple[Any, ...]],
    runs: dict[int, str],
    went_on: Set[int] = frozenset(),
) -> None:
    """Everything is as in a search that was never cut, and what had ended is as it was."""
    records.check(result)
    after = ended(records)
    for number, (state, value, run) in before.items():
        assert after[number][:2] == (state, value)
        if run is not None and run[2] != "RUNNING":  # MLflow, too, had heard of its end
            assert after[number][2] == run
    now = {int(run.data.tags["tuneyard.number"]): run.info.run_id for run in records.children}
    kept = {number: run for number, run in runs.items() if number in before.keys() | went_on}
    assert kept.items() <= now.items(), "a trial that had ended, or that goes on, keeps its run"
    best = records.client.get_model_version_by_alias("tuneyard-airplane-lstm", "champion")
    assert result.best is not None
    assert best.run_id == result.best.mlflow_run_id
    assert records.parent.data.tags["tuneyard.state"] == result.state


def numbered(records: Any) -> dict[int, str]:
    return {int(run.data.tags["tuneyard.number"]): run.info.run_id for run in records.children}


@pytest.fixture
def went_on(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The trials that this process lets go on from a checkpoint."""
    found: set[int] = set()
    real = SearchFolder.set_aside

    def set_aside(self: SearchFolder, number: int) -> str | None:
        earlier = real(self, number)
        found.update([number] if earlier else [])
        return earlier

    monkeypatch.setattr(SearchFolder, "set_aside", set_aside)
    return found


def everything(settings: Settings, records: Any) -> object:
    """All that a refused command could have changed."""
    folder = Path(str(settings.storage)).parent
    files = {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "mlflow.db" not in path.name
    }
    return files, [run.to_dictionary() for run in (records.parent, *records.children)]


def refused(settings: Settings, name: str, budget: Budget | None = None) -> str:
    with pytest.raises(SearchError) as error:
        resume(name, settings, budget)
    (line,) = str(error.value).splitlines()
    return line


def test_a_driver_that_is_killed_then_more_trials(
    settings: Settings, drivers: Any, records: Any
) -> None:
    left = records(settings, "cut")
    driver = drivers.start(
        settings,
        task="airplane-lstm",
        name="cut",
        trials=12,
        folds=1,
        scheduler={"kind": "asha", "grace_period": 10},
        space={"epochs": 40},
    )
    folder = SearchFolder(settings.storage, "cut")
    drivers.wait(driver, lambda: folder.exists() and len(left.trials) >= 3 and left.children)
    assert refused(settings, "cut").startswith("search 'cut' runs: its driver is process ")
    drivers.kill(driver)
    before, runs = ended(left), numbered(left)
    assert 3 <= len(before) < 12

    check_refusals(settings, left)
    result = resume("cut", settings)
    assert (result.state, result.trials["total"]) == ("completed", 12)
    check_resumed(left, result, before, runs)
    line = refused(settings, "cut")
    assert line == "search 'cut' has run its 12 trials; give it more with --trials +100"

    before, runs = ended(left), numbered(left)
    result = resume("cut", settings, Budget(trials="+3"))
    assert (result.state, result.trials["total"]) == ("completed", 15)
    check_resumed(left, result, before, runs)
    assert left.parent.data.tags["tuneyard.budget"] == "15"
    configs = [tuple(sorted(run.data.params.items())) for run in left.children]
    assert len(set(configs)) == 15


def check_refusals(settings: Settings, left: Any) -> None:
    """What can't be resumed as asked costs one line, and changes nothing."""
    unchanged = everything(settings, left)
    assert refused(settings, "uncut").startswith("there is no search and no task 'uncut' in sqlite")
    elsewhere = settings.model_copy(update={"storage": settings.storage / "other"})
    assert refused(elsewhere, "cut") == (
        f"the folder of search 'cut' is not in {settings.storage}/other; name where it is with "
        "--storage"
    )
    line = refused(settings, "cut", Budget(trials="1"))
    assert line.endswith("trials; give it more with --trials +100")
    assert everything(settings, left) == unchanged
    known = left.folder.unseal(SEARCH)
    left.folder.seal(SEARCH, known | {"data": known["data"] | {"fingerprint": "0" * 64}})
    line = refused(settings, "cut")
    assert line.startswith("the data of search 'cut' has changed since it was started (sha256 0000")
    left.folder.seal(SEARCH, known)
    assert everything(settings, left) == unchanged


def test_a_search_that_was_stopped(settings: Settings, drivers: Any, records: Any) -> None:
    """A grid: what was proposed before does not come again."""
    left = records(settings, "stopped")
    driver = drivers.start(
        settings,
        task="airplane-lstm",
        name="stopped",
        trials=6,
        folds=1,
        sampler={"kind": "grid", "points": 12},
        scheduler="none",
        space=FIXED | {"lookback": {"low": 2, "high": 30}, "epochs": 60},
    )
    folder = SearchFolder(settings.storage, "stopped")
    drivers.wait(driver, lambda: folder.exists() and len(left.trials) >= 2)
    drivers.interrupt(driver)
    assert left.parent.info.status == "KILLED"
    assert left.parent.data.tags["tuneyard.state"] == "stopped"
    before, runs = ended(left), numbered(left)
    assert before.keys() == runs.keys()
    cut = sum(state == "pruned" for state, _, _ in before.values())

    result = resume("stopped", settings)
    assert (result.state, result.trials["total"], result.trials["pruned"]) == ("completed", 6, cut)
    check_resumed(left, result, before, runs)
    assert len({run.data.params["lookback"] for run in left.children}) == 6


FIXED = {
    "optimizer.kind": "adam",
    "optimizer.adam.lr": 0.01,
    "optimizer.adam.beta1": 0.9,
    "optimizer.adam.weight_decay": None,
    "schedule.kind": "constant",
    "l1": None,
    "clip_norm": None,
    "transform": "none",
    "cell": "lstm",
    "hidden_size": 4,
    "num_layers": 1,
    "dropout": 0.0,
    "residual": False,
}


def saved(folder: SearchFolder) -> dict[int, list[str]]:
    """The checkpoints of each trial, oldest first."""
    found: dict[int, list[str]] = {}
    for info in folder.filesystem.get_file_info(
        FileSelector(f"{folder.path}/{CHECKPOINTS}", recursive=True, allow_not_found=True)
    ):
        name = info.path.removeprefix(f"{folder.path}/{CHECKPOINTS}/").removesuffix("/state.pt")
        if info.base_name == "state.pt":
            found.setdefault(int(name.partition("/")[0]), []).append(name)
    return {number: sorted(names) for number, names in found.items()}


def saved_whole(folder: SearchFolder) -> set[int]:
    """The trials with a checkpoint that a training can go on from."""
    return {
        number
        for number, names in saved(folder).items()
        if any(is_whole(folder, f"{CHECKPOINTS}/{name}") for name in names)
    }


def is_whole(folder: SearchFolder, name: str) -> bool:
    try:
        with folder.fetched(name) as here:
            return "epoch" in load_state(here, torch.device("cpu")) and bool(load_params(here))
    except Exception:  # it was being written when its driver was killed
        return False


def test_hyperband_goes_on_with_what_it_paused(
    settings: Settings, drivers: Any, records: Any, went_on: set[int]
) -> None:
    """Of the 81 epochs' brackets the first has 5 trials, all whole; the next pauses its at 27."""
    left = records(settings, "paused")
    driver = drivers.start(
        settings,
        task="airplane-lstm",
        name="paused",
        trials=10,
        folds=1,
        scheduler="hyperband",
        space=FIXED | {"lookback": {"low": 2, "high": 30}, "epochs": 81},
    )
    folder = SearchFolder(settings.storage, "paused")
    drivers.wait(driver, lambda: len(saved(folder)) >= 2)
    drivers.kill(driver)
    before, runs = ended(left), numbered(left)
    assert len(before) >= 2
    whole = saved_whole(folder) - before.keys()
    assert whole

    result = resume("paused", settings)
    assert (result.state, result.trials["total"]) == ("completed", 10)
    check_resumed(left, result, before, runs, went_on)
    assert went_on == whole


def test_pbt_on_an_object_store_and_a_database(
    settings: Settings,
    drivers: Any,
    records: Any,
    went_on: set[int],
    object_store: str,
    postgres: Any,
) -> None:
    """As on a cluster: queued, run by a driver that is killed, and gone on with elsewhere.

    The population goes on from its checkpoints, all but one, whose own are torn.
    """
    settings = settings.model_copy(update={"storage": object_store, "studies": postgres.address})
    pbt = {"kind": "pbt", "interval": 10, "resample": 0.0}
    spec = parse_spec(
        {
            "task": "airplane-lstm",
            "name": "queued",
            "trials": 5,
            "folds": 1,
            "scheduler": pbt,
            "space": {"epochs": 60},
        }
    )
    queue_search(connect(settings.tracking_uri), spec, "somebody")
    left = records(settings, "queued")
    driver = drivers.resume(settings, "queued")
    folder = SearchFolder(object_store, "queued")
    drivers.wait(driver, lambda: len(saved(folder)) >= 4)
    drivers.kill(driver)
    before, runs = ended(left), numbered(left)
    whole = saved_whole(folder) - before.keys()
    assert len(whole) >= 2
    torn = max(whole)
    for name in saved(folder)[torn]:
        with folder.filesystem.open_output_stream(
            f"{folder.path}/{CHECKPOINTS}/{name}/state.pt"
        ) as stream:
            stream.write(b"torn")

    result = resume("queued", settings)
    assert (result.state, result.trials["total"]) == ("completed", 5)
    check_resumed(left, result, before, runs, went_on)
    assert left.parent.data.tags["tuneyard.user"] == "somebody"
    assert went_on == whole - {torn}
    for number in whole:
        assert max(left.epochs(left.children[number])) == 60
    changed = [
        point
        for one in left.children
        for name in one.data.metrics
        if name.startswith("optimizer.")
        for point in left.client.get_metric_history(one.info.run_id, name)
    ]
    assert changed, "what the scheduler changes is a stepped metric"
    assert all(point.step > 1 for point in changed)
