"""Files that can't be searched, in every way that we could think of: one right line, a closed end.

Each is given to the command `tuneyard search`, in this process and on the tests' Ray.
"""

# ruff: noqa: E501 - a table of files and lines

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow import MlflowClient

from tuneyard.search import Settings
from tuneyard.search.cli.main import main

HEAD = """
from typing import Annotated
from tuneyard.spaces import Float, SearchSpace

class Space(SearchSpace):
    "One number."
    lr: Annotated[float, Float(0.001, 1.0, log=True)] = 0.1

objective = "min loss"
"""


class Broken(NamedTuple):
    """A file, and what is said of it.

    Attributes:
        id: In a few words.
        text: The file, after `HEAD` unless it begins with a comment.
        line: What the last lines on stderr say.
        code: The exit code.
        beside: Other files in its folder.
    """

    id: str
    text: str
    line: str
    code: int
    beside: tuple[tuple[str, str], ...] = ()


BEFORE_ANYTHING = [
    Broken("syntax error", "def train(config, trial:\n", "task.py:10: SyntaxError: '(' was never closed", 2),
    Broken("tabs", "def train(config, trial):\n\tif 1:\n        pass\n", "task.py:12: TabError: incon", 2),
    Broken("no such module", "import no_such_thing\n", "task.py:10: ModuleNotFoundError: No module named", 2),
    Broken("raises at import", "def f():\n    return {}['a']\nf()\n", "task.py:11: KeyError: 'a'", 2),
    Broken("exits at import", "import sys\nsys.exit(0)\n", "SystemExit: the code called sys.exit(0)", 2),
    Broken("no train", "", "task.py has no function train: define train(config, trial), or a class", 2),
    Broken("no Space", "# no Space\nobjective = 'min loss'\ndef train(config, trial): ...\n",
           "task.py has no class Space: declare the hyperparameters as class Space(SearchSpace)", 2),
    Broken("Space of another kind", "class Space: ...\ndef train(config, trial): ...\n",
           "task.py has no class Space: declare the hyperparameters as class Space(SearchSpace), got", 2),
    Broken("no objective", "del objective\ndef train(config, trial): ...\n",
           'task.py has no objective: say which reported metric ranks the trials, e.g. objective = "max', 2),
    Broken("wrong objective", "objective = 'loss'\ndef train(config, trial): ...\n",
           "task.py: objective must read 'max METRIC' or 'min METRIC', got 'loss'", 2),
    Broken("a default outside", "# a rule\nfrom typing import Annotated\nfrom tuneyard.spaces import Int, "
           "SearchSpace\nclass Space(SearchSpace):\n    hidden: Annotated[int, Int(8, 16)] = 99\n",
           "task.py:4: Space: the default of hidden must be in [8, 16], got 99", 2),
    Broken("too few parameters", "def train(config): ...\n",
           "task.py: train must take (config, trial), since it has no load_data, got (config)", 2),
    Broken("data that nobody takes", "def load_data(data_dir): ...\ndef train(config, trial): ...\n",
           "task.py: train must take (config, trial, data), since the file has load_data, got", 2),
    Broken("load_data raises", "def load_data(data_dir):\n    open('no such file')\n"
           "def train(config, trial, data): ...\n", "task.py:11: FileNotFoundError: [Errno 2] No such", 2),
    Broken("data that can't be sent", "import threading\ndef load_data(data_dir):\n    "
           "return threading.Lock()\ndef train(config, trial, data): ...\n",
           "what load_data returned, a lock, can't be sent to the workers: cannot pickle", 2),
    Broken("the name of a shipped task", "name = 'diabetes'\ndef train(config, trial): ...\n",
           "has the same name as that of tuneyard.trainables.tasks.diabetes; rename the file", 2),
    Broken("a name that can't be one", "name = '../up'\ndef train(config, trial): ...\n",
           "task.py: name must be letters, digits, dot, dash and underscore, got '../up'", 2),
    Broken("several tasks", "class A:\n    objective = 'min loss'\n    def train(config, trial): ...\n"
           "class B(A): ...\n", "task.py has several tasks; name one of them: task.py:A, task.py:B", 2),
    Broken("a neighbour with a package's name", "import yaml\ndef train(config, trial): ...\n",
           "yaml.py beside the file has the name of the installed module 'yaml'", 2, (("yaml.py", "x = 1"),)),
    Broken("a neighbour that raises", "import beside\n", "beside.py:2: ZeroDivisionError: division by", 2,
           (("beside.py", "\n1 / 0\n"),)),
    Broken("no python", "# no Python\n\0", "task.py: SyntaxError: source code string cannot contain null bytes", 2),
]  # fmt: skip

