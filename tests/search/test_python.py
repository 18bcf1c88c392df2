"""`search` and `resume` as Python calls them: what they take, and what they give back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tuneyard.search
from tuneyard.search import (
    Outcome,
    SearchError,
    SearchResult,
    SearchSpec,
    Settings,
    python,
    resume,
    search,
)
from tuneyard.search.spec.budget import Budget
from tuneyard.search.tracking.client import MlflowClient

SHORT = {"folds": 1, "space": {"epochs": 3}, "scheduler": "none", "max_concurrent_trials": 1}


@pytest.fixture
def settings(store: MlflowClient, tmp_path: Path) -> Settings:
    return Settings(storage=tmp_path / "searches", tracking_uri=store.tracking_uri)


@pytest.mark.usefixtures("local_ray")
def test_a_search_and_its_resume(settings: Settings) -> None:
    found = search("linear-regression", settings, trials=2, name="mine", **SHORT)
    assert isinstance(found, Outcome)
    assert (found.search, found.task, found.state) == ("mine", "linear-regression", "completed")
    assert found.best is not None
    assert found.baseline.value == found.trials["value"][0]
    assert found.best.value == found.trials["value"].min()
    assert found.counts["total"] == len(found.trials) == 2
    assert found.curves.groupby("trial")["epoch"].max().tolist() == [3, 3]
    curve = found.curves[found.curves["trial"] == 0]
    assert curve[found.objective.metric].min() == found.baseline.value
    assert (found.trials["seconds"] > 0).all()

    model = found.load_model()
    assert isinstance(model, nn.Module)
    assert model(torch.tensor([[2.0], [3.0]])).shape == (2,)

    more = resume("mine", settings, Budget(trials="+1"))
    assert more.counts["total"] == len(more.trials) == 3
    assert len(found.trials) == 2, "an outcome stays what it was"
    assert isinstance(more.load_model(), nn.Module)


@pytest.mark.usefixtures("local_ray")
def test_a_whole_spec(settings: Settings) -> None:
    spec = SearchSpec.model_validate({"task": "linear-regression", "trials": 1})
    found = search(spec, settings)
    assert found.counts["total"] == 1
    assert isinstance(found.result, SearchResult)


def test_a_spec_takes_no_fields_beside_it(settings: Settings) -> None:
    with pytest.raises(SearchError, match="trials must be a field of the SearchSpec"):
        search(SearchSpec(task="diabetes"), settings, trials=3)


@pytest.mark.parametrize(
    ("task", "fields", "line"),
    [
        ("diabetis", {}, "did you mean 'diabetes'|diabetes"),
        ("diabetes", {"trails": 5}, "'trails' is not a key of a search; did you mean .*trials"),
        ("diabetes", {"trials": 0}, "trials"),
    ],
)
def test_what_is_wrong_costs_a_line(
    settings: Settings, task: str, fields: dict[str, object], line: str
) -> None:
    with pytest.raises(SearchError, match=line) as refused:
        search(task, settings, **fields)
    assert "\n" not in str(refused.value)
    assert not Path(settings.storage).exists()


@pytest.mark.parametrize("notebook", [True, False])
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        (Settings(), None),
        (Settings(display=True), True),
        (Settings(display=False), False),
    ],
)
def test_progress_is_shown_in_a_notebook(
    monkeypatch: pytest.MonkeyPatch, notebook: bool, given: Settings | None, shown: bool | None
) -> None:
    """Unless the settings say whether it is."""
    seen: list[Settings] = []

    def stop(spec: SearchSpec, settings: Settings) -> SearchResult:
        seen.append(settings)
        raise SearchError("stop here")

    monkeypatch.setattr(python, "in_notebook", lambda: notebook)
    monkeypatch.setattr("tuneyard.search.api.search", stop)
    with pytest.raises(SearchError, match="stop here"):
        search("diabetes", given)
    assert seen[0].display is (notebook if shown is None else shown)


def test_the_package_names_them() -> None:
    for name in tuneyard.search.__all__:
        assert getattr(tuneyard.search, name)
    assert tuneyard.search.search is python.search
    assert tuneyard.search.resume is python.resume
