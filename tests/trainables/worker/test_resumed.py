"""A trial that an earlier run of its search left unfinished goes on from its checkpoint."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.datasets import airplane
from tuneyard.spaces import Value
from tuneyard.spaces.tasks.airplane_lstm import AirplaneLstmSpace
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable

Begun = tuple[dict[str, Any], Path]
DATA = airplane.load()
PARAMS: dict[str, Value] = AirplaneLstmSpace.space().flatten(
    AirplaneLstmSpace(epochs=6, dropout=0.3)
)


@pytest.fixture
def trial(start: Any, asked: Any) -> Callable[..., TrialTrainable]:
    """A trial of this process, from a checkpoint or its beginning; steps end at `stops`."""

    def make(checkpoint: Path | None = None, *stops: int, **changes: Value) -> TrialTrainable:
        setup = TrialSetup("airplane-lstm", (DATA,), milestones=frozenset(stops))
        made: TrialTrainable = start(config(asked, checkpoint, **changes), setup)
        return made

    return make


def config(asked: Any, checkpoint: Path | None = None, **changes: Value) -> Any:
    params = PARAMS | {path.replace("__", "."): value for path, value in changes.items()}
    return asked(params, 3, PARAMS, checkpoint)


def to_the_end(trial: TrialTrainable) -> list[dict[str, Any]]:
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    return results


def joined(results: list[dict[str, Any]], metric: str) -> list[float]:
    return [value for result in results for value in result["history"][metric]]


@pytest.fixture
def begun(trial: Any, tmp_path: Path) -> Begun:
    """The result of three epochs, and the checkpoint after them."""
    one = trial(None, 3)
    result = one.step()
    one.save_checkpoint(str(tmp_path))
    return result, tmp_path


def test_it_trains_as_if_it_had_never_stopped(begun: Begun, trial: Any) -> None:
    first, checkpoint = begun
    whole = to_the_end(trial())
    rest = to_the_end(trial(checkpoint))
    assert (first["epoch"], rest[-1]["epoch"]) == (3, 6)
    for metric in ("train_loss", "val_rmse"):
        # what it had trained before is told once more
        assert joined(rest, metric) == joined(whole, metric)
        assert joined([first], metric) == joined(whole, metric)[:3]
    for name in ("objective", "best_epoch", "best_params", "reason"):
        assert rest[-1][name] == whole[-1][name]


def test_it_goes_on_with_what_pbt_had_changed(begun: Begun, trial: Any) -> None:
    _, checkpoint = begun
    same = to_the_end(trial(checkpoint))
    changed = to_the_end(trial(checkpoint, optimizer__adam__lr=0.001))
    assert changed[-1]["epoch"] == 6
    assert joined(changed, "train_loss")[:3] == joined(same, "train_loss")[:3]
    assert joined(changed, "train_loss")[4:] != joined(same, "train_loss")[4:]


FILES = ("state.pt", "config.json", "history.json")


def cut_short(name: str) -> Callable[[Path], None]:
    def cut(checkpoint: Path) -> None:
        path = checkpoint / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def overwrite(name: str) -> Callable[[Path], None]:
    def spoil(checkpoint: Path) -> None:
        path = checkpoint / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return spoil


def lose(name: str) -> Callable[[Path], None]:
    return lambda checkpoint: (checkpoint / name).unlink()


def empty(checkpoint: Path) -> None:
    for path in checkpoint.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    "tear",
    [
        *(damage(name) for damage in (cut_short, overwrite) for name in FILES),
        lose("state.pt"),
        lose("config.json"),
        empty,
    ],
)
def test_a_torn_checkpoint_costs_only_its_epochs(
    begun: Begun,
    trial: Any,
    tear: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, checkpoint = begun
    tear(checkpoint)
    with caplog.at_level(logging.WARNING, "tuneyard"):
        results = to_the_end(trial(checkpoint))
    assert results == to_the_end(trial())
    (said,) = [record.message for record in caplog.records]
    assert said.startswith(f"{checkpoint} can't be read, the trial starts anew: ")


def test_the_next_trial_of_an_actor_starts_at_the_beginning(
    begun: Begun, trial: Any, asked: Any
) -> None:
    _, checkpoint = begun
    one = trial(checkpoint)
    to_the_end(one)
    assert one.reset_config(config(asked))
    assert to_the_end(one) == to_the_end(trial())


def test_what_ray_restores_wins_over_the_earlier_run(
    begun: Begun, trial: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A worker was lost after the resumed trial had saved again."""
    _, checkpoint = begun
    later = tmp_path_factory.mktemp("later")
    one = trial(checkpoint, 5)
    assert one.step()["epoch"] == 5
    one.save_checkpoint(str(later))
    restored = trial(checkpoint)
    restored.load_checkpoint(str(later))
    (last,) = to_the_end(restored)
    assert (last["epoch"], len(last["history"]["val_rmse"])) == (6, 6)
