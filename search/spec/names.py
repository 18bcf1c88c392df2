"""Names of searches: their form, and one for a search that was given none."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""The form of a name: it is a folder, a tag of MLflow and a part of addresses."""


def new_name(task: str) -> str:
    """A name for a search that was given none."""
    # two searches may start within one second
    return f"{task}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
