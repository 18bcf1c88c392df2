"""Every command, file and piece of Python that the documents show works."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tuneyard.search import Settings
from tuneyard.search.cli.main import app
from tuneyard.search.spec.files import parse_spec, read_spec

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OWN_MODELS = ROOT / "docs" / "your-own-model.md"
EXAMPLES = [ROOT / "examples" / "my-search.yaml"]

# every search that is shown, cut short
SHORT = ("--trials", "1", "--set", "epochs=1")


def blocks(language: str, documents: list[Path] = DOCUMENTS) -> list[str]:
    return [
        block
        for path in documents
        for block in re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL)
    ]


def shown(documents: list[Path]) -> list[str]:
    """The commands of the console blocks, without prompt and comment, in order."""
    lines = [line for block in blocks("console", documents) for line in block.splitlines()]
    return [line[2:].partition("  #")[0].strip() for line in lines if line.startswith("$ ")]


def commands() -> list[str]:
    """Those of all pages but one, whose commands build on each other."""
    others = [path for path in DOCUMENTS if path != OWN_MODELS]
    return sorted({line for line in shown(others) if line.startswith("tuneyard ")})


def own_files() -> list[str]:
    """The files with a model of one's own that these documents show."""
    both = [ROOT / "README.md", OWN_MODELS]
    return [code for code in blocks("python", both) if "def train(" in code]


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
    assert kinds == {"tasks", "space", "search", "best", "ui", "check", "resume"}


@pytest.mark.usefixtures("local_ray")
def test_commands_run(settings: Settings, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one folder, searches first: `best` shows what they found."""
    monkeypatch.setenv("TUNEYARD_DATA", str(data_dir))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(settings.tracking_uri))
    for example in EXAMPLES:
        Path(example.name).write_text(example.read_text())
    Path("my_model.py").write_text(own_files()[0])
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


@pytest.mark.usefixtures("local_ray")
def test_the_commands_for_own_models_run(
    settings: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the page, in a folder with the examples; searches are cut short."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(settings.tracking_uri))
    for path in (ROOT / "examples").glob("*.*"):
        shutil.copy(path, Path.cwd())
    Path("pictures").symlink_to(pictures)
    shutil.copy("digits_script.py", "train.py")
    Path("my_tasks").mkdir()
    shutil.copy("gan_task.py", "my_tasks")
    more = {"search": ("--trials", "1"), "resume": ("--trials", "+1")}
    for command in shown([OWN_MODELS]):
        *environment, arguments = re.split(r" ?tuneyard ", command)
        kind, *words = shlex.split(arguments)
        if words == ["circles", "--trials", "20"]:
            continue  # test_own_models installs the package, and searches its task
        if environment[0]:
            run_as_process(environment[0], kind, *words)
            continue
        done = CliRunner().invoke(app, [kind, *words, *more.get(kind, ())])
        assert done.exit_code == 0, (command, done.output, done.exception)


def run_as_process(environment: str, *arguments: str) -> None:
    """What the environment says of tasks is read once a process."""
    name, _, value = environment.partition("=")
    program = [sys.executable, "-m", "tuneyard.search.cli", *arguments]
    done = subprocess.run(
        program,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gan_task" in done.stdout


@pytest.mark.parametrize("code", own_files())
def test_the_files_with_own_models_pass_the_check(code: str, tmp_path: Path) -> None:
    path = tmp_path / "shown_model.py"
    path.write_text(code)
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "resumes exactly: the same metrics" in done.output


def test_a_script_becomes_a_task_by_twelve_lines() -> None:
    names = ("digits_script.py", "digits_task.py")
    before, after = ((ROOT / "examples" / name).read_text().splitlines() for name in names)
    changes = list(difflib.unified_diff(before, after, *names, lineterm="", n=0))
    new = [line for line in changes[2:] if line.startswith("+") and line != "+"]
    assert len(new) <= 12
    assert 60 <= len(before) <= 85
    assert blocks("diff", [OWN_MODELS]) == ["\n".join(changes) + "\n"]
