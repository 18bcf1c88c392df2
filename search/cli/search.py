"""The command `tuneyard search`."""

from __future__ import annotations

from tuneyard.search.cli.options import HereOptions, Json, SearchOptions
from tuneyard.search.cli.output import conclude
from tuneyard.search.cli.with_options import with_options


@with_options
def search(what: SearchOptions, here: HereOptions, as_json: Json = False) -> None:
    """Searches a task's space; options win over the file's keys."""
    # a wrong spec is refused before Ray and MLflow are imported
    spec = what.spec()
    from tuneyard.search.api import search as run

    conclude(run(spec, here.settings()), here, as_json)
