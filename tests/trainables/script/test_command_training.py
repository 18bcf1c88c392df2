"""Tests of trials that are programs: what they report, and how they end."""

from typing import Any  # the fixture's class

import pytest

from tuneyard.trainables.script.command_errors import CommandError
from tuneyard.trainables.script.command_training import CommandTraining

# --- what it reports


def test_a_shell_script_is_a_training(machine: Any) -> None:
    training = machine.shell("""
        echo begin
        for n in 1 3 2; do
            echo "{\\"accuracy\\": 0.$n, \\"loss\\": $n}"
        done
        echo end >&2
    """)
    assert machine.run(training) == [{"accuracy": n / 10, "loss": n} for n in (1, 3, 2)]
    assert (training.epoch, training.ended) == (3, "completed")
    assert training.best is not None
    assert (training.best.epoch, training.best.value) == (2, 0.3)
    assert training.best.metrics == {"accuracy": 0.3, "loss": 3}
    assert training.take_artifacts() == {"output.txt": b"begin\nend\n"}
    assert training.take_artifacts() == {}


def test_it_knows_its_config_and_nothing_secret(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "RAY_AUTH_TOKEN",
        "TUNEYARD_TOKEN",
        "TUNEYARD_STUDIES",
        "MLFLOW_TRACKING_PASSWORD",
    ):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("TUNEYARD_DATA", "data")
    monkeypatch.setenv("TUNEYARD_CONFIG", "outer")
    monkeypatch.setenv("MY_OWN", "mine")
    task = machine.task(
        """
        import json, os, sys
        print(json.dumps(sys.argv[1:]))
        print(json.dumps(dict(os.environ)))
        print(os.getcwd(), repr(sys.stdin.read()), os.path.isdir(os.environ["TUNEYARD_FOLDER"]))
        print('{"accuracy": 1}')
        """,
        f"{machine.interpreter} program --lr {{lr}} --hidden={{hidden}}",
    )
    training = machine.start(task, machine.space(lr=0.5))
    machine.run(training)
    output = training.take_artifacts()["output.txt"].decode()
    arguments, environment, rest = output.splitlines()
    assert arguments == '["--lr", "0.5", "--hidden=2"]'
    assert "hush" not in environment
    assert '"TUNEYARD_CONFIG": "{\\"lr\\":0.5,\\"hidden\\":2}"' in environment
    for part in ('"TUNEYARD_SEED": "7"', '"TUNEYARD_DEVICE": "cpu"', '"TUNEYARD_EPOCH": "0"'):
        assert part in environment
    assert '"TUNEYARD_DATA": "data"' in environment
    assert '"MY_OWN": "mine"' in environment
    assert rest == f"{machine.folder} '' True"


def test_lines_come_whole_whatever_is_printed_around_them(machine: Any) -> None:
    training = machine.python("""
        import os, sys, time
        out = lambda data: os.write(1, data)
        out(b"\\xff\\x00\\xfe garbage \\x80\\n")
        for piece in (b'{"accur', b'acy": 1}\\r', b'\\n{"accuracy"', b': 2}\\n'):
            out(piece)
            time.sleep(0.05)
        out(b'10%\\r99%\\r{"accuracy": 3}\\n')
        sys.stdout.write("x" * 3_000_000 + '{"accuracy": 9}' + "\\n")
        out(b'{"accuracy": 4}')
    """)
    assert [metrics["accuracy"] for metrics in machine.run(training)] == [1, 2, 3, 4]


def test_floods_on_both_outputs_block_nobody(machine: Any) -> None:
    training = machine.python("""
        import sys
        for epoch in range(3):
            for _ in range(20_000):
                print("o" * 99)
                print("e" * 99, file=sys.stderr)
            print('{"accuracy": 1}')
    """)
    assert len(machine.run(training)) == 3
    (text,) = training.take_artifacts().values()
    assert 60_000 < len(text) <= 64 << 10


def test_lines_that_have_come_are_handed_out_one_by_one(machine: Any) -> None:
    training = machine.shell("""printf '{"accuracy": 1}\\n{"accuracy": 2}\\n{"accuracy": 3}\\n'""")
    assert training.run_epoch() == {"accuracy": 1}
    assert len(training.state_dict()["pending"]) == 2
    assert training.epoch == 1
    assert [metrics["accuracy"] for metrics in machine.run(training)] == [2, 3]


