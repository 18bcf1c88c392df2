"""What is read of a script's options: against a table for each, and against argparse itself."""

import argparse
import ast
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tuneyard.search.draft.argparse_options import Script, read_script
from tuneyard.search.draft.fields import draft_field
from tuneyard.search.draft.option import Option
from tuneyard.search.errors import SearchError

Import = Callable[[Path], ModuleType]


def row(option: Option) -> str:
    kind = f"list of {option.type}" if option.many else option.type
    name = draft_field(option).name
    choices = ", ".join(map(repr, option.choices))
    return f"{name} | {kind} | {option.default!r} | {choices}".rstrip()


def test_the_table_of_a_script(script_path: Path) -> None:
    """Field, type, default and choices of each option, in order; then what is left out."""
    script = read_script(script_path)
    lines = [row(option) for option in script.options]
    lines += [f"left out: {item.what}: {item.reason}" for item in script.unread]
    table = script_path.parent.parent / "tables" / f"{script_path.stem}.txt"
    assert lines == table.read_text().splitlines()


# --- the law: what is read is what argparse itself says


def plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return tuple(plain(item) for item in value) if isinstance(value, list | tuple) else value


def actions(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Each action with the subcommand that it belongs to."""
    for action in parser._actions:
        yield "", action
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from ((name, inner) for _, inner in actions(sub))


def parsed(parser: argparse.ArgumentParser) -> dict[str, dict[str, Any]]:
    """By subcommand, what the script gets without any argument, were nothing required."""
    required = [action for _, action in actions(parser) if action.required]
    commands = [""]
    for action in required:
        if isinstance(action, argparse._SubParsersAction):
            commands += action.choices
        else:
            action.required = False
            if not action.option_strings:
                action.nargs = "?" if action.nargs is None else "*"
                action.choices = None
    has_commands = len(commands) > 1
    return {
        name: vars(parser.parse_args([name] if name else []))
        for name in commands
        if bool(name) == has_commands
    }


def found_in(script: Script, command: str, dest: str) -> Option | None:
    options = [option for option in script.options if option.dest == dest]
    return next((option for option in options if option.command in ("", command)), None)


def test_argparse_says_the_same(script_path: Path, import_file: Import) -> None:
    script = read_script(script_path)
    parser = import_file(script_path).build_parser()
    choices: dict[str, list[object]] = {}
    for _, action in actions(parser):
        if action.choices is not None and not isinstance(action, argparse._SubParsersAction):
            choices[action.dest] = [plain(choice) for choice in action.choices]
    required = {action.dest for _, action in actions(parser) if action.required}
    compared = set()
    for command, namespace in parsed(parser).items():
        for dest in namespace:
            option = found_in(script, command, dest)
            if option is None:
                continue
            compared.add(option.dest)
            assert option.required == (dest in required and option.default != ())
            if not option.required:
                assert option.default == plain(namespace[dest])
                assert type(option.default) is type(plain(namespace[dest])) or isinstance(
                    option.default, int | float
                )
    assert compared == {option.dest for option in script.options}
    for option in script.options:
        if option.dest in choices:
            assert list(option.choices) == choices[option.dest]


def test_no_option_is_forgotten(script_path: Path, import_file: Import) -> None:
    """Each is in the table or is named among what is left out."""
    script = read_script(script_path)
    read = {name for option in script.options for name in option.names}
    left = " ".join(f"{item.what} {item.reason}" for item in script.unread)
    computed = "known only when the script runs" in left and "add_argument" in left
    for _, action in actions(import_file(script_path).build_parser()):
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        name = (action.option_strings or [action.dest])[0]
        assert computed or name in read or name in left


def test_lines_are_those_of_the_script(script_path: Path) -> None:
    lines = script_path.read_text().splitlines()
    script = read_script(script_path)
    assert all("(" in lines[item.line - 1] for item in (*script.options, *script.unread))
    for dest, used in script.uses.items():
        assert all(f".{dest}" in lines[line - 1] for line in used)


# --- single forms


def read(tmp_path: Path, body: str) -> Script:
    path = tmp_path / "train.py"
    path.write_text(body)
    return read_script(path)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2**5", 32),
        ("1e-3", 1e-3),
        ("-0.5", -0.5),
        ("5 * 60", 300),
        ("1 << 4", 16),
        ("not True", False),
        ("int(2.5)", 2),
        ("max(1, 2)", 2),
        ("len('abc')", 3),
        ("[1, 2][0]", 1),
        ("{'a': 3}['a']", 3),
        ("'a,b'.split(',')", ("a", "b")),
        ("'A'.lower()", "a"),
        ("[2 * i for i in range(3)]", (0, 2, 4)),
        ("tuple(range(2))", (0, 1)),
        ("os.path.join('a', 'b')", "a/b"),
    ],
)
def test_a_constant_expression(tmp_path: Path, expression: str, value: object) -> None:
    script = read(tmp_path, f"p.add_argument('--x', default={expression})")
    assert [option.default for option in script.options] == [value]


@pytest.mark.parametrize(
    "expression",
    [
        "open('/etc/hostname').read()",
        "os.environ['HOME']",
        "torch.cuda.is_available()",
        "name",
        "1 / 0",
        "10 ** 10 ** 10",
        "'a' * 10 ** 9",
        "list(range(10 ** 9))",
        "(lambda: 1)()",
        "[1, 2][5]",
        "1 if torch else 2",
        "f'{x}'",
        "b'bytes'",
        "3j",
        "Missing.attribute",
        "min()",
    ],
)
def test_what_is_no_constant(tmp_path: Path, expression: str) -> None:
    script = read(tmp_path, f"\np.add_argument('--x', default={expression})")
    assert script.options == ()
    assert [(item.what, item.line) for item in script.unread] == [("--x", 2)]


def test_reading_runs_nothing(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    line = f"__import__('pathlib').Path({str(touched)!r}).touch()"
    script = read(tmp_path, f"{line}\np.add_argument('--x', default={line})")
    assert len(script.unread) == 1
    assert not touched.exists()


def test_a_constant_that_holds_itself(tmp_path: Path) -> None:
    assert read(tmp_path, "A = A\np.add_argument('--x', default=A)").options == ()


def test_the_names_of_parsed_arguments(tmp_path: Path) -> None:
    text = "def get():\n    p.add_argument('--x', default=1)\n    return p.parse_args()\n"
    script = read(tmp_path, text + "cfg = get()\nprint(cfg.x)\nprint(other.x)\n")
    assert script.uses["x"] == [5]


def test_defaults_set_before_and_after(tmp_path: Path) -> None:
    """`default=` wins over what was set before it, as in argparse."""
    text = "p.set_defaults(a=1, b=1, c=1)\np.add_argument('--a', default=2)\n"
    text += "p.add_argument('--b')\np.add_argument('--c', default=2)\np.set_defaults(c=3)\n"
    found = {option.dest: option.default for option in read(tmp_path, text).options}
    assert found == {"a": 2, "b": 1, "c": 3}


def test_defaults_of_subcommands(tmp_path: Path) -> None:
    """Each sets those of its own options, and of options that it shares with others."""
    text = "a = s.add_parser('a')\nb = s.add_parser('b')\np.add_argument('--shared')\n"
    text += "p.add_argument('--lr')\n"
    text += "a.add_argument('--x', default=1)\nb.add_argument('--y', default=2)\n"
    text += "p.set_defaults(lr=3)\na.set_defaults(y=7, shared=8)\nb.set_defaults(x=7, lr=9)\n"
    found = {option.dest: option.default for option in read(tmp_path, text).options}
    assert found == {"shared": 8, "lr": 3, "x": 1, "y": 2}


def test_a_parameter_is_not_the_parser_of_the_same_name(tmp_path: Path) -> None:
    text = "sub = s.add_parser('train')\nsub.add_argument('--x')\n"
    text += "def add(sub):\n    sub.add_argument('--y')\ndef more():\n    sub.add_argument('--z')\n"
    commands = {option.dest: option.command for option in read(tmp_path, text).options}
    assert commands == {"x": "train", "y": "", "z": "train"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"import click\n\n@click.option('--lr', default=0.1)\ndef main(lr): ...", "add_argument"),
        (b"", "has no argparse options"),
        (b"print 'two'\n", "line 1 is not Python 3"),
        (b"x = 1\ndef f(:\n", "line 2 is not Python 3"),
        (b"\x00\x01", "is not Python 3"),
        (b"# coding: nothing\n", "is not Python 3"),
        (b"x = '\xff'", "is not Python 3"),
        (b"(" * 5000, "is not Python 3"),
        (None, "can't read"),
    ],
)
def test_a_refused_script(tmp_path: Path, text: bytes | None, why: str) -> None:
    path = tmp_path / "train.py"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(SearchError, match=why) as caught:
        read_script(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_scripts_hold_every_form(script_path: Path) -> None:
    """None of them is empty, and together they have what `FORMS` names."""
    folder = script_path.parent
    text = "".join(ast.unparse(ast.parse(path.read_text())) for path in folder.glob("*.py"))
    forms = "store_true store_false store_const append append_const extend count version dest= "
    forms += "BooleanOptionalAction metavar= nargs= required= choices= lambda parents= help= "
    forms += "add_subparsers set_defaults add_argument_group add_mutually_exclusive_group "
    forms += "type=int type=float type=str type=bool type=Path type=str2bool SUPPRESS REMAINDER"
    assert [form for form in forms.split() if form not in text] == []
