"""What a person sees of a search on a terminal, from its first word to its result."""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

PHASES = (
    "reading what to search",
    "loading PyTorch, Ray and MLflow",
    "loading the data of airplane-lstm",
    "starting Ray",
    "opening MLflow",
    r"starting \d workers? \(each imports PyTorch\)",
    "waiting for the first result",
    r"2/2 trials · 0 running · \d pruned · 0 failed",
    "writing the last trials to MLflow",
    "testing the best model",
    "registering the best model",
    "writing the result",
    "stopping Ray",
)


def test_a_terminal_is_told_all_the_time_what_is_done(tmp_path: Path) -> None:
    terminal, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    options = ["airplane-lstm", "--trials", "2", "--set", "epochs=2", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "tuneyard.search.cli", "search", *options],
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=writer,
    ) as search:
        os.close(writer)
        shown = _read(terminal)
        assert search.stdout is not None
        out = search.stdout.read()
    assert search.returncode == 0, shown
    assert json.loads(out)["state"] == "completed"
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()
    assert max(map(len, lines)) <= 80
    rest = "\n".join(lines)
    for phase in PHASES:
        found = re.search(phase, rest)
        assert found, f"{phase} does not come in:\n{rest}"
        rest = rest[found.end() :]


def _read(terminal: int) -> str:
    """All that is written to a terminal, until its other side is closed."""
    read = b""
    try:
        while some := os.read(terminal, 65536):
            read += some
    except OSError:
        # how Linux says that the other side is closed
        pass
    os.close(terminal)
    return read.decode()
