"""The command line: what it prints, and that a wrong input costs one line and changes nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from tuneyard.search.cli.main import app
from tuneyard.spaces.registry import descriptions, find_description

TASKS = list(descriptions())
COMMANDS = ["tasks", "space", "new", "check", "search", "resume", "best", "ui", "serve"]
COMMANDS += ["submit", "jobs", "logs", "stop"]


def run(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


# --- help


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    program = """
import sys
from tuneyard.search.cli.main import main
sys.argv = ["tuneyard", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted(sys.modules), file=sys.stderr)
"""
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert re.search(rf"^\W*{command}\s", done.stdout, re.MULTILINE)
    loaded = {name.strip("'[], ").partition(".")[0] for name in done.stderr.split(", ")}
    assert "typer" in loaded
    heavy = {"torch", "httpx", "ray", "mlflow", "optuna", "numpy", "pandas", "sklearn"}
    assert loaded & heavy == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert f"Usage: tuneyard {command}" in run(command, "--help")


def test_the_package_gives_its_names() -> None:
    program = "import sys, tuneyard.search as s; assert 'pydantic' not in sys.modules; "
    program += (
        "print(s.SearchSpec.__name__, s.Settings.__name__, s.SearchError.__name__); s.nothing"
    )
    done = python("-c", program)
    assert done.stdout == "SearchSpec Settings SearchError\n"
    assert "module 'tuneyard.search' has no attribute 'nothing'" in done.stderr


# --- tasks and spaces


def test_tasks() -> None:
    assert json.loads(run("tasks", "--json")).keys() == set(TASKS)
    table = run("tasks").splitlines()
    assert table[0].split() == ["task", "what", "it", "is", "from"]
    assert [row.split()[0] for row in table[1:]] == TASKS
    assert all(len(row.split()) > 5 for row in table[1:])


@pytest.mark.parametrize("task", TASKS)
def test_the_space_of_a_task(task: str) -> None:
    lines = run("space", task).splitlines()
    assert re.split(r"  +", lines[0].strip()) == [
        *("path", "type", "domain", "baseline", "exists where")
    ]
    space = find_description(task).space.space()
    shown = [line.split()[0] for line in lines[1:-1] if line[0] != " "]
    assert shown == [leaf.path for leaf in space.leaves]
    assert lines[-1] == f"{len(space.dimensions())} dimensions are searched"


def test_a_narrowed_space() -> None:
    text = run(
        *("space", "diabetes", "--set", "optimizer.kind=sgd,adam", "--set", "batch_norm=true"),
        *("--range", "optimizer.sgd.lr=1e-3:1e-1"),
    )
    assert re.search(r"optimizer\.kind +choice +sgd, adam ", text)
    assert re.search(r"optimizer\.sgd\.lr +float +\[0\.001, 0\.1\] log ", text)
    assert re.search(r"batch_norm +fixed +true", text)
    assert "optimizer.rmsprop" not in text


@pytest.mark.parametrize("task", TASKS)
def test_the_json_schema_of_a_space(task: str) -> None:
    schema = json.loads(run("space", task, "--json-schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    cls = find_description(task).space
    jsonschema.validate(cls().model_dump(mode="json"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dropout": 7}, schema)


# --- wrong inputs: all in one fresh process, because importing torch and Ray takes seconds


@dataclass(frozen=True)
class Wrong:
    """A wrong input, what there was before, and what the one line says."""

    arguments: str
    line: str
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


AIRPLANE = "search airplane-lstm"
AWAY = "http://127.0.0.1:9"  # the port of "discard"
CLUSTER = {"TUNEYARD_CLUSTER": AWAY}
TAKEN = {"tuneyard-searches/taken/spec.yaml": "task: airplane-lstm\n"}
STORED = {"mlflow.db": "the empty store"}

WRONG = [
    Wrong("search diabets", "there is no task 'diabets'; did you mean diabetes?"),
    Wrong("space diabets", "there is no task 'diabets'; did you mean diabetes?"),
    Wrong("search nothing.at.all", "there is no task 'nothing.at.all'; known: airplane-lstm, "),
    Wrong("space diabetes --set drop=1", "drop is not in DiabetesSpace; did you mean dropout?"),
    Wrong("search diabetes --set drop=1", "drop is not in DiabetesSpace; did you mean dropout?"),
    Wrong("search diabetes --set dropout=0.9", "dropout must be in [0.0, 0.6], got 0.9"),
    Wrong("search diabetes --set activation=rellu", "activation must be one of relu, leaky_relu,"),
    Wrong("search diabetes --range dropout=0.1:0.9", "dropout must be in [0.0, 0.6], got 0.9"),
    Wrong("search diabetes --range activation=1:2", "activation is one of relu, leaky_relu, "),
    Wrong("search diabetes --range dropout=0.1", "a range must read low:high, low:high:log or "),
    Wrong("search diabetes --set dropout", "--set must read path=value, got 'dropout'"),
    Wrong("search diabetes --set epochs=0", "epochs must be at least 1, got 0"),
    Wrong("search diabetes --trials 0", "trials should be greater than or equal to 1, got 0"),
    Wrong("search diabetes --trials many", "Invalid value for '--trials': "),
    Wrong("search diabetes --name a/b", "name must be letters, digits, dot, dash and underscore,"),
    Wrong("search diabetes --time soon", "time must be seconds, or a time like 90s, 20m or 1h30m"),
    Wrong("search diabetes --sampler magic", "sampler tag 'magic' found using 'kind' does not ma"),
    Wrong("search diabetes --gpus-per-trial 1.5", "gpus_per_trial must be a whole number above 1"),
    Wrong("search diabetes --gpus-per-trial much", "gpus_per_trial"),
    Wrong("search diabetes --resource tpu", "--resource must read NAME=AMOUNT, got 'tpu'"),
    Wrong("search diabetes --resource tpu=0", "resources_per_trial.tpu should be greater than"),
    Wrong("search diabetes --frobnicate", "No such option: --frobnicate; see tuneyard --help"),
    Wrong("search diabetes --concurrency 2", "--concurrency is now called --max-concurrent-trials"),
    Wrong("search diabetes --keep=2", "--keep is now called --keep-checkpoints; see tuneyard"),
    Wrong(
        "search s.yaml",
        "'keep' is now called 'keep_checkpoints'",
        {"s.yaml": "task: diabetes\nkeep: 3"},
    ),
    Wrong("search diabetes --command true", "name one of both: a task, or a program by --command"),
    Wrong("search --command true", "--command and --space go together: a program, and its space"),
    Wrong(
        "submit my.py", "no code goes to a cluster's service, got my.py; search it with --address"
    ),
    Wrong("search", "name one of both: a task, or a program by --command"),
    Wrong("serch diabetes", "No such command 'serch'"),
    Wrong("search no.yaml", "can't read no.yaml: No such file or directory"),
    Wrong("search s.yaml", "s.yaml is not YAML: while parsing", {"s.yaml": "task: [diabetes"}),
    Wrong("search s.yml", "s.yml must be a mapping of keys to values, got ['a']", {"s.yml": "- a"}),
    Wrong(
        "search s.yaml",
        "'trails' is not a key of a search; did you mean trials",
        {"s.yaml": "task: diabetes\ntrails: 3"},
    ),
    Wrong("search s.yaml", "task field required, got {", {"s.yaml": "trials: 3"}),
    Wrong("search diabetes --data-dir no", "--data-dir must be a folder that exists, got no"),
    Wrong(
        "search diabetes",
        "must be a folder that exists, got no; create it and put diabetes.csv.gz from https://",
        environment={"TUNEYARD_DATA": "no"},
    ),
    Wrong(f"{AIRPLANE} --folds 500", "folds=500 does not fit airplane: folds must be at most "),
    Wrong(
        f"{AIRPLANE} --name taken",
        "there is a search 'taken' in tuneyard-searches already; ",
        TAKEN,
    ),
    Wrong(f"{AIRPLANE} --tracking-uri {AWAY}", f"MLflow does not answer at {AWAY}: "),
    Wrong(
        AIRPLANE,
        f"MLflow does not answer at {AWAY}: ",
        environment={"MLFLOW_TRACKING_URI": AWAY},
    ),
    Wrong(f"best my-search --tracking-uri {AWAY}", f"MLflow does not answer at {AWAY}: "),
    Wrong(
        f"{AIRPLANE} --tracking-uri foo://x", "MLflow does not answer at foo://x: Model registry"
    ),
    Wrong(
        f"{AIRPLANE} --tracking-uri sqlite:///no/such/m.db",
        "the folder of the MLflow store sqlite:///no/such/m.db does not exist: no/such; make it",
    ),
    Wrong(
        f"{AIRPLANE} --tracking-uri sqlite:///m.db",
        "MLflow does not answer at sqlite:///m.db: (sqlite3.DatabaseError) file is not a database",
        {"m.db": "not a database, and long enough to be looked at " * 50},
    ),
    Wrong("best my-search", "there is no MLflow store at sqlite:///"),
    Wrong(
        "best diabetes --tracking-uri sqlite:///m.db", "there is no MLflow store at sqlite:///m.db"
    ),
    Wrong("ui", "there is no MLflow store at sqlite:///"),
    Wrong("best my-search", "there is no search and no task 'my-search' in sqlite:///", STORED),
    Wrong("best it's", 'there is no search and no task "it\'s" in sqlite:///', STORED),
    Wrong("best diabetes", "task 'diabetes' has no champion in sqlite:///", STORED),
    Wrong("resume my-search", "there is no MLflow store at sqlite:///"),
    Wrong("resume my-search --trials many", "trials must be a number, or one more with +100"),
    Wrong("jobs", "there is no cluster to ask; name its service with --cluster or TUNEYARD_CLUST"),
    Wrong("submit diabets --cluster x", "there is no task 'diabets'; did you mean diabetes?"),
    Wrong("submit diabetes --cluster x", "the cluster's address must read like http://127.0.0.1:"),
    Wrong("submit diabetes --storage x", "No such option: --storage"),
    Wrong(f"logs mine --cluster {AWAY}", f"tuneyard's service does not answer at {AWAY}: "),
    Wrong(f"stop ../mine --cluster {AWAY}", "'../mine' is no name of a search; see: tuneyard jobs"),
    Wrong("jobs --token-file no", "can't read --token-file no:", environment=CLUSTER),
]

DRIVER = """
import json, os, sys
from tuneyard.search.cli.main import main

