"""The epochs of a trial: told once, and all of them again after a checkpoint."""

from __future__ import annotations

from pathlib import Path

from tuneyard.trainables.worker.history import History


def test_epochs_are_told_once() -> None:
    history = History()
    history.add({"loss": 0.5})
    history.add({"loss": 0.4, "accuracy": 0.9})
    assert history.take() == {"loss": [0.5, 0.4], "accuracy": [None, 0.9]}
    assert history.take() == {}, "a report without an epoch has none"
    history.add({"loss": 0.3})
    assert history.take() == {"loss": [0.3]}


def test_a_checkpoint_tells_them_all_again_to_its_own_trial(tmp_path: Path) -> None:
    history = History()
    history.add({"loss": 0.5})
    history.take()
    history.save(tmp_path, 3)
    own, another = History(), History()
    own.load(tmp_path, 3)
    own.add({"loss": 0.4})
    assert own.take() == {"loss": [0.5, 0.4]}
    another.load(tmp_path, 4)
    assert another.take() == {}
