"""The names of a checkpoint's files, for who looks for them without torch."""

from __future__ import annotations

WEIGHTS = "model.pt"
"""The best weights."""

STATE = "state.pt"
"""What an exact continuation needs; missing where the training has ended."""

CONFIG = "config.json"
"""The parameters."""

HISTORY = "history.json"
"""Every metric of each epoch that the trial has trained."""
