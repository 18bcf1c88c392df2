"""Bounds of what a spec may hold: hostile documents and values cost one line, and little memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search.errors import MAX_LINE, SearchError, short_line
from tuneyard.search.spec.bounds import MAX_DEPTH, MAX_TEXT, MAX_VALUES
from tuneyard.search.spec.files import parse_spec, read_spec
from tuneyard.search.spec.plain_yaml import MAX_BYTES
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.spaces.registry import open_command


def nines(pattern: str) -> str:
    """Nine levels, each of nine times the one before it."""
    levels = (
        f"{this}: &{this} " + pattern.format(",".join([f"*{before}"] * 9))
        for before, this in zip("abcdefghi", "bcdefghij", strict=True)
    )
    return "\n".join(["a: &a {x: 1}", *levels, "space: {activation: *j}"])


FILES: dict[str, tuple[str | bytes, str]] = {
    "aliases of aliases": (nines("[{}]"), "line 5: there are more than 10000 values, aliases"),
    "merges of merges": (nines("{{<<: [{}]}}"), "line 5: there are more than 10000 values, alias"),
    "deep by aliases": (
        "".join(f"a{i}: &a{i} {'[' * 30}{f'*a{i - 1}' if i else 1}{']' * 30}\n" for i in range(9)),
        "line 2: lists and mappings nest deeper than 50 levels",
    ),
    "lists 1,000 deep": ("space: " + "[" * 1000, "nest deeper than 50 levels"),
    "maps 1,000 deep": ("space: " + "{a: " * 1000, "nest deeper than 50 levels"),
    "100,000 deep": ("- " * 100_000, "nest deeper than 50 levels"),
    "10,000 unknown keys": (
        "".join(f"trials{i}: 1\n" for i in range(10_000)),
        "line 5000: there are more than 10000 values",
    ),
    "4,000 unknown keys": (
        "".join(f"trials{i}: 1\n" for i in range(4000)),
        "'trials0' is not a key of a search; did you mean trials or",
    ),
    "a whole number of 5,000 digits": ("trials: " + "9" * 5000, "of at most 64 bits"),
    "of more than 64 bits": ("trials: 9223372036854775808", "a whole number of at most 64 bits, "),
    "by sixties": ("trials: " + "1:" * 2000 + "1", "trials must be a whole number of at most 64 "),
    "without digits": ("trials: 0b_", "'0b_' must be a whole number of at most 64 bits"),
    "a long text": ("name: " + "x" * 5001, "a text must be at most 5000 characters, got 5001"),
    "a long key": ('? "' + "x" * 5001 + '"\n: 1', "a text must be at most 5000 characters, got"),
    "a long file": ("# " + "x" * MAX_BYTES, "must be at most 1048576 bytes long"),
    "in itself": ("space: &a {x: *a}", "line 1: *a stands for what it is in; leave it out"),
    "merged with itself": ("space: &a {<<: *a}", "*a stands for what it is in; leave it out"),
    "a key twice": ("trials: 1\ntrials: 2", "line 2: 'trials' is given twice; leave one out"),
    "a tag": ("task: !!python/object/apply:os.system [true]", "must be plain, without a tag such"),
    "no such number": ("trials: !!int x", "must be plain, without a tag such as !!int"),
    "no character": ('task: "\\UFFFFFFFF"', "is not YAML: "),
    "half a character": ('task: "\\uD800"', "task must be text in Unicode, got"),
    "NUL": (b"task: dia\x00betes", "is not YAML: unacceptable character #x0000"),
    "not UTF-8": (b"task: \xff", "is not YAML: 'utf-8' codec can't decode byte 0xff"),
    "a key that is a list": ("? [a]\n: 1", "is not YAML: while constructing a mapping"),
    "no date": ("task: 2020-13-41", "there is no task '2020-13-41'; known:"),
    "a date": ("task: diabetes\nname: 2020-01-01\ntrials: x", "trials should be a valid integer"),
}

LIMITED = """
import resource, sys
from pathlib import Path
from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import parse_spec, read_spec
from tuneyard.spaces.registry import descriptions
descriptions()
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        print("taken", parse_spec(read_spec(path)))
    except SearchError as error:
        print(str(error).replace("\\n", " LINE "))
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process that may have 1 GiB in all says to each file."""
    folder = tmp_path_factory.mktemp("files")
    for number, (text, _) in enumerate(FILES.values()):
        content = text if isinstance(text, bytes) else text.encode()
        (folder / f"{number:02d}.yaml").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, folder],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(FILES, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_costs_one_line(lines: dict[str, str], name: str) -> None:
    assert FILES[name][1] in lines[name]
    assert len(lines[name]) <= MAX_LINE


@pytest.mark.parametrize("text", ["a" * 5000, "a\n\tb", "a\u2028b\x1b[31m\udc80", "é"])
def test_a_short_line_is_one_and_printable(text: str) -> None:
    line = short_line(f"begin {text} end")
    assert line.isprintable()
    assert line.startswith("begin ")
    assert line.endswith(" end")
    assert len(line) <= MAX_LINE


def test_what_is_repeated_within_the_bounds_is_read(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("a: &a {low: 1, high: 2}\nb: *a\nc: {<<: *a, high: 3}\nd: [*a, *a]\n")
    one = {"low": 1, "high": 2}
    assert read_spec(path) == {"a": one, "b": one, "c": one | {"high": 3}, "d": [one, one]}


def nested(depth: int) -> object:
    """A list in a list, and so on."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> object:
    """A list that holds itself."""
    value: list[object] = []
    value.append(value)
    return value


