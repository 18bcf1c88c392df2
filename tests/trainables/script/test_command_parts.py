"""Tests of commands without a process: placeholders, lines, reports and their numbers."""

import json
import math
import subprocess
import sys
from typing import Annotated, Literal

import numpy as np
import pytest
import torch
from pydantic import Field

from tuneyard.spaces import Float, SearchSpace, SpaceError
from tuneyard.trainables.script.command_output import KEPT_BYTES, Lines, Tail
from tuneyard.trainables.script.command_reports import Numbering, Report, ReportReader
from tuneyard.trainables.script.placeholders import CommandLine
from tuneyard.trainables.script.report import report


class Plain(SearchSpace):
    kind: Literal["plain"] = "plain"
    lr: Annotated[float, Float(1e-5, 1.0, log=True)] = 1e-5


class Momentum(SearchSpace):
    kind: Literal["momentum"] = "momentum"
    momentum: Annotated[float, Float(0.0, 1.0)] = 0.5


class Space(SearchSpace):
    optimizer: Annotated[Plain | Momentum, Field(discriminator="kind")] = Plain()
    clip: Annotated[float, Float(0.1, 10.0)] | None = None
    amp: bool = False
    epochs: int = 3


ALL = (
    "run {optimizer.kind} -v --lr {optimizer.plain.lr} --m={optimizer.momentum.momentum} "
    "--clip {clip} {amp}"
)


def arguments(command: str, config: SearchSpace) -> list[str]:
    line = CommandLine(command)
    line.check(Space.space())
    return line.arguments(Space.space().flatten(config))


# --- placeholders


def test_placeholders_become_values_and_what_does_not_exist_disappears_with_its_flag() -> None:
    assert arguments(ALL, Space()) == ["run", "plain", "-v", "--lr", "1e-05", "false"]
    other = Space(optimizer=Momentum(), clip=2.0, amp=True)
    assert arguments(ALL, other) == [
        *("run", "momentum", "-v", "--m=0.5", "--clip", "2.0", "true"),
    ]


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("-c {clip}", []),
        ("--clip={clip}", []),
        ("--clip {clip}{clip}", []),
        ("-1 {clip}", ["-1"]),
        ("--verbose=1 {clip}", ["--verbose=1"]),
        ("file {clip}", ["file"]),
        ("--a --clip {clip} --b", ["--a", "--b"]),
        ("--a {epochs} {clip}", ["--a", "3"]),
        ("--clip {clip} {clip}", []),
    ],
)
def test_only_a_flag_right_before_it_disappears(word: str, left: list[str]) -> None:
    line = CommandLine(f"run {word}")
    assert line.arguments({"epochs": 3}) == ["run", *left]


def test_a_command_is_split_as_by_a_shell_which_does_not_run() -> None:
    line = CommandLine("""run "a b" '{{"x": {epochs}}}' $HOME *.py | {{}} a\\ b""")
    assert line.arguments({"epochs": 3}) == [
        *("run", "a b", '{"x": 3}', "$HOME", "*.py", "|", "{}", "a b")
    ]


def test_without_placeholders_every_dimension_is_read_from_the_environment() -> None:
    assert arguments("run --fast", Space()) == ["run", "--fast"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "command must begin with a program, got none"),
        ("run 'a", 'command cannot be split, no closing quotation, got "run \'a"'),
        ("run {", "command: a placeholder must read {path}, and a brace {{ or }}, got '{'"),
        ("run {}", "command: a placeholder must read {path}, and a brace {{ or }}, got '{}'"),
        ("run a}", "command: a placeholder must read {path}, and a brace {{ or }}, got 'a}'"),
        ("run {ammp}", "command: {ammp} is not in the space; did you mean amp?"),
        ("run {0}", "command: {0} is not in the space; known: amp, "),
        (
            ALL.replace("{amp}", ""),
            "command: amp would be searched without effect; add {amp}, or leave all placeholders "
            "out and read TUNEYARD_CONFIG",
        ),
        (
            "run {epochs}",
            "command: optimizer.kind, optimizer.plain.lr, optimizer.momentum.momentum",
        ),
    ],
)
def test_a_command_that_does_not_fit_is_refused(command: str, message: str) -> None:
    with pytest.raises(SpaceError) as error:
        arguments(command, Space())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


# --- lines


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_do_not_depend_on_the_pieces_in_which_they_arrive(size: int) -> None:
    data = "one\n\nzwei ä\r\n10%\r50%\r100%\nlast".encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    lines = Lines()
    found = [line for piece in [*pieces, b""] for line in lines.feed(piece)]
    assert found == [(text, True) for text in ("one", "", "zwei ä", "100%", "last")]


