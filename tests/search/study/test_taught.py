"""What samplers learn from: failed trials as the worst ones, and the newest and best of many."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from tuneyard.search.spec.samplers import GP, TPE, CmaEs, Grid, Sampler, SamplerOptions
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.study import Study
from tuneyard.search.trials.record import Params, State, TrialRecord
from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.spaces.objective import Objective


class Descent(SearchSpace):
    """Gradient descent with momentum on a parabola of curvature 30: half of its space diverges."""

    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-3
    momentum: Annotated[float, Float(0.0, 0.95)] = 0.0


def descend(params: Params) -> float | None:
    """The loss after 200 steps; None where it diverged. The best rates border on divergence."""
    lr, momentum = float(params["lr"] or 0), float(params["momentum"] or 0)
    weight, velocity = 1.0, 0.0
    for _ in range(200):
        velocity = momentum * velocity + 30.0 * weight
        weight -= lr * velocity
        if abs(weight) > 1e6:
            return None
    return max(weight**2, 1e-20)


class Wide(SearchSpace):
    """Enough configs for a long grid."""

    a: Annotated[int, Int(1, 100)] = 1
    b: Annotated[int, Int(1, 100)] = 1


class Witness(SamplerOptions):
    """Draws at random; `seen` has the trials that the last proposal could be learnt from."""

    summary: ClassVar[str] = "a witness"
    seen: ClassVar[list[FrozenTrial]] = []

    kind: Literal["witness"] = "witness"

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        class Draws(optuna.samplers.RandomSampler):
            def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
                ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
                Witness.seen[:] = study.get_trials(states=ended)

        return Draws(seed=seed)


class PrunedWitness(Witness):
    """Learns from pruned trials as well, and looks at 20."""

    learns_from_pruned: ClassVar[bool] = True

    @property
    def most_trials(self) -> int:
        return 20


Start = Callable[..., Study]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """``start(sampler)``: the study of a search, resumed if it is there."""

    def make(
        sampler: SamplerOptions,
        mode: Literal["min", "max"] = "min",
        space: type[SearchSpace] = Descent,
        seed: int = 0,
        name: str = "s",
    ) -> Study:
        folder = SearchFolder(tmp_path, name)
        if not Path(tmp_path, name).exists():
            folder.make()
        objective = Objective("val_loss", mode)
        files = TrialFiles(folder)
        return Study(space.space(), objective, sampler, folder, files, seed=seed, name=name)

    return make


def end(study: Study, asked: tuple[int, Params], value: float | None, state: State) -> None:
    record = TrialRecord(*asked, current=asked[1])
    study.started(record)
    if value is not None:
        record.epoch, record.value = 3, value
        study.progressed(record, {"val_loss": [value]})
    record.state = record.reason = state
    study.ended(record)


def ask(study: Study) -> tuple[int, Params]:
    asked = study.ask()
    assert asked is not None
    return asked


LEARNERS: list[tuple[Sampler, int]] = [(TPE(), 60), (CmaEs(), 60), (GP(), 20)]


@pytest.mark.parametrize(
    ("sampler", "trials"), LEARNERS, ids=[sampler.kind for sampler, _ in LEARNERS]
)
def test_a_sampler_leaves_the_region_that_diverges(
    start: Start, sampler: Sampler, trials: int
) -> None:
    """Where TPE and GP are not told of failures, nearly all of the later trials diverge."""
    diverged = []
    for seed in range(3):
        study = start(sampler, seed=seed, name=str(seed))
        for number in range(trials):
            asked = ask(study)
            value = descend(asked[1])
            end(study, asked, value, "completed" if value is not None else "diverged")
            diverged += [value is None] if number >= trials // 2 else []
    assert sum(diverged) < len(diverged) / 3, f"{sum(diverged)} of {len(diverged)} diverged"


FAILED: list[State] = ["diverged", "out_of_memory", "failed"]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("state", FAILED)
def test_a_failed_trial_has_the_worst_value(
    start: Start, state: State, mode: Literal["min", "max"]
) -> None:
    """To a sampler that ignores pruned trials; whatever the trial reached before it failed."""
    study = start(Witness(), mode)
    failed = ask(study)
    end(study, failed, 5.0, state)
    asked = ask(study)
    assert [trial.state for trial in Witness.seen] == [TrialState.FAIL], "nothing to compare with"
    end(study, asked, 2.0, "completed")
    end(study, ask(study), 3.0, "completed")
    end(study, ask(study), 1.0 if mode == "max" else 4.0, "pruned")
    ask(study)
    worst = 3.0 if mode == "min" else 2.0
    assert [trial.value for trial in Witness.seen[:3]] == [worst, 2.0, 3.0]
    assert Witness.seen[0].state == TrialState.COMPLETE
    assert Witness.seen[0].params == failed[1]
    end(study, ask(study), 9.0 if mode == "min" else 0.5, "early_stopped")
    ask(study)
    assert Witness.seen[0].value == (9.0 if mode == "min" else 0.5), "it stays the worst"


@pytest.mark.parametrize("state", FAILED)
def test_a_failed_trial_is_infeasible_beside_pruned_ones(start: Start, state: State) -> None:
    study = start(PrunedWitness())
    for value, ends in ((5.0, state), (2.0, "completed"), (3.0, "pruned"), (None, state)):
        end(study, ask(study), value, ends)
    ask(study)
    seen = Witness.seen
    assert [trial.state.name for trial in seen] == ["PRUNED", "COMPLETE", "PRUNED", "PRUNED"]
    assert [sum(trial.constraints.values()) for trial in seen] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("sampler", [Witness(), PrunedWitness()], ids=["values", "pruned"])
def test_a_resumed_sampler_learns_the_same(start: Start, sampler: SamplerOptions) -> None:
    def known() -> list[Any]:
        return [(one.number, one.state, one.values, one.constraints) for one in Witness.seen]

    study = start(sampler)
    ends: list[State] = ["completed", "diverged", "early_stopped", "failed"]
    for number, state in enumerate(ends):
        end(study, ask(study), float(number), state)
    ask(study)
    before = known()
    assert study.close(20) == 0
    study = start(sampler)
    assert study.unfinished == [4]
    # the unfinished trial is proposed again when the study is rebuilt
    assert known() == before


def test_the_mirror_says_what_has_happened(start: Start, tmp_path: Path) -> None:
    """Other tools are shown failed trials as such, without a value or a constraint."""
    study = start(TPE())
    for number, state in enumerate(("completed", *FAILED)):
        end(study, ask(study), float(number), state)
    assert study.close(20) == 0
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "s/study.journal"))
    storage = optuna.storages.JournalStorage(backend)
    trials = optuna.load_study(study_name="s", storage=storage).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "FAIL", "FAIL"]
    assert [trial.value for trial in trials] == [0.0, None, None, None]
    assert [trial.user_attrs["state"] for trial in trials] == ["completed", *FAILED]
    assert not any(trial.constraints for trial in trials)


def test_of_many_trials_the_newest_and_the_best_are_looked_at(start: Start) -> None:
    study = start(PrunedWitness())
    values = [abs(100.0 - number) for number in range(200)]
    for value in values[:20]:
        end(study, ask(study), value, "completed")
    ask(study)
    assert len(Witness.seen) == 20
    for value in values[20:]:
        end(study, ask(study), value, "completed")
    ask(study)
    # a fifth are the best of all, around trial 100
    seen = [trial.value or 0.0 for trial in Witness.seen]
    assert sorted(seen)[:4] == sorted(values)[:4]
    assert seen[4:] == values[-16:]
    assert len(study.curves()) == 200


def test_a_late_start_of_tpe_is_a_start(start: Start) -> None:
    """After more random trials than it looks at otherwise, it proposes what has been good."""
    study = start(TPE(startup_trials=300))
    for _ in range(300):
        asked = ask(study)
        end(study, asked, float(asked[1]["momentum"] or 0), "completed")
    found = []
    for _ in range(10):
        asked = ask(study)
        found.append(float(asked[1]["momentum"] or 0))
        end(study, asked, found[-1], "completed")
    assert max(found) < 0.5, found


def test_a_resumed_grid_goes_on_after_hundreds(start: Start) -> None:
    """With each config of the grid once, as far as it has come."""
    study = start(Grid(points=100), space=Wide)
    asked = [ask(study) for _ in range(300)]
    for one in asked:
        end(study, one, 1.0, "completed")
    assert study.close(20) == 0
    study = start(Grid(points=100), space=Wide)
    asked += [ask(study) for _ in range(50)]
    assert [number for number, _ in asked] == list(range(350))
    expected = [Wide.space().flatten(config) for config in islice(Wide.space().grid(100), 350)]
    assert [params for _, params in asked] == expected
