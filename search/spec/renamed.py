"""Keys of a spec that had another name before: refused in a new spec, read in a recorded one."""

from __future__ import annotations

from collections.abc import Mapping

from tuneyard.spaces import SpaceError

RENAMED = {"concurrency": "max_concurrent_trials", "keep": "keep_checkpoints"}
"""The keys of a search that were renamed: old name, new name."""

RENAMED_OPTIONS = {"grace": "grace_period", "reduction": "reduction_factor"}
"""The options of schedulers that were renamed."""


def refuse_old_keys(values: Mapping[str, object]) -> None:
    """Refuses a key by its old name.

    Args:
        values: Of a spec, by key.

    Raises:
        SpaceError: There is one; the line names the new name.
    """
    scheduler = values.get("scheduler")
    options = scheduler if isinstance(scheduler, Mapping) else {}
    for found, renamed, place in ((values, RENAMED, ""), (options, RENAMED_OPTIONS, "scheduler.")):
        for old, new in renamed.items():
            if old in found:
                raise SpaceError(f"{place + old!r} is now called {place + new!r}")


def rename_old_keys(values: Mapping[str, object]) -> dict[str, object]:
    """The same values by the keys of today.

    Args:
        values: Of a spec that was recorded, perhaps before keys were renamed.
    """
    found = {RENAMED.get(key, key): value for key, value in values.items()}
    scheduler = found.get("scheduler")
    if isinstance(scheduler, Mapping):
        found["scheduler"] = {
            RENAMED_OPTIONS.get(key, key): value for key, value in scheduler.items()
        }
    return found
