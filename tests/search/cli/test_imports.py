"""What needs no training and no record loads no torch, no Ray and no MLflow: it answers at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "ray", "mlflow", "optuna", "sklearn", "torchvision", "pandas", "pooch", "httpx"}

PROGRAM = """
import json, sys
from tuneyard.search.cli.main import main
sys.argv = ["tuneyard", *sys.argv[1:]]
try:
    main()
    code = 0
except SystemExit as end:
    code = end.code or 0
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def command(*arguments: str) -> tuple[int, set[str], str]:
    """A command in a process of its own: its exit code, the packages it loaded, what it said."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *said, last = done.stderr.splitlines()
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(last)
    return code, {name.partition(".")[0] for name in modules}, "\n".join(said)


def test_importing_the_command_line() -> None:
    program = "import json, sys, tuneyard.search.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "typer" in loaded
    assert loaded & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize(
    "line",
    [
        "tasks",
        "tasks --json",
        "space names-gru",
        "space names-gru --set bidirectional=true",
        "space diabetes --json-schema",
        "new --help",
        "check --help",
        "search --help",
        "resume --help",
        "submit --help",
        "best --help",
        "serve --help",
    ],
)
def test_what_only_describes(line: str) -> None:
    code, loaded, said = command(*line.split())
    assert code == 0, said
    assert loaded & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("search nothing", "there is no task 'nothing'"),
        ("search mnist-mlp --data nowhere", "data must be one of"),
        ("search diabetes --set dropout=7", "dropout must be in"),
        ("search diabetes --set nothing=7", "nothing is not in DiabetesSpace"),
        ("search diabetes --range dropout=1", "a range must read low:high"),
        ("search diabetes --sampler guess", "sampler"),
        ("search diabetes --scheduler luck", "scheduler"),
        ("search diabetes --trials 0", "trials"),
        ("search diabetes --gpus-per-trial some", "gpus_per_trial"),
        ("search nowhere.yaml", "can't read nowhere.yaml"),
        ("submit nothing", "there is no task 'nothing'"),
        ("submit diabetes", "there is no cluster to ask"),
        ("resume some-search --trials many", "trials must be a number"),
    ],
)
def test_a_refused_input(line: str, why: str) -> None:
    code, loaded, said = command(*line.split())
    assert code == 2
    assert why in said
    assert len(said.splitlines()) == 1
    assert loaded & HEAVY == set()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("task: diabetes\ntrails: 3\n", "'trails' is not a key of a search"),
        ("task: diabetes\nsampler: {kind: tpe, startup: 3}\n", "startup"),
        ("task: diabetes\nspace: {dropout: {low: 0.1}}\n", "high"),
        ("- diabetes\n", "must be a mapping"),
    ],
)
def test_a_refused_file(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "search.yaml"
    file.write_text(text)
    code, loaded, said = command("search", str(file))
    assert code == 2
    assert why in said
    assert loaded & HEAVY == set()
