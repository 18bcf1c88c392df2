"""`Settings`: where a search runs and writes."""

from __future__ import annotations

import shlex
from pathlib import Path

from tuneyard.search.access import redacted
from tuneyard.search.frozen import Frozen


class Settings(Frozen):
    """Where a search runs and writes; none of it changes what is searched.

    Attributes:
        storage: Folder that holds a folder for each search, or its address in an object store, e.g.
            ``s3://bucket/searches``; on a cluster every node must reach it.
        tracking_uri: MLflow's address; None means MLflow's own default, ``MLFLOW_TRACKING_URI`` or
            ``sqlite:///mlflow.db``.
        studies: Optuna storage that searches are mirrored to, e.g. ``postgresql://host/optuna``;
            None means ``TUNEYARD_STUDIES``, or a journal in the search's folder.
        data_dir: Folder looked in first for data; None means ``TUNEYARD_DATA``.
        address: A Ray cluster to use; None starts Ray here.
        display: Show progress on stderr.
    """

    storage: Path | str = Path("tuneyard-searches")
    tracking_uri: str | None = None
    studies: str | None = None
    data_dir: Path | None = None
    address: str | None = None
    display: bool = False

    def resume_command(self, search: str) -> str:
        """What a person types to go on with a search of these settings."""
        words = ["tuneyard", "resume", search]
        for field in ("storage", "tracking_uri", "data_dir", "address"):
            # a path may have been given as text
            value, default = getattr(self, field), type(self).model_fields[field].default
            if value is not None and str(value) != str(default):
                words += [f"--{field.replace('_', '-')}", redacted(str(value))]
        return shlex.join(words)
