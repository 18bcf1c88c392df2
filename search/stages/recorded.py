"""What a search is, as its folder keeps it: its spec and its data, with a checksum."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from tuneyard.datasets import Data
from tuneyard.search.errors import SearchError
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.storage.folder import SEARCH, SPEC, SearchFolder
from tuneyard.search.tracking.client import MlflowClient, Run
from tuneyard.search.tracking.runs import queued_spec
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.trainables.training.sealed import DamagedError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordedData:
    """What a search has to say of its data where the data itself is not at hand; see `Data`."""

    name: str
    source: str
    fingerprint: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RecordedSearch:
    """A search as its folder keeps it.

    Attributes:
        spec: With the budget that the search has now.
        data: What it is searched on; None where an earlier version did not say so there.
    """

    spec: SearchSpec
    data: RecordedData | None


def record_search(folder: SearchFolder, search: ResolvedSpec, data: Data) -> None:
    """Writes what a search is into its folder: for a resume, and for people."""
    text = search.recorded().to_yaml()
    known = RecordedData(data.name, data.source, data.fingerprint, tuple(data.classes))
    folder.seal(SEARCH, {"spec": text, "data": asdict(known)})
    folder.write(SPEC, text)


def recorded_search(folder: SearchFolder) -> RecordedSearch:
    """What a search is; of a damaged ``search.json``, what ``spec.yaml`` says beside it.

    Raises:
        SearchError: Both are damaged, or do not fit this version; one line.
    """
    try:
        found = folder.unseal(SEARCH)
        data = RecordedData(**found["data"] | {"classes": tuple(found["data"]["classes"])})
        return RecordedSearch(read_recorded_spec(found["spec"]), data)
    except FileNotFoundError:
        # an earlier version's
        pass
    except (DamagedError, KeyError, TypeError) as error:
        logger.warning("%s/%s is damaged (%s); %s is read instead", folder, SEARCH, error, SPEC)
    try:
        text = folder.read(SPEC)
    except FileNotFoundError:
        raise SearchError(
            f"{folder} holds no {SEARCH} and no {SPEC} that can be read: the search is lost there"
        ) from None
    return RecordedSearch(read_recorded_spec(text), None)


def queued_search(client: MlflowClient, parent: Run) -> RecordedSearch:
    """A search that waits in the queue and has no folder yet."""
    return RecordedSearch(read_recorded_spec(queued_spec(client, parent)), None)


def granted_spec(client: MlflowClient, parent: Run | None, recorded: RecordedSearch) -> SearchSpec:
    """The spec of a search with the budget that it has now.

    It was put into the queue with it, if it waits there, and not by a command that may be repeated:
    whichever driver is the first to begin writes it into the folder.
    """
    if parent is None or SearchTags.decode(parent.data.tags).state != "queued":
        return recorded.spec
    return read_recorded_spec(queued_spec(client, parent))