answers, before = [], dict(os.environ)
for case in json.load(open(sys.argv[1])):
    os.chdir(case["folder"])
    os.environ.clear()
    os.environ.update(before | case["environment"])
    sys.argv = ["tuneyard", *case["arguments"]]
    kept = [os.dup(1), os.dup(2)]
    paths = [case["folder"] + ".out", case["folder"] + ".err"]
    for number, path in enumerate(paths, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    code = "no exit"
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        code = repr(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(kept[0], 1)
    os.dup2(kept[1], 2)
    answers.append([code, *(open(path).read() for path in paths)])
print(json.dumps(answers))
"""


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path
) -> list[tuple[Any, str, str, list[str]]]:
    """For each wrong input: exit code, stdout, stderr, and which paths changed."""
    place = tmp_path_factory.mktemp("wrong")
    cases, before = [], []
    for number, wrong in enumerate(WRONG):
        folder = place / f"{number:02d}"
        folder.mkdir()
        for name, text in wrong.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            if wrong.files is STORED:
                shutil.copy(mlflow_database, folder / name)
        before.append(contents(folder))
        cases.append(
            {
                "folder": str(folder),
                "arguments": wrong.arguments.split(" "),
                "environment": wrong.environment,
            }
        )
    (place / "cases.json").write_text(json.dumps(cases))
    quiet = {key: value for key, value in os.environ.items() if not key.startswith("TUNEYARD_")}
    quiet.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(place / "cases.json")],
        env=quiet,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    changed = []
    for case, then in zip(cases, before, strict=True):
        now = contents(Path(str(case["folder"])))
        changed.append([path for path in now | then if now.get(path, 1) != then.get(path, 1)])
    return [(*answer, paths) for answer, paths in zip(found, changed, strict=True)]


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[wrong.arguments for wrong in WRONG])
def test_a_wrong_input(answers: list[tuple[Any, str, str, list[str]]], number: int) -> None:
    code, out, err, changed = answers[number]
    # on a busy machine a step that takes long is said before
    *steps, line = err.splitlines()
    assert not [step for step in steps if "tuneyard" in step]
    assert line.startswith("tuneyard: ")
    assert WRONG[number].line in line
    assert "Traceback" not in err
    assert code == 2
    assert out == ""
    assert changed == []


def test_no_arguments_show_the_help(tmp_path: Path) -> None:
    done = python(
        "-c", "import sys; sys.argv[1:] = []; from tuneyard.search.cli.main import main; main()"
    )
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