@pytest.mark.parametrize("value", ["NaN", "null", "Infinity"])
def test_an_objective_that_is_not_finite_ends_it(machine: Any, value: str) -> None:
    training = machine.shell(f"""
        echo '{{"accuracy": 0.5}}'
        echo '{{"accuracy": {value}}}'
        sleep 1000
    """)
    assert training.run_epoch() == {"accuracy": 0.5}
    training.run_epoch()
    assert (training.epoch, training.ended) == (2, "diverged")
    assert training.best is not None
    assert training.best.epoch == 1


# --- how many epochs


def test_a_program_that_stops_before_the_last_epoch_stopped_early(machine: Any) -> None:
    training = machine.shell("""echo '{"accuracy": 1}'; echo '{"accuracy": 2}'""", epochs=3)
    assert len(machine.run(training)) == 2
    assert training.ended == "early_stopped"


def test_after_the_last_epoch_a_program_may_finish_its_work(machine: Any) -> None:
    training = machine.shell(
        """
        echo '{"accuracy": 1}'; echo '{"accuracy": 2}'
        sleep 0.1
        echo model >"$TUNEYARD_FOLDER/model.txt"
        """,
        epochs=2,
    )
    training.run_epoch()
    assert training.run_epoch() == {"accuracy": 2}
    assert training.ended == "completed"
    assert (training.folders["best"] / "model.txt").read_text() == "model\n"


def test_with_one_epoch_more_it_is_ended(machine: Any) -> None:
    training = machine.shell(
        """while true; do echo '{"accuracy": 1}'; sleep 0.05; done""", epochs=2
    )
    assert len(machine.run(training)) == 2
    assert training.ended == "completed"


# --- failures


def failed(machine: Any, training: CommandTraining) -> CommandError:
    with pytest.raises(CommandError) as error:
        machine.run(training)
    assert "\n" not in str(error.value)
    return error.value


def test_an_exit_code_is_an_error_with_the_last_words(machine: Any) -> None:
    training = machine.python("""
        import sys
        for epoch in (1, 2):
            print(f'{{"epoch": {epoch}, "accuracy": {epoch}}}')
        for number in range(100):
            print("line", number)
        print("the reason\\n", file=sys.stderr)
        sys.exit(3)
    """)
    error = failed(machine, training)
    assert str(error) == "the command ended with exit code 3 after 2 epochs: the reason"
    assert len(error.output.splitlines()) == 40
    assert error.output.splitlines()[-2:] == ["line 99", "the reason"]
    assert not isinstance(error, MemoryError)


def test_a_signal_is_an_error(machine: Any) -> None:
    error = failed(machine, machine.shell("""echo '{"accuracy": 1}'; kill -SEGV $$"""))
    assert str(error) == (
        "the command was killed by SIGSEGV (signal 11) after 1 epochs: "
        "it wrote nothing to its standard error"
    )


def test_full_memory_is_known_by_the_last_words(machine: Any) -> None:
    words = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert isinstance(failed(machine, machine.shell(f"echo '{words}' >&2; exit 1")), MemoryError)


def test_a_program_without_the_objective_is_an_error(machine: Any) -> None:
    error = failed(machine, machine.shell("""echo '{"epoch": 1, "loss": 3}'"""))
    assert str(error) == (
        "the command ended without reporting accuracy; it reported loss; print a line for each "
        'epoch, e.g. {"epoch": 1, "accuracy": 0.5}'
    )
    assert "it reported nothing" in str(failed(machine, machine.shell("echo hello")))


def test_missing_epochs_are_an_error(machine: Any) -> None:
    training = machine.shell("""
        echo '{"epoch": 1, "accuracy": 1}'; echo '{"epoch": 5, "accuracy": 1}'
    """)
    error = failed(machine, training)
    assert "reported epoch 5 after 1 epochs" in str(error)


def test_a_program_that_cannot_be_started_is_an_error(machine: Any) -> None:
    error = failed(machine, machine.start(machine.task("", "./program")))
    assert str(error) == "the command cannot be started: ./program: Permission denied"
