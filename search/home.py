"""A home folder for a process that has none: a container's user without a name, a service."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def ensure_home() -> None:
    """Where there is no home folder, one among the temporary files takes its place.

    Ray and MLflow ask for the home folder when they are imported, and fail without one.
    """
    if os.path.isdir(os.path.expanduser("~")):  # noqa: PTH111, PTH112 - Path raises without a home
        return
    home = Path(tempfile.gettempdir(), f"tuneyard-{os.getuid()}")
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        # somebody else has made it, and may write into it
        home = Path(tempfile.mkdtemp(prefix="tuneyard-"))
    os.environ["HOME"] = str(home)
