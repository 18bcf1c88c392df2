"""A notebook on a real kernel: the progress of a search, its outcome, a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
import ray
from nbclient import NotebookClient

from tuneyard.search import Settings

SEARCH = """
from tuneyard.search import Settings, search
settings = Settings(
    storage={storage!r}, tracking_uri={tracking_uri!r}, data_dir={data_dir!r}, address={address!r}
)
found = search("diabetes", settings=settings, trials=3, name="shown", space={{"epochs": 5}})
"""


class Client(NotebookClient):
    """Keeps what came, as it came: an output that was updated shows its last state alone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.came: list[tuple[int, str]] = []

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        self.came.append((cell_index, msg["msg_type"]))
        return super().process_message(msg, cell, cell_index)


@pytest.fixture
def executed(local_ray: None, settings: Settings, data_dir: Path) -> Client:
    values = {
        "storage": str(settings.storage),
        "tracking_uri": settings.tracking_uri,
        "data_dir": str(data_dir),
        "address": ray.get_runtime_context().gcs_address,
    }
    cells = [SEARCH.format(**values), "found", "found.figure('history')", "found.trials"]
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    )
    client = Client(notebook, timeout=180, kernel_name="python3")
    client.execute()
    return client


def test_a_search_in_a_notebook(executed: Client) -> None:
    searched, outcome, figure, trials = executed.nb.cells

    (progress,) = searched.outputs
    assert progress.output_type == "display_data"
    assert progress.data["text/plain"].startswith("3/3 trials · 0 running")
    assert '<progress value="3" max="3"' in progress.data["text/html"]
    came = [kind for cell, kind in executed.came if cell == 0]
    assert came.count("display_data") == 1
    assert 1 <= came.count("update_display_data") < 100
    assert not {"stream", "clear_output", "error"} & set(came)

    (shown,) = outcome.outputs
    assert "<strong>shown</strong> completed" in shown.data["text/html"]
    assert "Best model on the test split" in shown.data["text/html"]
    assert shown.data["text/plain"].startswith("<Outcome: shown, completed, 3 trials")

    (drawn,) = figure.outputs
    (baseline,) = drawn.data["application/vnd.plotly.v1+json"]["layout"]["shapes"]
    assert baseline["line"]["dash"] == "dash"

    (table,) = trials.outputs
    assert "best_epoch" in table.data["text/html"]
