"""`Data`: what a search asks of the data of any task."""

from typing import Protocol


class Data(Protocol):
    """The data of a search, which the trials share.

    Attributes:
        name: Its name.
        source: Where it came from.
        fingerprint: The sha256 (hex) of its content.
        classes: The names of the classes; empty where it has none.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above

    @property
    def source(self) -> str: ...  # noqa: D102

    @property
    def fingerprint(self) -> str: ...  # noqa: D102

    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
