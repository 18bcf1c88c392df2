"""The command `tuneyard new`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.draft.argparse_options import Script
    from tuneyard.search.draft.writing import Drafted

Kind = Literal["script", "task"]


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE.py")],
    kind: Annotated[
        Optional[Kind],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="script, your own loop (the default), or task, tuneyard's fast loop."),
    ] = None,
    script: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--from",
            metavar="SCRIPT.py",
            help="Draft the space from a script's argparse options; the script is not run.",
        ),
    ] = None,
) -> None:
    """Writes a file to search: a small one that works, or a draft from a script of yours."""
    _check(file)
    if script is None:
        _write(file, _template(kind or "script"))
    elif kind == "task":
        raise SearchError("--from drafts a script, got --kind task; leave one of them out")
    else:
        _draft(file, script)
    typer.echo(f"Check it: tuneyard check {shlex.quote(str(file))}")


def _check(file: Path) -> None:
    if file.suffix != ".py":
        raise SearchError(f"the file must end in .py, got {file}; write {file}.py")
    if file.exists() or file.is_symlink():
        raise SearchError(f"{file} exists already; give another name, or remove it")


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise SearchError(f"can't write {file}: {reason}; give another name") from None
    typer.echo(f"Wrote {file}")


def _template(kind: Kind) -> str:
    from importlib.resources import files

    return (files("tuneyard.search.draft.templates") / f"{kind}.py").read_text(encoding="utf-8")


def _draft(file: Path, path: Path) -> None:
    from tuneyard.search.draft.argparse_options import read_script
    from tuneyard.search.draft.writing import draft, write_draft

    script = read_script(path)
    drafted = draft(script)
    _write(file, write_draft(script, drafted))
    _print(script, drafted)


def _print(script: Script, drafted: Drafted) -> None:
    from tuneyard.search.draft.writing import table
    from tuneyard.search.results.tables import print_table

    print_table(("option", "type", "default", "in the draft"), table(script, drafted))
    searched = sum(bool(field.domain) for _, field in drafted)
    typer.echo(f"{searched} of {len(drafted)} options are searched; the domains are suggestions")
