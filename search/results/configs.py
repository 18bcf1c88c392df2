"""What tells a few configs apart, in as few words as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from tuneyard.spaces import Value, to_text

GAP = 2
"""Characters between two columns."""

_VAGUE = ("on", "length")
"""Names that say nothing without the one before them, like the number of a list's item."""

Columns = dict[str, list[str]]
"""What is in each column, from top to bottom, by its header."""


def differences(configs: Sequence[Mapping[str, Value]]) -> Columns:
    """The parameters in which some configs differ; what all of them share is left out.

    A parameter's name is as short as it can be without meaning two of them, and that of a branch is
    left out: ``optimizer.adam.lr`` and ``optimizer.sgd.lr`` are one column, ``lr``.

    Args:
        configs: Flat parameters by path.

    Returns:
        A column for each parameter, empty where a config has none.
    """
    brief = [_brief(config) for config in configs]
    columns = {
        path: [config.get(path, "") for config in brief]
        for path in dict.fromkeys(path for config in brief for path in config)
    }
    differing = {path: cells for path, cells in columns.items() if len(set(cells)) > 1}
    return {_name(path, differing): cells for path, cells in differing.items()}


def fitting(columns: Columns, width: int) -> Columns:
    """As many columns as fit, in their order; those that most configs have come first.

    Args:
        columns: From `differences`.
        width: Characters for all of them, a gap before each.

    Returns:
        These columns; where some do not fit, a last one whose header says how many.
    """
    if sum(map(_width, columns, columns.values())) <= width:
        return columns
    kept: Columns = {}
    width -= _width(_more(len(columns)), [])
    for name in sorted(columns, key=lambda name: columns[name].count("")):
        if (needed := _width(name, columns[name])) <= width:
            kept[name] = columns[name]
            width -= needed
    shown = {name: cells for name, cells in columns.items() if name in kept}
    return shown | {_more(len(columns) - len(kept)): [""] * len(next(iter(columns.values())))}


def short_value(value: Value) -> str:
    """A value for a narrow column: floats with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else to_text(value)


def _brief(config: Mapping[str, Value]) -> dict[str, str]:
    """A config without what it says twice.

    The name of a union's branch is said by its kind, and whether an optional part is there by that
    part.
    """
    brief: dict[str, str] = {}
    for path, value in config.items():
        *above, last = path.split(".")
        if last == "on" and above and value is _has(config, ".".join(above), path):
            continue
        kinds = (config.get(".".join([*above[:index], "kind"])) for index in range(len(above)))
        kept = [part for part, kind in zip(above, kinds, strict=True) if part != kind]
        name = kept if last == "kind" and kept else [*kept, last]
        brief[".".join(name)] = short_value(value)
    return brief


def _has(config: Mapping[str, Value], part: str, switch: str) -> bool:
    """Whether a config has more of an optional part than its switch."""
    return any(path == part or (path.startswith(f"{part}.") and path != switch) for path in config)


def _name(path: str, paths: Mapping[str, object]) -> str:
    """The shortest ending of a path that means no other one."""
    parts = path.split(".")
    size = 2 if parts[-1] in _VAGUE or parts[-1].isdigit() else 1
    while size < len(parts):
        name = ".".join(parts[-size:])
        if not any(other != path and f".{other}".endswith(f".{name}") for other in paths):
            return name
        size += 1
    return path


def _width(name: str, cells: Sequence[str]) -> int:
    return GAP + max(map(cell_len, [name, *cells]))


def _more(count: int) -> str:
    return f"{count} more"
