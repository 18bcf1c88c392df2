"""Durations: seconds, or a text like ``20m``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, FiniteFloat

MAX_SECONDS = 1e9
"""32 years: clocks and timers of the system overflow somewhere above."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(value: object) -> object:
    """``"90"``, ``"90s"``, ``"20m"`` or ``"1h30m"`` as seconds; what is no text as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        parts = re.findall(r"([\d.]+)([smhd])", text)
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be seconds, or a time like 90s, 20m or 1h30m") from None


Seconds = Annotated[FiniteFloat, BeforeValidator(parse_duration), Field(gt=0, le=MAX_SECONDS)]
"""More than 0, at most `MAX_SECONDS`; a number, or a text that `parse_duration` reads."""
