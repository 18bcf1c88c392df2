"""The progress of a search in a notebook: one output, which is updated."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from tuneyard.search.results.screens import Screen, Standing

KEPT_LINES = 5
"""How many lines of failures stay; more would be longer than the search's result."""

_CUT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"


def has_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    return getattr(get_ipython(), "kernel", None) is not None


class Notebook(Screen):
    """One output of the cell that runs the search.

    The search's own thread updates it: a kernel would not know to which cell the output of another
    thread belongs.
    """

    seconds = 0.5

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._handle: DisplayHandle | None = None

    def start(self, standing: Callable[[], Standing]) -> None:
        """Makes the output."""
        bundle = self._bundle(standing())
        self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def refresh(self, standing: Standing) -> None:
        """Shows the search as it stands now."""
        if self._handle is not None:
            bundle = self._bundle(standing)
            self._handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]

    def say(self, line: str) -> None:
        """Keeps a line; the next refresh shows it."""
        self._lines.append(line)

    def stop(self, standing: Standing) -> None:
        """Leaves the search's last line, and the failures."""
        self.refresh(Standing(standing.ended, standing.budget, standing.line, (), ()))

    def _bundle(self, standing: Standing) -> dict[str, str]:
        lines = [standing.line, *self._lines[-KEPT_LINES:]]
        parts = [_bar(standing), *(f"<div>{escape(line)}</div>" for line in lines)]
        if standing.rows:
            parts.append(_table(standing))
        html = f'<div style="font-size:0.9em">{"".join(parts)}</div>'
        return {"text/html": html, "text/plain": "\n".join(lines)}


def _bar(standing: Standing) -> str:
    return (
        f'<progress value="{standing.ended}" max="{standing.budget}" '
        'style="width:min(100%,30em)"></progress>'
    )


def _table(standing: Standing) -> str:
    """The best trials; the last column takes the width that remains, and is cut."""
    left = "text-align:left;padding:0.1em 1em 0.1em 0"
    styles = [f"{left};white-space:nowrap"] * len(standing.columns)
    styles[-1] = f"{left};width:100%;max-width:0;{_CUT}"

    def row(tag: str, cells: tuple[str, ...]) -> str:
        written = (
            f'<{tag} style="{style}">{escape(cell)}</{tag}>'
            for style, cell in zip(styles, cells, strict=True)
        )
        return f"<tr>{''.join(written)}</tr>"

    head = f"<thead>{row('th', standing.columns)}</thead>"
    body = "".join(row("td", cells) for cells in standing.rows)
    return f'<table style="width:100%;margin:0">{head}<tbody>{body}</tbody></table>'
