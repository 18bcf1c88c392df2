"""The command `tuneyard search`."""

from __future__ import annotations

from tuneyard.search.cli.detach import Detach, new_search, start_detached
from tuneyard.search.cli.options import HereOptions, Json, SearchOptions
from tuneyard.search.cli.output import LOADING, conclude, stdout_kept
from tuneyard.search.cli.with_options import with_options


@with_options
def search(
    what: SearchOptions, here: HereOptions, detach: Detach = False, as_json: Json = False
) -> None:
    """Searches a task's space; options win over the file's keys."""
    if detach:
        name = new_search(what.spec(), here)
        start_detached(name, here, as_json, "--name", name)
        return
    from tuneyard.search.results.display import announce, displayed

    with stdout_kept(as_json), displayed(show=True):
        announce("reading what to search")
        # a wrong spec is refused before Ray and MLflow are imported
        spec = what.spec()
        announce(LOADING)
        from tuneyard.search.api import search as run

        result = run(spec, here.settings())
    conclude(result, here, as_json)