VALUES: list[tuple[object, str]] = [
    (nested(1000), f"... nests deeper than {MAX_DEPTH} levels"),
    (nested(100_000), f"... nests deeper than {MAX_DEPTH} levels"),
    (cyclic(), f"... nests deeper than {MAX_DEPTH} levels"),
    ([0] * MAX_VALUES, f"there are more than {MAX_VALUES} values, the most that may be given"),
    (dict.fromkeys(range(MAX_VALUES)), f"there are more than {MAX_VALUES} values"),
    (10**6000, "must be a whole number of at most 64 bits, got one of 19932"),
    ({10**6000: 1}, "must be a whole number of at most 64 bits, got one of 19932"),
    ("x" * (MAX_TEXT + 1), "must be at most 5000 characters, got 5001 that begin with 'xxxx"),
    ("\udc80", "must be text in Unicode, got '\\udc80'"),
]


@pytest.mark.parametrize("key", ["trials", "name", "space", "sampler", "resources_per_trial"])
@pytest.mark.parametrize(("value", "line"), VALUES, ids=range(len(VALUES)))
def test_a_hostile_value_costs_one_line(key: str, value: object, line: str) -> None:
    with pytest.raises(SearchError) as refused:
        parse_spec({"task": "diabetes", key: value})
    assert line in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "values",
    [
        {"sampler": {"kind": "tpe"} | {f"k{i}": i for i in range(3000)}},
        {"resources_per_trial": {f"k{i}": -1 for i in range(3000)}},
        {"space": {"optimizer.sgd.lr": {f"k{i}": 0 for i in range(3000)}}},
        {"space": {"optimizer.sgd.lr": ["x" * 4000] * 5}},
        {"space": {"activation": "relu" * 1000}},
        {"space": {"optimizer.sgd.lr." * 200: 1}},
        {"space": {"epochs": "[" * 5000}},
        {"space": {"epochs": "[" * 900 + "]" * 900}},
        {"name": "x" * 5000},
        {"task": "diabetes" * 600},
        {"diabetes" * 600: 1},
    ],
    ids=range(11),
)
def test_only_the_beginning_is_shown(values: dict[str, Any]) -> None:
    with pytest.raises(SearchError) as refused:
        parse_spec({"task": "diabetes"} | values)
    assert len(str(refused.value)) < 2 * MAX_LINE


@pytest.mark.parametrize(
    "text", ["", "[1]", "task: [", "task: \0", "\x01", "task: diabets", "a" * 99]
)
def test_a_damaged_recorded_spec_costs_one_line(text: str) -> None:
    with pytest.raises(SearchError):
        read_recorded_spec(text)


@pytest.mark.parametrize("name", ["../up", "a/b", "", " ", "x" * 65, 5, ["a"], "\u00e9"])
def test_the_name_of_a_command_is_no_path(tmp_path: Path, name: object) -> None:
    declared = {"space": {"lr": {"low": 0, "high": 1, "default": 0}}, "objective": "max x"}
    if not name:  # as if it were not there
        assert open_command("true", declared | {"name": name}, tmp_path).name == "true"
        return
    with pytest.raises(ValueError, match=r"^name must be letters, digits, dot, dash and under"):
        open_command("true", declared | {"name": name}, tmp_path)
