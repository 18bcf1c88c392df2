"""Suggests the domain of a number around its default, by the name that it goes by."""

from __future__ import annotations

import math
import re

_SHARES = {"dropout", "drop", "droprate", "dropouth", "dropouti", "momentum", "prob", "probs"}
_SHARES |= {"probability", "smoothing", "ratio", "fraction", "mixup", "cutmix", "p"}
_DECAYS = {"beta", "beta1", "beta2", "betas", "b1", "b2", "gamma", "alpha", "rho", "tau", "ema"}
_DECAYS |= {"discount", "polyak", "decay"}
_PENALTIES = {"wd", "l1", "l2", "reg"}
_BATCHES = {"batch", "batchsize", "bs", "bsz"}

_SMALL = 0.1
"""The largest float that is taken for a rate, whose size is a matter of decades."""


def number_domain(default: float, words: list[str]) -> tuple[str, str, str] | None:
    """Suggests what to search.

    Args:
        default: The option's default, a whole number or not.
        words: Those of its name.

    Returns:
        The annotation, the domain as text and where it comes from; None where nothing suggests one.
    """
    if not math.isfinite(default):
        return None
    if isinstance(default, int):
        return _whole(default, set(words))
    return _real(default, set(words))


def write(value: float) -> str:
    """A number as short as Python source has it: ``1e-5``."""
    if not math.isfinite(value):
        return f'float("{value}")'
    return re.sub(r"e([-+])0", r"e\1", repr(value)).replace("e+", "e")


def _whole(default: int, words: set[str]) -> tuple[str, str, str] | None:
    if default < 1:
        return None
    if words & _BATCHES:
        nearest = 2 ** round(math.log2(default))
        powers = {nearest * 2**power for power in (-2, -1, 0, 1, 2) if nearest * 2**power >= 1}
        choices = ", ".join(str(int(choice)) for choice in sorted(powers | {default}))
        return f"Literal[{choices}]", choices, f"powers of two near {default}"
    low, high = max(1, default // 4), default * 4
    origin = f"from a quarter of {default} to four times as much"
    return f"Annotated[int, Int({low}, {high}, log=True)]", f"[{low}, {high}] log", origin


def _real(default: float, words: set[str]) -> tuple[str, str, str] | None:
    weight = "weight" in words or bool(words & _PENALTIES)
    share = words & (_SHARES | _DECAYS) and not weight
    if default == 0 and (weight or words & {"decay"}):
        return _float(0.0, 0.1, "small penalties; without one there is no scale around 0")
    if share and 0 <= default < 1:
        high = 0.99 if default <= 0.95 else _tidy(1 - (1 - default) / 10)
        low = 0.8 if words & _DECAYS and default >= 0.8 else 0.0
        return _float(low, high, "a share below 1")
    if default <= 0:
        return None
    if default <= _SMALL or {"lr", "rate"} & words or weight:
        # with a learning rate far above 1 nothing trains
        high = min(default * 100, max(default * 10, 1.0))
        upper = f", at most {write(_tidy(high))}" if high < default * 100 else ""
        origin = f"two decades either side of {write(default)}{upper}"
        return _float(_tidy(default / 100), _tidy(high), origin, log=True)
    origin = f"a decade either side of {write(default)}"
    return _float(_tidy(default / 10), _tidy(default * 10), origin, log=True)


def _float(low: float, high: float, origin: str, log: bool = False) -> tuple[str, str, str]:
    bounds = f"{write(low)}, {write(high)}"
    scale, text = (", log=True", " log") if log else ("", "")
    return f"Annotated[float, Float({bounds}{scale})]", f"[{bounds}]{text}", origin


def _tidy(value: float) -> float:
    """Without the digits that a division leaves behind."""
    return float(f"{value:.9g}")