IN_A_TRIAL = [
    Broken("raises at epoch 3", """
        def train(config, trial):
            for epoch in trial.epochs(5):
                if epoch == 3:
                    raise RuntimeError("gone")
                trial.report(loss=1)
        """, "trial 0 failed: task.py:13: RuntimeError: gone", 1),
    Broken("not a number", """
        def train(config, trial):
            for epoch in trial.epochs(5):
                trial.report(loss=float("nan"))
        """, "3 diverged", 1),
    Broken("never reports", """
        def train(config, trial):
            for epoch in trial.epochs(2):
                trial.report(accuracy=1)
        """, "trial 0 failed: train returned without reporting 'loss', the objective; it reported accuracy", 1),
    Broken("prints megabytes", """
        import sys
        def train(config, trial):
            for epoch in trial.epochs(2):
                print("x" * 4_000_000)
                print("y" * 4_000_000, file=sys.stderr)
                trial.report(loss=epoch)
        """, "3 trials", 0),
    Broken("sys.exit", """
        import sys
        def train(config, trial):
            trial.report(loss=1)
            sys.exit(3)
        """, "trial 0 failed: task.py:13: SystemExit: the code called sys.exit(3)", 1),
    Broken("os._exit", """
        import os
        def train(config, trial):
            os._exit(7)
        """, "trial 0 failed: its process ended: the code ended it (os._exit), or it was killed, or out of", 1),
    Broken("forks", """
        import os
        def train(config, trial):
            for epoch in trial.epochs(2):
                child = os.fork()
                if child:
                    os.waitpid(child, 0)
                trial.report(loss=epoch)
        """, "3 trials", 0),
    Broken("changes the folder and what is in the environment", """
        import os, tempfile
        def train(config, trial):
            assert "LEFT_OVER" not in os.environ
            os.environ["LEFT_OVER"] = "1"
            os.chdir(tempfile.mkdtemp())
            trial.report(loss=1)
        """, "3 trials", 0),
    Broken("leaves threads", """
        import threading, time
        def train(config, trial):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            trial.report(loss=1)
        """, "3 trials", 0),
    Broken("huge globals", """
        import numpy
        HUGE = numpy.zeros(200_000_000, dtype=numpy.uint8)
        def train(config, trial):
            trial.report(loss=len(HUGE))
        """, "3 trials", 0),
    Broken("keeps what can't be kept", """
        class Odd:
            def state_dict(self): return {"lock": __import__("threading").Lock()}
            def load_state_dict(self, state): ...
        def train(config, trial):
            trial.keep(odd=Odd())
            for epoch in trial.epochs(2):
                trial.report(loss=epoch)
        """, "3 trials", 0),
    Broken("the test raises", """
        def train(config, trial):
            trial.keep(model=object())
            trial.report(loss=1)
        def test(config, model):
            return model.accuracy
        """, "the best model could not be tested: task.py:14: AttributeError:", 0),
    Broken("the export raises", """
        from torch import nn
        def train(config, trial):
            trial.keep(model=nn.Linear(1, 1))
            trial.report(loss=1)
        def export(config, model):
            raise NotImplementedError
        """, "the best model could not be tested: task.py:15: NotImplementedError", 0),
    Broken("a model that can't be exported", """
        import torch
        from torch import nn
        class Model(nn.Linear):
            def forward(self, x):
                return super().forward(x) if x.sum() > 0 else x[:, :1]
        def train(config, trial):
            model = Model(2, 1)
            trial.keep(model=model)
            model(torch.ones(4, 2))
            trial.report(loss=1)
        """, "the best model is not registered: ", 0),
]  # fmt: skip


class Said(NamedTuple):
    code: object
    stdout: str
    stderr: str


@pytest.fixture
def search(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., Said]:
    """Runs the command on a file, in the folder of the test; what it logs is on its stderr."""

    def run(broken: Broken, *options: str) -> Said:
        text = textwrap.dedent(broken.text).lstrip("\n")
        folder = Path.cwd() / "own"
        folder.mkdir()
        begins = "" if broken.text.startswith("#") else HEAD.lstrip("\n") + "\n"
        (folder / "task.py").write_text(begins + text)
        for name, content in broken.beside:
            (folder / name).write_text(content)
        words = ["search", str(folder / "task.py"), "--trials", "3", "--name", "broken", *options]
        # each trial by the same process, which must not remember the one before
        words += ["--max-concurrent-trials", "1"]
        words += ["--storage", str(settings.storage), "--tracking-uri", str(settings.tracking_uri)]
        monkeypatch.setattr(sys, "argv", ["tuneyard", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capfd.readouterr()
        return Said(ended.value.code or 0, stdout, caplog.text + stderr)

    return run


@pytest.mark.parametrize("broken", BEFORE_ANYTHING, ids=lambda broken: broken.id)
def test_a_file_that_is_wrong_changes_nothing(
    broken: Broken, search: Callable[..., Said], settings: Settings
) -> None:
    said = search(broken)
    assert said.code == broken.code, said.stderr
    last = said.stderr.rstrip().splitlines()[-1]
    assert last.startswith("tuneyard: ")
    assert broken.line in last
    assert said.stderr.count("Traceback") <= 1
    assert "/spaces/" not in said.stderr, "no frames of ours"
    assert not Path(str(settings.storage)).exists()
    assert _runs(settings) == []


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("broken", IN_A_TRIAL, ids=lambda broken: broken.id)
def test_a_search_of_it_ends_closed(
    broken: Broken, search: Callable[..., Said], settings: Settings
) -> None:
    said = search(broken, "--sampler", "random")
    assert said.code == broken.code, said.stderr
    assert broken.line in said.stderr + said.stdout
    assert said.stderr.count("Traceback") <= 1
    assert "/trainables/" not in said.stderr, "no frames of ours"
    states = {run.info.status for run in _runs(settings)}
    assert states
    assert "RUNNING" not in states
    if broken.code and "failed" in broken.line:
        assert "the baseline failed, so the search has ended" in said.stderr


@pytest.mark.usefixtures("local_ray")
def test_it_goes_on_where_that_is_wanted(search: Callable[..., Said], settings: Settings) -> None:
    text = """
        def train(config, trial):
            if config.lr == 0.1:
                raise ValueError("the baseline alone")
            trial.report(loss=config.lr)
        """
    said = search(Broken("", text, "", 0), "--keep-going")
    assert said.code == 0, said.stderr
    assert "trial 0 failed: task.py:12: ValueError: the baseline alone" in said.stderr
    assert "2 completed, 1 failed" in said.stdout


def _runs(settings: Settings) -> list[Any]:
    client = MlflowClient(settings.tracking_uri)
    return client.search_runs([one.experiment_id for one in client.search_experiments()])
