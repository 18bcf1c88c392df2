"""The best value of a search against the baseline's, in percent and in words."""

from __future__ import annotations

from tuneyard.spaces import Value, to_text


def percent_change(value: float | None, baseline: float | None) -> float | None:
    """Percent by which a value differs from the baseline's; None without both, or from 0."""
    if value is None or not baseline:
        return None
    return 100 * (value - baseline) / abs(baseline)


def short(value: Value) -> str:
    """A value for a table: floats with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else to_text(value)


def percent(change: float | None) -> str:
    """A change in percent, with its sign; empty where there is none."""
    return "" if change is None else f"{change:+.1f} %"


def best_against_baseline(
    metric: str, best: float | None, baseline: float | None, trial: int | None = None
) -> str:
    """The best value so far beside the baseline's; empty as long as there is no best value.

    Args:
        metric: What ranks trials.
        best: The best value so far.
        baseline: The baseline's value; None before it has one.
        trial: The number of the best trial; it takes the place of the change in percent.
    """
    if best is None:
        return ""
    text = f"{metric} {short(best)}"
    if trial is not None:
        text += f" (trial {trial})"
        return text if baseline is None else f"{text}, baseline {short(baseline)}"
    if baseline is None:
        return text
    change = percent(percent_change(best, baseline))
    return f"{text} vs {short(baseline)}" + (f" ({change})" if change else "")
