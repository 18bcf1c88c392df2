"""Tests of trials that are programs: their files, resumes, and the task around them."""

import logging
import shutil
from pathlib import Path
from typing import Any  # the fixture's class

import pytest
import torch

from tuneyard.datasets import DataError
from tuneyard.spaces import SpaceError
from tuneyard.trainables.searchable import FinalModel
from tuneyard.trainables.training.checkpoint_files import WEIGHTS

TRAIN = """
import json, os, pathlib, sys, time
from tuneyard.trainables.script.report import report

config = json.loads(os.environ["TUNEYARD_CONFIG"])
state = pathlib.Path(os.environ["TUNEYARD_FOLDER"], "state.txt")
done = int(os.environ["TUNEYARD_EPOCH"])
value = float(state.read_text()) if done else 0.0
for epoch in range(done + 1, 6):
    time.sleep(0.05)  # so that the program is stopped in here
    value += config["lr"] * epoch
    state.write_text(repr(value))
    report(epoch=epoch, accuracy=value if epoch != 4 else 0.0, test_accuracy=value / 2)
"""


# --- files and resumes


def test_a_resume_equals_an_uninterrupted_training(machine: Any, tmp_path: Path) -> None:
    whole = machine.python(TRAIN)
    metrics = machine.run(whole)
    assert len(metrics) == 5
    for split in (1, 3, 4):
        first, second = machine.python(TRAIN), machine.python(TRAIN)
        parts = [first.run_epoch() for _ in range(split)]
        machine.move(first, second)
        assert second.epoch == split
        while second.ended is None:
            parts.append(second.run_epoch())
        assert [part for part in parts if part] == metrics
        assert second.state_dict() == whole.state_dict()
        for name, folder in whole.folders.items():
            assert (second.folders[name] / "state.txt").read_text() == (
                folder / "state.txt"
            ).read_text()


def test_reports_that_nobody_took_survive_a_resume(machine: Any, tmp_path: Path) -> None:
    script = """
        echo "start $TUNEYARD_EPOCH"
        [ "$TUNEYARD_EPOCH" = 0 ] && printf '{"accuracy": 1}\\n{"accuracy": 2}\\n' && sleep 1000
        echo '{"accuracy": 3}'
    """
    first, second = machine.shell(script), machine.shell(script)
    first.run_epoch()
    machine.move(first, second)
    assert [metrics["accuracy"] for metrics in machine.run(second)] == [2, 3]
    assert second.take_artifacts() == {"output.txt": b"start 2\n"}


def test_a_program_that_starts_from_1_again_is_understood(
    machine: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = """
        for n in 1 2 3 4; do echo "{\\"epoch\\": $n, \\"accuracy\\": $n}"; sleep 0.05; done
    """
    first, second = machine.shell(script), machine.shell(script)
    for _ in range(2):
        first.run_epoch()
    machine.move(first, second)
    with caplog.at_level(logging.WARNING):
        assert [metrics["accuracy"] for metrics in machine.run(second)] == [3, 4]
    assert second.epoch == 4
    assert [record.message for record in caplog.records] == [
        "the command reports epoch 1 again; epochs up to 2 are left out"
    ]


def test_another_config_starts_the_program_again(machine: Any) -> None:
    training = machine.python(TRAIN)
    for _ in range(2):
        training.run_epoch()
    training.change(machine.space(lr=0.2))
    assert training.run_epoch()["accuracy"] == pytest.approx(0.1 * 3 + 0.2 * 3)
    assert training.epoch == 3


def test_the_files_of_the_best_epoch_are_kept(machine: Any, tmp_path: Path) -> None:
    training = machine.shell("""
        mkdir -p "$TUNEYARD_FOLDER/deep"
        mkfifo "$TUNEYARD_FOLDER/pipe"
        ln -s /nowhere "$TUNEYARD_FOLDER/link"
        for n in 1 3 2; do
            sleep 0.05
            echo $n >"$TUNEYARD_FOLDER/deep/file"
            echo "{\\"accuracy\\": $n}"
        done
    """)
    machine.run(training)
    best = training.folders["best"]
    assert (best / "deep/file").read_text() == "3\n"
    assert (training.folders["files"] / "deep/file").read_text() == "2\n"
    assert sorted(path.name for path in best.iterdir()) == ["deep", "link"]


def test_the_final_model_is_the_folder_of_the_best_epoch(machine: Any, tmp_path: Path) -> None:
    task = machine.task(TRAIN, f"{machine.interpreter} program")
    training = machine.start(task)
    metrics = machine.run(training)
    checkpoint = tmp_path / "checkpoint"
    for name, folder in training.folders.items():
        shutil.copytree(folder, checkpoint / name)
    torch.save(training.best_weights(), checkpoint / WEIGHTS)

    def finish() -> FinalModel:
        return task.finish(
            machine.space(),
            task.load(None, None),
            checkpoint=checkpoint,
            folds=1,
            epochs=5,
            seed=7,
            device=torch.device("cpu"),
        )

    final = finish()
    assert isinstance(final.model, Path)
    assert (final.model / "state.txt").read_text() == repr(metrics[4]["accuracy"])
    assert final.metrics == {"test_accuracy": metrics[4]["test_accuracy"]}
    assert final.example is None
    shutil.rmtree(final.model.parent)
    shutil.rmtree(checkpoint / "best")
    assert finish().model is None


# --- the task


def test_the_fingerprint_is_that_of_command_space_and_named_files(machine: Any) -> None:
    def fingerprint(script: str = "1", command: str = "sh program --x=other") -> str:
        data = machine.task(script, command).load(None, None)
        assert (data.name, data.source, data.classes) == ("task", "command", ())
        return data.fingerprint

    first = fingerprint()
    assert len(first) == 64
    assert fingerprint() == first
    (machine.folder / "unnamed").write_text("x")
    assert fingerprint() == first
    (machine.folder / "other").write_text("x")
    assert fingerprint() != first
    assert len({fingerprint(), fingerprint("2"), fingerprint(command="sh -e program")}) == 3


def test_a_task_is_refused_before_it_starts(machine: Any) -> None:
    with pytest.raises(SpaceError, match=r"command: \{lrr\} is not in the space; did you mean lr"):
        machine.task("", "sh program {lrr} {hidden}")
    with pytest.raises(DataError, match="task: there is no program nowhere-else; give its path"):
        machine.task("", "nowhere-else").load(None, None)
    task = machine.task("", "sh program")
    data = task.load(None, None)
    assert task.split(data, 1) == (data,)
    with pytest.raises(ValueError, match="task chooses its own validation data"):
        task.split(data, 3)


def test_close_removes_the_folders(machine: Any) -> None:
    training = machine.shell("""echo '{"accuracy": 1}'; sleep 1000""")
    training.run_epoch()
    training.close()
    training.close()
    assert not any(folder.exists() for folder in training.folders.values())
