"""What a worker that was lost has said last: the end of its log, where it is on this machine."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import ray
from ray.tune.experiment import Trial
from ray.util import get_node_ip_address

MOST_LINES = 20
_MOST_BYTES = 16 << 10

_PID = re.compile(r"^\tpid: (\d+)$", re.MULTILINE)
_IP = re.compile(r"^\tip: (\S+)$", re.MULTILINE)
_COLOR = re.compile("\\x1b\\[[0-9;]*m")
_RAYS_OWN = re.compile(r":(job_id|actor_name|task_name):")
"""Ray marks with such lines whose output follows."""


def last_lines(trial: Trial) -> list[str]:
    """The last lines that a trial's worker has printed before it was lost, oldest first.

    Args:
        trial: Of Ray Tune, with an error.

    Returns:
        At most `MOST_LINES`; none where it printed nothing, or ran on another machine.
    """
    error = Path(trial.error_file or "")
    text = error.read_text(errors="replace") if error.is_file() else ""
    last = _COLOR.sub("", text).rpartition("Failure # ")[2]
    pid, ip = _PID.search(last), _IP.search(last)
    if pid is None:
        # it never ran: Ray says what was raised in its place
        return _said(last.splitlines()[1:])
    here = get_node_ip_address()  # type: ignore[no-untyped-call]
    if ip is not None and ip[1] != here:
        return []
    logs = Path(_session_folder(), "logs")
    for kind in ("err", "out"):
        for log in logs.glob(f"worker-*-{pid[1]}.{kind}"):
            if lines := _said(_end(log)):
                return lines
    return []


def _session_folder() -> str:
    """The folder of the Ray that this process is connected to."""
    known = ray.init(ignore_reinit_error=True, logging_level=logging.ERROR)
    return str(known.address_info["session_dir"])  # type: ignore[attr-defined]


def _end(log: Path) -> list[str]:
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _MOST_BYTES))
        return file.read().decode(errors="replace").splitlines()


def _said(lines: list[str]) -> list[str]:
    """The last of some lines which a person has use for."""
    said = (line.rstrip() for line in lines if not _RAYS_OWN.match(line))
    return [line for line in said if line][-MOST_LINES:]
