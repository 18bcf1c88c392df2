"""What a search ran with: the versions of the libraries, and the commit of the user's own code."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("tuneyard", "torch", "ray", "optuna", "mlflow", "numpy", "scikit-learn")
GIT_SECONDS = 5.0


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a result depends on, by name."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(folder: Path) -> tuple[str, bool] | None:
    """The commit that a folder is at, and whether files there differ from it.

    Args:
        folder: In a repository of git.

    Returns:
        None where it is in none, or there is no git.
    """
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return head, bool(changed)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        check=True,
    )
    return done.stdout.strip()
