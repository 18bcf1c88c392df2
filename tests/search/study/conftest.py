"""A search's study, which may be cut short and taken up again: in a journal, in a PostgreSQL."""

import random
from pathlib import Path
from typing import Annotated, Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from tuneyard.search.spec.samplers import Random, Sampler
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.study import Study
from tuneyard.search.trials.record import Params, State, TrialRecord
from tuneyard.spaces import Float, Int, Space
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective

Asked = tuple[int, Params]


class SmallSpace(TrainingSpace):
    """Some numbers that hardly come twice by chance, and a branch."""

    x: Annotated[float, Float(-1.0, 1.0)] = 0.5
    rate: Annotated[float, Float(1e-5, 1e-1, log=True)] = 1e-3
    n: Annotated[int, Int(1, 1_000_000)] = 5
    on: bool = True


FIXED = {"optimizer.kind": "sgd", "optimizer.sgd.lr": 0.1, "optimizer.sgd.momentum": 0.0}
FIXED |= {"optimizer.sgd.nesterov": False, "optimizer.sgd.weight_decay": None}
FIXED |= {"schedule.kind": "constant", "l1": None, "clip_norm": None}
SMALL = SmallSpace.space().narrow(FIXED)  # type: ignore[arg-type]


STATES: list[State] = ["completed", "pruned", "diverged", "early_stopped", "failed"]


class Search:
    """The study of one search, begun, and taken up again as often as a test likes.

    Attributes:
        name: Of the study.
        studies: Optuna storage; None for the journal in its folder.
        space: That it searches.
    """

    space = SMALL

    def __init__(self, folder: Path, studies: str | None) -> None:
        self.name = f"{folder.name}-{random.getrandbits(64):x}"
        self.folder = SearchFolder(folder, self.name)
        self.folder.make()
        self.proposals = TrialFiles(self.folder)
        self.studies = studies

    def study(self, sampler: Sampler | None = None, space: Space[Any] = SMALL) -> Study:
        return Study(
            space,
            Objective("val_loss", "min"),
            sampler or Random(),
            self.folder,
            self.proposals,
            seed=7,
            name=self.name,
            studies=self.studies,
        )

    def mirror(self) -> list[FrozenTrial]:
        """What any Optuna tool reads."""
        storage: Any = self.studies
        if storage is None:
            journal = Path(self.folder.path, "study.journal")
            storage = JournalStorage(JournalFileBackend(str(journal)))
        return optuna.load_study(study_name=self.name, storage=storage).trials

    def numbers(self) -> list[int]:
        return [trial.user_attrs["number"] for trial in self.mirror()]

    @staticmethod
    def ask(study: Study, count: int) -> list[Asked]:
        found = [study.ask() for _ in range(count)]
        assert None not in found
        return found  # type: ignore[return-value]

    @staticmethod
    def end(study: Study, asked: Asked, state: State = "completed", **more: Any) -> TrialRecord:
        """A trial that reports at two epochs, and ends."""
        record = TrialRecord(*asked, current=asked[1], run_id="a run")
        study.started(record)
        for epoch in (2, 5):
            record.epoch = record.best_epoch = epoch
            record.value = asked[0] + 1 / epoch
            study.progressed(record, {"val_loss": [record.value]})
        record.state, record.reason, record.best_params = state, f"because {state}", asked[1]
        record.metrics = {"val_loss": record.value or 0.0, "val_rmse": 0.1 + 0.2}
        for name, value in more.items():
            setattr(record, name, value)
        study.ended(record)
        return record

    def cut(self, sampler: Sampler | None = None) -> dict[int, TrialRecord]:
        """A run of eight trials of which five end, in another order; what is known of those."""
        study = self.study(sampler)
        asked = self.ask(study, 8)
        ended = {}
        for number, state in zip((6, 0, 1, 4, 3), STATES, strict=True):
            checkpoint = f"checkpoints/{number:05d}/checkpoint_000000"
            seconds = 0.1 * number
            ended[number] = self.end(
                study, asked[number], state, checkpoint=checkpoint, seconds=seconds
            )
        assert study.close(20) == 0
        return ended


@pytest.fixture
def on_journal(tmp_path: Path) -> Search:
    return Search(tmp_path, None)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres: Any) -> Search:
    return Search(tmp_path, postgres.address)


@pytest.fixture(params=["journal", "postgres"])
def search(request: pytest.FixtureRequest) -> Search:
    """Its study in a journal, and in a PostgreSQL."""
    search: Search = request.getfixturevalue(f"on_{request.param}")
    return search
