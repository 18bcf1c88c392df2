"""The command `tuneyard new`: what it writes, prints and refuses."""

import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tuneyard.search.cli.new import new
from tuneyard.search.errors import SearchError

app = typer.Typer()
app.command()(new)

OPTIONS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3, help="learning rate")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--when", type=float, default=now())
raise SystemExit("nothing may run this")
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("kind", ["script", "task"])
def test_a_template_is_written_as_it_is(kind: str) -> None:
    text = run("my_task.py", "--kind", kind)
    assert text.splitlines() == ["Wrote my_task.py", "Check it: tuneyard check my_task.py"]
    root = Path(__file__).resolve().parents[3]
    template = root / "search/draft/templates" / f"{kind}.py"
    assert Path("my_task.py").read_bytes() == template.read_bytes()


def test_a_script_is_the_default() -> None:
    run("a.py")
    run("b.py", "--kind", "script")
    assert Path("a.py").read_text() == Path("b.py").read_text()


def test_a_draft() -> None:
    Path("train.py").write_text(OPTIONS)
    lines = run("my task.py", "--from", "train.py").splitlines()
    assert lines[0] == "Wrote my task.py"
    assert lines[1].split() == ["option", "type", "default", "in", "the", "draft"]
    assert lines[2].split() == [*("--lr", "float", "0.001", "searched:", "[1e-5,", "0.1]", "log")]
    assert lines[3].split(maxsplit=3)[:3] == ["--seed", "int", "1"]
    assert lines[3].strip().endswith("fixed: a seed; use trial.seed")
    assert "left out, line 6: its default: now() is known only when" in lines[4]
    assert lines[5] == "1 of 2 options are searched; the domains are suggestions"
    assert lines[6] == "Check it: tuneyard check 'my task.py'"
    text = Path("my task.py").read_text()
    assert "lr: Annotated[float, Float(1e-5, 0.1, log=True)] = 0.001" in text
    assert "# --lr (line 4): learning rate" in text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("my_task", "the file must end in .py, got my_task; write my_task.py"),
        ("my_task.yaml", "the file must end in .py"),
        ("there.py", "there.py exists already; give another name, or remove it"),
        ("dangling.py", "dangling.py exists already"),
        ("folder.py", "folder.py exists already"),
        ("nowhere/my_task.py", "can't write nowhere/my_task.py: no such file or directory"),
        ("my_task.py --from nowhere.py", "can't read nowhere.py: no such file or directory"),
        ("my_task.py --from folder.py", "can't read folder.py: is a directory"),
        ("my_task.py --from there.py", "there.py has no argparse options"),
        ("my_task.py --from broken.py", "broken.py line 1 is not Python 3"),
        ("my_task.py --from there.py --kind task", "--from drafts a script, got --kind task"),
    ],
)
def test_what_is_refused(line: str, why: str) -> None:
    Path("there.py").write_text("x = 1\n")
    Path("broken.py").write_text("def f(:\n")
    Path("folder.py").mkdir()
    Path("dangling.py").symlink_to("nothing")
    before = sorted(Path.cwd().iterdir())
    done = CliRunner().invoke(app, line.split())
    assert isinstance(done.exception, SearchError)
    assert why in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""
    assert sorted(Path.cwd().iterdir()) == before
    assert Path("there.py").read_text() == "x = 1\n"


def test_an_unknown_kind() -> None:
    assert CliRunner().invoke(app, ["my_task.py", "--kind", "other"]).exit_code == 2
    assert not Path("my_task.py").exists()


def test_another_script_draws_another_table() -> None:
    scripts = Path(__file__).parents[1] / "draft/scripts"
    shutil.copy(scripts / "imagenet.py", "main.py")
    text = run("my_task.py", "--from", "main.py")
    assert "6 of 19 options are searched" in text
    assert "searched: alexnet, resnet18, resnet50" in text
