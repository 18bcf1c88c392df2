"""What the command line prints for people: whole, aligned, and nothing in it read as markup."""

import re
from typing import Annotated, Any, Literal, get_args

import pytest

from tuneyard.search.cli.output import print_resume
from tuneyard.search.results.comparison import short
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
)
from tuneyard.search.results.state import SearchState
from tuneyard.search.results.tables import print_result, print_space, print_table
from tuneyard.search.spec.settings import Settings
from tuneyard.spaces import Float, Int, Length
from tuneyard.spaces.fields.optimizers import SGD
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective


class ShownSpace(TrainingSpace):
    """One leaf of every kind."""

    rate: Annotated[float, Float(1e-5, 0.1, log=True)] = 0.0123456789
    width: Annotated[int, Int(8, 64, step=8)] = 16
    sizes: Annotated[tuple[Annotated[int, Int(2, 8)], ...], Length(1, 2)] = (4,)
    flag: bool = True
    word: Literal["a", ":x:", "[b]"] = "[b]"
    optimizer: SGD = SGD()


def rows(text: str) -> list[list[str]]:
    """The cells of a printed table."""
    return [re.split(r"  +", line.strip()) for line in text.splitlines() if line.strip()]


def test_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    print_space(ShownSpace.space().narrow({"schedule.kind": ["constant", "step"]}))
    shown = {row[0]: row[1:] for row in rows(capsys.readouterr().out)}
    assert shown["path"] == ["type", "domain", "baseline", "exists where"]
    assert shown["rate"] == ["float", "[1e-05, 0.1] log", "0.01235"]
    assert shown["width"] == ["int", "[8, 64] step 8", "16"]
    assert shown["sizes.length"] == ["int", "[1, 2]", "1"]
    assert shown["sizes.1"] == ["int", "[2, 8]", "4", "sizes.length=2"]
    assert shown["flag"] == ["bool", "false, true", "true"]
    assert shown["word"] == ["choice", "a, :x:, [b]", "[b]"]
    assert shown["schedule.kind"] == ["choice", "constant, step", "constant"]
    assert shown["schedule.step.gamma"] == ["float", "[0.05, 0.9]", "0.1", "schedule.kind=step"]
    assert shown["optimizer.weight_decay"][-1] == "optimizer.weight_decay.on=true"
    assert shown["epochs"] == ["fixed", "100"]
    searched = len(ShownSpace.space().narrow({"schedule.kind": ["constant", "step"]}).dimensions())
    assert shown[f"{searched} dimensions are searched"] == []


def test_nothing_is_cut_or_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 500
    print_table(("name", "what"), [("[bold]a[/bold]", ":warning: [/x]"), ("b", long)])
    out = capsys.readouterr().out
    assert "[bold]a[/bold]  :warning: [/x]" in out
    assert out.count("x") == 500 + 1
    assert max(len(line) for line in out.splitlines()) <= 160


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1e-7, "1e-07"),
        (12345678.0, "1.235e+07"),
        (5, "5"),
        (True, "true"),
        (None, "none"),
        ("[b]", "[b]"),
    ],
)
def test_a_value(value: Any, text: str) -> None:
    assert short(value) == text


def result(**changes: Any) -> SearchResult:
    values: dict[str, Any] = {
        "search": "my-search",
        "task": "diabetes",
        "state": "completed",
        "objective": Objective(metric="val_accuracy", mode="max"),
        "trials": {"total": 9, "completed": 6, "early_stopped": 1, "pruned": 2, "failed": 0},
        "baseline": BaselineResult(value=0.75, config={"kind": "sgd", "sgd.lr": 0.1, "l1": None}),
        "best": BestResult(
            value=0.81,
            config={"kind": "adam", "adam.lr": 0.00123456, "l1": None},
            epoch=7,
            mlflow_run_id="run-of-the-best",
            test={"test_accuracy": 0.79, "test_loss": 0.5},
        ),
        "mlflow": MlflowResult(tracking_uri="sqlite:///m.db", experiment_id="1", run_id="parent"),
        "wall_s": 1.25,
    }
    return SearchResult(**(values | changes))


def test_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result())
    out = capsys.readouterr().out
    assert "Search my-search completed: 9 trials (6 completed, 1 early stopped, 2 pruned)\n" in out
    shown = rows(out)
    assert ["baseline", "val_accuracy", "0.75"] in shown
    assert ["best", "val_accuracy", "0.81", "+8.0 %"] in shown
    assert ["best, on the test split", "test_accuracy", "0.79"] in shown
    assert ["best, on the test split", "test_loss", "0.5"] in shown
    assert ["parameter", "baseline", "best"] in shown
    assert ["kind", "sgd", "adam"] in shown
    assert ["adam.lr", "0.001235"] in shown
    assert ["l1", "none", "none"] in shown
    assert ["sgd.lr", "0.1"] in shown
    assert "MLflow run of the best trial: run-of-the-best\n" in out
    assert re.search(r"MLflow run of the search: +parent\n", out)


def test_a_result_without_a_best(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = BaselineResult(value=None, config={})
    print_result(result(state="failed", best=None, baseline=nothing, trials={"total": 2}))
    out = capsys.readouterr().out
    assert ["baseline", "val_accuracy", "none"] in rows(out)
    assert "best" not in out


@pytest.mark.parametrize("state", get_args(SearchState))
def test_every_state_is_said_and_who_was_cut_short_can_go_on(
    state: SearchState, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = {"total": 5, "completed": 3, "pruned": 1}
    found = result(state=state, trials=trials)
    print_result(found)
    print_resume(found, Settings(storage="my searches", tracking_uri="sqlite:///my.db"))
    out = capsys.readouterr().out
    rest = "running" if state == "running" else "unfinished"
    counts = f"3 completed, 1 pruned, 1 {rest}"
    assert f"Search my-search {state}: 5 trials ({counts})\n" in out
    again = "tuneyard resume my-search --storage 'my searches' --tracking-uri sqlite:///my.db"
    assert (f"\nGo on with it: {again}\n" in out) == (state in ("interrupted", "stopped"))


def test_a_default_is_not_typed(capsys: pytest.CaptureFixture[str]) -> None:
    print_resume(result(state="stopped"), Settings(storage="tuneyard-searches"))
    assert capsys.readouterr().out == "\nGo on with it: tuneyard resume my-search\n"
