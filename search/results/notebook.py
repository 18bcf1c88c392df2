"""The progress of a search in a notebook: one output, which is updated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from tuneyard.search.results.screens import BETWEEN, Screen, Standing

KEPT_LINES = 5
"""How many lines of failures stay; more would be longer than the search's result."""

WIDTH = 120
"""Characters of the table, whose width in pixels nobody knows here."""


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
        self._phase = ""
        self._standing: Standing | None = None
        self._lines: list[str] = []
        self._handle: DisplayHandle | None = None

    def phase(self, what: str) -> None:
        """Shows what is done."""
        self._phase = what
        self._show()

    def start(self, standing: Callable[[], Standing]) -> None:
        """Shows the trials."""
        self.refresh(standing())

    def refresh(self, standing: Standing) -> None:
        """Shows the search as it stands now."""
        self._standing = standing
        self._show()

    def say(self, line: str) -> None:
        """Keeps a line; the next refresh shows it."""
        self._lines.append(line)

    def stop(self, standing: Standing) -> None:
        """Leaves the search's last line, and the failures."""
        self.refresh(Standing(standing.ended, standing.budget, standing.counts, standing.facts))

    def close(self) -> None:
        """Takes away what was done last."""
        self.phase("")

    def _show(self) -> None:
        """Makes the output, or updates it."""
        bundle = self._bundle()
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]

    def _bundle(self) -> dict[str, str]:
        standing, kept = self._standing, self._lines[-KEPT_LINES:]
        said = [line for line in (self._phase, *kept) if line]
        parts = [f"<div>{escape(line)}</div>" for line in said]
        if standing is not None:
            facts = (_facts(standing.counts), _facts(standing.facts))
            parts = [_bar(standing), *facts, *parts]
            said = [standing.line, *said]
            if standing.rows:
                parts.append(_table(standing))
        html = f'<div style="font-size:0.9em">{"".join(parts)}</div>'
        return {"text/html": html, "text/plain": "\n".join(said)}


def _bar(standing: Standing) -> str:
    return (
        f'<progress value="{standing.ended}" max="{standing.budget}" '
        'style="width:min(100%,30em)"></progress>'
    )


def _facts(facts: Sequence[str]) -> str:
    """A line that breaks between two facts, and nowhere else."""
    whole = (f'<span style="white-space:nowrap">{escape(fact)}</span>' for fact in facts)
    return f"<div>{BETWEEN.join(whole)}</div>"


def _table(standing: Standing) -> str:
    """The best trials, to be scrolled where the page is narrow."""
    columns, rows = standing.table(WIDTH)
    style = "text-align:left;padding:0.1em 1em 0.1em 0;white-space:nowrap"

    def row(tag: str, cells: tuple[str, ...]) -> str:
        written = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in cells)
        return f"<tr>{''.join(written)}</tr>"

    body = "".join(row("td", cells) for cells in rows)
    table = (
        f'<table style="margin:0"><thead>{row("th", columns)}</thead><tbody>{body}</tbody></table>'
    )
    return f'<div style="overflow-x:auto">{table}</div>'
