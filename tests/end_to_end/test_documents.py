"""Every command, file and piece of Python that the documents show works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tuneyard.search import Settings
from tuneyard.search.cli.main import app
from tuneyard.search.spec.files import parse_spec, read_spec

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))

# every search that is shown, cut short
SHORT = ("--trials", "2", "--set", "epochs=1")


def blocks(language: str) -> list[str]:
    texts = [path.read_text() for path in DOCUMENTS]
    return [
        block
        for text in texts
        for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    ]


def commands() -> list[str]:
    """The commands of the console blocks, without prompt and comment."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    shown = [line[2:].partition("  #")[0].strip() for line in lines if line.startswith("$ ")]
    return sorted({line for line in shown if line.startswith("tuneyard ")})


@pytest.mark.usefixtures("local_ray", "settings")
@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str) -> None:
    """In a folder of its own, which the fixture makes the working folder."""
    exec(compile(code, "documented", "exec", dont_inherit=True), {"__name__": "documented"})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_searches(path: Path) -> None:
    assert parse_spec(read_spec(path)).trials > 0


def test_the_documents_show_commands() -> None:
    kinds = {command.split()[1] for command in commands()}
    assert kinds == {"tasks", "space", "search", "best", "ui"}


@pytest.mark.usefixtures("local_ray")
def test_commands_run(settings: Settings, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one folder, searches first: `best` shows what they found."""
    monkeypatch.setenv("TUNEYARD_DATA", str(data_dir))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(settings.tracking_uri))
    for example in EXAMPLES:
        Path(example.name).write_text(example.read_text())
    ordered = sorted(commands(), key=lambda command: command.split()[1] != "search")
    for command in ordered:
        _, kind, *arguments = shlex.split(command)
        if kind == "ui":
            continue  # it serves until it is ended; test_command starts it
        more = SHORT if kind == "search" else ()
        done = CliRunner().invoke(app, [kind, *arguments, *more])
        assert done.exit_code == 0, (command, done.output, done.exception)
        if "--json" in arguments:
            assert json.loads(done.stdout)
