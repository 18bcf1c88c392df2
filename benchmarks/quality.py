"""What a search finds beyond the course's values, task by task, on real data.

    TUNEYARD_DATA=FOLDER python benchmarks/quality.py [TASK ...]

Runs the command of each task as a person would, one after the other, and writes what came out into
`benchmarks/quality.json`, from which `make docs` writes `docs/tasks.md`. The budgets are for two
CPU cores; a machine with more finishes more trials in them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image
from sklearn.datasets import load_digits

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "quality.json"

# what each search is given beyond its task's name
SEARCHES = {
    "airplane-lstm": "--trials 100",
    "diabetes": "--folds 5 --trials 60",
    "hello-rnn": "--trials 100",
    "image-transfer": "--data pictures --set weights=none "
    "--set backbone=resnet18,mobilenet_v3_small --trials 20 --time 10m",
    "linear-regression": "--trials 40",
    "logistic-regression": "--trials 40",
    "mnist-autoencoder": "--data digits --trials 40 --time 3m",
    "mnist-cnn": "--trials 30 --time 14m",
    "mnist-densenet": "--data digits --trials 30 --time 3m",
    "mnist-gan": "--data digits --trials 20 --time 4m",
    "mnist-inception": "--trials 30 --time 25m",
    "mnist-mlp": "--trials 30 --time 8m",
    "mnist-resnet": "--trials 30 --time 20m",
    "mnist-transformer": "--data digits --trials 30 --time 3m",
    "mnist-vae": "--data digits --trials 40 --time 3m",
    "moving-digits-convlstm": "--trials 20 --time 6m",
    "names-gru": "--trials 40 --time 8m",
    "names-transformer": "--trials 30 --time 12m",
    "ring-gan": "--trials 40 --time 8m",
    "sine-forecast": "--trials 30 --time 6m",
    "sine-to-cosine": "--trials 30 --time 6m",
}


PICTURES = 30
"""Of each class in the folder for `image-transfer`."""


def write_pictures(folder: Path) -> None:
    """scikit-learn's digits as a folder of pictures for each class."""
    image, label = load_digits(return_X_y=True)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for row, pixels in enumerate(image[label == digit][:PICTURES]):
            picture = (pixels.reshape(8, 8) * (255 / 16)).astype("uint8")
            Image.fromarray(picture).save(folder / str(digit) / f"{row}.png")


def measure(task: str) -> dict[str, Any]:
    """Runs one search in a folder of its own.

    Returns:
        Its command, the day, and the result as ``--json`` prints it, without what only that folder
        and its MLflow know.
    """
    arguments = ["search", task, *SEARCHES[task].split()]
    with tempfile.TemporaryDirectory(prefix="tuneyard-quality-") as folder:
        if task == "image-transfer":
            write_pictures(Path(folder) / "pictures")
        done = subprocess.run(
            [sys.executable, "-m", "tuneyard.search.cli", *arguments, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    result: dict[str, Any] = json.loads(done.stdout)
    for name in ("search", "task", "mlflow"):
        del result[name]
    del result["best"]["mlflow_run_id"]
    return {
        "command": " ".join(["tuneyard", *arguments]),
        "day": date.today().isoformat(),
        "result": result,
    }


def main() -> None:
    """Reads the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", help="those to search; all where none is named")
    for task in parser.parse_args().tasks or SEARCHES:
        started = time.monotonic()
        found = measure(task)
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(known | {task: found}, indent=1, sort_keys=True) + "\n")
        result = found["result"]
        print(
            f"{task}: {result['objective']['metric']} {result['baseline']['value']:.4g} -> "
            f"{result['best']['value']:.4g}, test {result['best']['test']}, "
            f"{time.monotonic() - started:.0f} s"
        )


if __name__ == "__main__":
    main()
