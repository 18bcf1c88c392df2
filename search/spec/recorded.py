"""The spec of a search as its folder and its run in MLflow hold it."""

from __future__ import annotations

from tuneyard.search.spec.files import load_mapping, parse_spec
from tuneyard.search.spec.renamed import rename_old_keys
from tuneyard.search.spec.search import SearchSpec


def read_recorded_spec(text: str) -> SearchSpec:
    """The spec that was recorded, by this version of tuneyard or by one before it.

    Args:
        text: YAML, as `SearchSpec.to_yaml` wrote it.

    Raises:
        SearchError: The spec is damaged, or does not fit this version; one line.
    """
    return parse_spec(rename_old_keys(load_mapping(text, "the recorded spec")))
