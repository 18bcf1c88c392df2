"""`search` and `resume` as Python calls them: what they take, and what they give back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from tuneyard.spaces import Float, SearchSpace, SpaceError
from tuneyard.trainables import Trial

SHORT = {"folds": 1, "space": {"epochs": 3}, "scheduler": "none", "max_concurrent_trials": 1}


@pytest.fixture
def settings(store: MlflowClient, tmp_path: Path) -> Settings:
    return Settings(storage=tmp_path / "searches", tracking_uri=store.tracking_uri)


@pytest.mark.usefixtures("local_ray")
def test_a_search_and_its_resume(settings: Settings) -> None:
    found = search("linear-regression", settings=settings, trials=2, name="mine", **SHORT)
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
    found = search(spec, settings=settings)
    assert found.counts["total"] == 1
    assert isinstance(found.result, SearchResult)


def test_a_spec_takes_no_fields_beside_it(settings: Settings) -> None:
    with pytest.raises(SearchError, match="trials is for another form: a whole SearchSpec"):
        search(SearchSpec(task="diabetes"), settings=settings, trials=3)


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
        search(task, settings=settings, **fields)
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
        search("diabetes", settings=given)
    assert seen[0].display is (notebook if shown is None else shown)


def test_the_package_names_them() -> None:
    for name in tuneyard.search.__all__:
        assert getattr(tuneyard.search, name)
    assert tuneyard.search.search is python.search
    assert tuneyard.search.resume is python.resume


class Space(SearchSpace):
    """One number."""

    x: Annotated[float, Float(-2.0, 2.0)] = 1.0


def parabola(config: Space, trial: Trial) -> None:
    for epoch in trial.epochs(2):
        trial.report(height=(config.x - 0.5) ** 2 + 1 / epoch)


@pytest.mark.usefixtures("local_ray")
def test_a_function_and_its_resume(settings: Settings) -> None:
    given: dict[str, Any] = {"objective": "min height", "settings": settings, "scheduler": "none"}
    found = search(parabola, Space, trials=3, name="own", max_concurrent_trials=1, **given)
    assert (found.state, found.task) == ("completed", "parabola")
    assert found.baseline.value == 0.75
    assert found.trials["x"][0] == 1.0
    assert len(resume("own", settings, Budget(trials="+1")).trials) == 4


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(("scheduler", "said"), [("asha", True), ("none", False)])
def test_that_the_epochs_are_not_known_is_said(
    settings: Settings, caplog: pytest.LogCaptureFixture, scheduler: str, said: bool
) -> None:
    def train(config: Space, trial: Trial) -> None:
        for _ in trial.epochs(round(config.x)):
            trial.report(height=config.x)

    given: dict[str, Any] = {"objective": "min height", "settings": settings, "trials": 1}
    search(train, Space, scheduler=scheduler, **given)
    line = f"the number of epochs is not known, so {scheduler} stops no trial early"
    assert (line in caplog.text) == said


@pytest.mark.parametrize(
    ("arguments", "fields", "line"),
    [
        ((parabola,), {}, "a function needs the class of its configs: search(train, Space, objec"),
        ((parabola, {"x": 1}), {}, "a function needs the class of its configs"),
        ((parabola, Space), {}, 'a function needs an objective, e.g. objective="max accuracy"'),
        ((parabola, Space), {"objective": "height"}, "objective must read 'max METRIC' or 'min"),
        ((parabola, Space), {"objective": "min height", "trails": 3}, "'trails' is not a key of"),
        (("diabetes",), {"objective": "min height"}, "objective is for another form"),
        ((Space,), {}, "Space has no description: derive it from Task"),
        (("no.py",), {}, "no.py does not exist; write a file to start with: tuneyard new no.py"),
    ],
)
def test_what_is_wrong_with_a_function(
    settings: Settings, arguments: tuple[Any, ...], fields: dict[str, Any], line: str
) -> None:
    with pytest.raises((SearchError, SpaceError)) as error:
        search(*arguments, settings=settings, **fields)
    assert line in str(error.value)
    assert not Path(str(settings.storage)).exists()
