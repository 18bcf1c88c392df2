"""YAML of plain values: bounded while it is read, so that no file costs more than its size."""

from __future__ import annotations

from typing import cast

import yaml

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.bounds import MAX_DEPTH, MAX_TEXT, MAX_VALUES, check_bounds
from tuneyard.spaces import SpaceError
from tuneyard.spaces.language.errors import shown

MAX_BYTES = 2**20
"""Of a file; a spec has some hundred."""


def load_yaml(text: str | bytes, place: str) -> object:
    """The values of a document.

    Args:
        text: The document; as bytes, in UTF-8.
        place: What errors call it.

    Raises:
        SearchError: It is not YAML, is too large, or holds what is no plain value; one line.
    """
    if len(text) > MAX_BYTES:
        raise SearchError(f"{place} must be at most {MAX_BYTES} bytes long, and it is longer")
    try:
        document = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        values: object = yaml.load(document, Loader=_PlainLoader)
        check_bounds(values)
    except _BoundError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SearchError(f"{place}{line}: {error.problem}") from None
    except SpaceError as error:
        raise SearchError(f"{place}: {error}") from None
    # bytes that are no text; and an escape that is no character, which PyYAML lets pass
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise SearchError(f"{place} is not YAML: {' '.join(str(error).split())}") from None
    return values


class _BoundError(yaml.MarkedYAMLError):
    """A document is YAML, and not one that is taken."""


class _PlainLoader(yaml.SafeLoader):
    """Makes plain values alone; what an alias repeats counts each time, in values and in depth."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._values = 0
        self._depth = 0
        self._deepest = 0
        # of what an alias may repeat: how many values it has, and how deep they nest below it
        self._extents: dict[yaml.Node, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, within the bounds."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise self._error("a value must be plain, without a tag such as !!int", event)
        self._depth += 1
        values, deepest, self._deepest = self._values, self._deepest, self._depth
        self._values += 1
        self._check(event)
        node = cast("yaml.Node", super().compose_node(parent, index))
        if isinstance(event, yaml.AliasEvent):
            self._repeat(node, event)
        elif getattr(event, "anchor", None) is not None:
            self._extents[node] = (self._values - values, self._deepest - self._depth)
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
        self._depth -= 1
        self._deepest = max(self._deepest, deepest)
        return node

    def _repeat(self, node: yaml.Node, event: yaml.AliasEvent) -> None:
        """Counts what an alias stands for."""
        if node not in self._extents:
            raise self._error(f"*{event.anchor} stands for what it is in; leave it out", event)
        values, height = self._extents[node]
        self._values += values - 1
        self._deepest = max(self._deepest, self._depth + height)
        self._check(event)

    def _check(self, event: yaml.Event) -> None:
        if self._values > MAX_VALUES:
            raise self._error(f"there are more than {MAX_VALUES} values, aliases included", event)
        if self._deepest > MAX_DEPTH:
            raise self._error(f"lists and mappings nest deeper than {MAX_DEPTH} levels", event)
        text = getattr(event, "value", "")
        if len(text) > MAX_TEXT:
            raise self._error(
                f"a text must be at most {MAX_TEXT} characters, got {len(text)}", event
            )

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise self._error(f"{shown(key.value)} is given twice; leave one out", key)
                seen.add((key.tag, key.value))

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number."""
        try:
            return super().construct_yaml_int(node)
        # it has more digits than Python reads, or none, as in 0x_
        except ValueError:
            problem = f"{shown(node.value)} must be a whole number of at most 64 bits"
            raise self._error(problem, node) from None

    def _error(self, problem: str, at: yaml.Event | yaml.Node) -> _BoundError:
        return _BoundError(problem=problem, problem_mark=cast("yaml.Mark", at.start_mark))


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_yaml_int)
# a date is text, such as a name: no key of a spec takes a date
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
