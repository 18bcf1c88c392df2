"""The file that is drafted from a script: what it suggests, and that it works as it is."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tuneyard.search.draft.argparse_options import Script, read_script
from tuneyard.search.draft.fields import Field, draft_field
from tuneyard.search.draft.writing import draft, table, write_draft

Import = Callable[[Path], ModuleType]


def drafted(tmp_path: Path, *options: str) -> list[Field]:
    """The fields of options, each as the arguments of `add_argument`."""
    path = tmp_path / "train.py"
    path.write_text("\n".join(f"parser.add_argument({option})" for option in options))
    return [draft_field(option) for option in read_script(path).options]


def write(script: Script, folder: Path) -> Path:
    path = folder / f"draft_of_{script.name}"
    path.write_text(write_draft(script, draft(script)))
    return path


def test_a_draft_works(script_path: Path, tmp_path: Path, import_file: Import) -> None:
    script = read_script(script_path)
    module = import_file(write(script, tmp_path))
    space = module.Space.space()
    fields = draft(script)
    assert list(module.Space.model_fields) == [field.name for _, field in fields]
    searched = {leaf.path.removesuffix(".on") for leaf in space.dimensions()}
    assert searched == {field.name for _, field in fields if field.domain}
    assert module.objective == "min loss"
    with pytest.raises(NotImplementedError, match=script.name):
        module.train(module.Space(), None)


def test_a_draft_has_the_defaults(script_path: Path, tmp_path: Path, import_file: Import) -> None:
    script = read_script(script_path)
    config = import_file(write(script, tmp_path)).Space()
    for option, field in draft(script):
        value = getattr(config, field.name)
        first = option.required and option.choices
        assert value == (option.choices[0] if first else option.default)
        if value is not None and not isinstance(value, tuple):
            assert option.type in str(type(value)) or option.type == "Path"


def test_every_field_says_where_it_comes_from(script_path: Path, tmp_path: Path) -> None:
    script = read_script(script_path)
    text = write(script, tmp_path).read_text()
    flat = " ".join(text.replace("    # ", "").split())
    for option, field in draft(script):
        assert f"{option.title}" in flat
        assert " ".join(field.comment.split()) in flat
        assert field.comment.startswith("suggested: edit; " if field.domain else "fixed: ")
    for item in script.unread:
        assert f"line {item.line}: {' '.join(item.what.split())}: {item.reason}" in flat
    assert max(map(len, text.splitlines())) <= 100
    assert "TODO" not in text


def test_the_places_where_options_are_read(script_path: Path, tmp_path: Path) -> None:
    script = read_script(script_path)
    text = write(script, tmp_path).read_text()
    for option, field in draft(script):
        lines = ", ".join(map(str, script.uses.get(option.dest, ())))
        place = rf"args\.{re.escape(option.dest)} +-> config\.{field.name}"
        assert re.search(rf"{place} +lines? {lines}$" if lines else rf"{place}$", text, re.M)


def test_the_loop_takes_the_number_of_epochs(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "scripts"
    text = write(read_script(folder / "dcgan.py"), tmp_path).read_text()
    assert "for epoch in trial.epochs(config.niter):" in text
    assert "lr" in text
    assert (
        "for epoch in trial.epochs(20):"
        in write(read_script(folder / "flags.py"), tmp_path).read_text()
    ), "a script without such an option"


@pytest.mark.parametrize(
    ("option", "annotation"),
    [
        # rates
        ("'--lr', type=float, default=1e-3", "Annotated[float, Float(1e-5, 0.1, log=True)]"),
        ("'--lr', type=float, default=0.1", "Annotated[float, Float(0.001, 1.0, log=True)]"),
        ("'--lr', type=float, default=2.0", "Annotated[float, Float(0.02, 20.0, log=True)]"),
        ("'--weight-decay', default=5e-4", "Annotated[float, Float(5e-6, 0.05, log=True)]"),
        ("'--weight-decay', default=0.0", "Annotated[float, Float(0.0, 0.1)]"),
        ("'--other', default=0.003", "Annotated[float, Float(3e-5, 0.3, log=True)]"),
        ("'--other', default=2.5", "Annotated[float, Float(0.25, 25.0, log=True)]"),
        ("'--other', default=0.0", "float"),
        ("'--other', default=-1.5", "float"),
        # shares
        ("'--dropout', default=0.0", "Annotated[float, Float(0.0, 0.99)]"),
        ("'--drop-rate', type=float, default=0", "Annotated[float, Float(0.0, 0.99)]"),
        ("'--momentum', default=0.99", "Annotated[float, Float(0.0, 0.999)]"),
        ("'--beta2', default=0.999", "Annotated[float, Float(0.8, 0.9999)]"),
        ("'--gamma', default=1.0", "Annotated[float, Float(0.1, 10.0, log=True)]"),
        # whole numbers
        ("'--hidden', type=int, default=64", "Annotated[int, Int(16, 256, log=True)]"),
        ("'--step-size', type=int, default=8", "Annotated[int, Int(2, 32, log=True)]"),
        ("'--layers', type=int, default=1", "Annotated[int, Int(1, 4, log=True)]"),
        ("'--layers', type=int, default=0", "int"),
        ("'-b', '--batch-size', type=int, default=100", "Literal[32, 64, 100, 128, 256, 512]"),
        ("'--batch-size', type=int, default=1", "Literal[1, 2, 4]"),
        ("'--test-batch-size', type=int, default=100", "int"),
        # not hyperparameters
        ("'--epochs', type=int, default=5", "int"),
        ("'--num-steps', type=int, default=5", "int"),
        ("'--seed', type=int, default=5", "int"),
        ("'--port', type=int, default=5", "int"),
        ("'--num-workers', type=int, default=5", "int"),
        ("'--log-interval', type=int, default=5", "int"),
        ("'--data-dir', default='data'", "str"),
        ("'--run-name', default='a'", "str"),
        ("'--device', choices=['cpu', 'cuda'], default='cpu'", "str"),
        # flags and choices
        ("'--nesterov', action='store_true'", "bool"),
        ("'--no-cuda', action='store_true'", "Literal[False]"),
        ("'--plot', action='store_false'", "Literal[True]"),
        ("'--act', choices=['relu', 'gelu'], default='gelu'", 'Literal["relu", "gelu"]'),
        ("'--act', choices=['relu', 'gelu']", 'Literal["relu", "gelu", None]'),
        ("'--depth', type=int, choices=range(1, 50), default=3", "Annotated[int, Int(1, 49)]"),
        ("'--file', type=Path, default='a'", "Path"),
        ("'--sizes', nargs='+', type=int, default=[3]", "tuple[int, ...]"),
        ("'--hidden', type=int", "int | None"),
    ],
)
def test_what_is_suggested(tmp_path: Path, option: str, annotation: str) -> None:
    (field,) = drafted(tmp_path, option)
    assert field.annotation == annotation


def test_names_that_a_class_can_not_have(tmp_path: Path, import_file: Import) -> None:
    names = ("--lambda", "--json", "--int", "--Float", "--model_dump_x", "--2d", "--ümlaut")
    path = tmp_path / "train.py"
    path.write_text("\n".join(f"p.add_argument({name!r}, default=3)" for name in names))
    module = import_file(write(read_script(path), tmp_path))
    assert list(module.Space.model_fields) == [
        *("lambda_", "json_", "int_", "Float_", "option_model_dump_x", "option_2d", "ümlaut")
    ]
    assert set(module.Space().model_dump().values()) == {3}


def test_texts_that_would_end_a_docstring(tmp_path: Path, import_file: Import) -> None:
    path = tmp_path / 'a"""b\\.py'
    default = 'x"""\\' + "\n\u2028#"
    text = f"p.add_argument('--a', help={default!r}, default={default!r})\n"
    path.write_text(text + "p.add_argument('--b\"\"\"', default='y, z')", encoding="utf-8")
    script = read_script(path)
    target = tmp_path / "my_task.py"
    target.write_text(write_draft(script, draft(script)), encoding="utf-8")
    config = import_file(target).Space()
    assert list(config.model_dump().values()) == [default, "y, z"]


def test_long_choices_with_commas(tmp_path: Path, import_file: Import) -> None:
    choices = [f"choice {number}, of several, written at length" for number in range(5)]
    path = tmp_path / "train.py"
    path.write_text(f"p.add_argument('--a', choices={choices}, default={choices[3]!r})")
    module = import_file(write(read_script(path), tmp_path))
    (leaf,) = module.Space.space().leaves
    assert list(leaf.domain.grid(1)) == choices


def test_a_script_of_which_nothing_is_understood(tmp_path: Path, import_file: Import) -> None:
    path = tmp_path / "train.py"
    path.write_text("p.add_argument('--a', default=f())")
    script = read_script(path)
    assert import_file(write(script, tmp_path)).Space.space().leaves == ()


def test_the_table_on_the_terminal(script_path: Path) -> None:
    script = read_script(script_path)
    rows = table(script, draft(script))
    assert len(rows) == len(script.options) + len(script.unread)
    for (_, field), row in zip(draft(script), rows, strict=False):
        assert row[2] == field.default
        assert row[3] == (f"searched: {field.domain}" if field.domain else field.comment)
    assert all("left out, line" in row[3] for row in rows[len(script.options) :])