def test_a_line_without_end_is_cut_and_no_part_of_it_is_a_line() -> None:
    lines = Lines()
    found = [line for _ in range(40) for line in lines.feed(b"x" * (1 << 16))]
    found += lines.feed(b'{"a": 1}\nnext\n')
    assert [whole for _, whole in found] == [False] * (len(found) - 1) + [True]
    assert len(found) > 2
    assert found[-1] == ("next", True)


def test_the_tail_is_the_end() -> None:
    tail = Tail()
    for number in range(20_000):
        tail.add(f"line {number} ä")
    assert len(tail.text().encode()) <= KEPT_BYTES
    assert tail.last_lines().splitlines() == [f"line {n} ä" for n in range(19_960, 20_000)]


# --- reports


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"epoch": 1, "accuracy": 0.5}', Report(1, {"accuracy": 0.5})),
        (' {"accuracy": 1, "loss": 2e1} ', Report(None, {"accuracy": 1.0, "loss": 20.0})),
        ('{"epoch": 2.0, "accuracy": 1, "best": true, "note": "x"}', Report(2, {"accuracy": 1.0})),
        ('{"epoch": "two", "accuracy": 1}', Report(None, {"accuracy": 1.0})),
        ('{"epoch": NaN, "accuracy": 1}', Report(None, {"accuracy": 1.0})),
        ('{"loss": 0.5}', None),
        ('{"accuracy": "high"}', None),
        ('{"accuracy": true}', None),
        ('{"accuracy": 0.5', None),
        ('accuracy {"accuracy": 0.5}', None),
        ("[0.5]", None),
        ("{}", None),
        ("{" * 100_000 + "}", None),
        ('{"a":' * 100_000 + "}", None),
        ("", None),
    ],
)
def test_reports_are_found(line: str, expected: Report | None) -> None:
    assert ReportReader("accuracy").read(line) == expected


@pytest.mark.parametrize("value", ["NaN", "null", '"nan"', '"-Inf"', "Infinity", "1" + "0" * 400])
def test_a_value_that_is_not_finite_is_reported_however_it_is_written(value: str) -> None:
    found = ReportReader("accuracy").read(f'{{"accuracy": {value}}}')
    assert found is not None
    assert not math.isfinite(found.metrics["accuracy"])


def test_what_is_reported_in_place_of_the_objective_is_known() -> None:
    reader = ReportReader("accuracy")
    for line in ('{"epoch": 1, "loss": 1}', '{"val": 2, "text": "x"}', "loss"):
        assert reader.read(line) is None
    assert reader.others == {"loss", "val"}


def taken(numbering: Numbering, *numbers: int | None) -> list[int]:
    """Our numbers of the epochs that are new."""
    return [numbering.epoch for number in numbers if numbering.take(number)]


def test_programs_count_from_0_or_1_or_not_at_all() -> None:
    assert taken(Numbering(), 1, 2, 3) == [1, 2, 3]
    assert taken(Numbering(), 0, 1, 2) == [1, 2, 3]
    assert taken(Numbering(), None, None) == [1, 2]
    assert taken(Numbering(), 1, 1, 2) == [1, 2]


def test_after_a_resume_known_epochs_are_left_out() -> None:
    for first, numbers in ((1, (1, 2, 3, 4)), (0, (0, 1, 2, 3))):
        numbering = Numbering(2, first)
        numbering.resume()
        assert taken(numbering, *numbers) == [3, 4]


def test_a_program_may_go_on_after_the_last_epoch_that_was_read_but_leave_none_out_later() -> None:
    numbering = Numbering(2, 1)
    numbering.resume()
    assert taken(numbering, 5, 6) == [5, 6]
    with pytest.raises(ValueError, match="reported epoch 9 after 6 epochs; report every one"):
        numbering.take(9)
    with pytest.raises(ValueError, match="reported epoch 5 after 0 epochs"):
        Numbering().take(5)


# --- report()


def test_report_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(1, accuracy=np.float32(0.5), loss=torch.tensor(2.0))
    report(accuracy=math.nan)
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"epoch": 1, "accuracy": 0.5, "loss": 2.0}
    assert second == '{"accuracy": NaN}'


@pytest.mark.parametrize("value", ["high", None, torch.ones(2), [1]])
def test_report_takes_numbers_alone(value: object) -> None:
    with pytest.raises(TypeError, match=r"^report\(accuracy=...\) must be one number, got "):
        report(accuracy=value)  # type: ignore[arg-type]


def test_report_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tuneyard.trainables.script.report import report; report(accuracy=1);"
        "print(sorted({'torch', 'numpy', 'pydantic', 'ray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == '{"accuracy": 1.0}\n[]\n'
