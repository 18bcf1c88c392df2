"""`TestedModel`: what the test of the best model has found, kept for a resume and for a sync."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.trials.record import TrialRecord
from tuneyard.trainables.training.sealed import DamagedError

TESTED = "tested.json"


@dataclass(frozen=True)
class TestedModel:
    """The best trial's model, tested.

    Attributes:
        trial: The number of the trial.
        epoch: The epoch of its weights.
        metrics: Those of the test split, as ``test_<metric>``.
        saved: Whether its files are in the search's folder.
    """

    __test__ = False  # no test of pytest's

    trial: int
    epoch: int
    metrics: dict[str, float]
    saved: bool


def keep_tested(folder: SearchFolder, tested: TestedModel) -> None:
    """Writes down that the model was tested; its files are there already."""
    folder.seal(TESTED, asdict(tested))


def kept_tested(folder: SearchFolder, best: TrialRecord) -> TestedModel | None:
    """The test of the best trial's model; None where it was not tested yet."""
    try:
        tested = TestedModel(**folder.unseal(TESTED))
    except (OSError, DamagedError, TypeError):
        return None
    return tested if (tested.trial, tested.epoch) == (best.number, best.best_epoch) else None
