"""`SearchSpace`, the base of the classes that declare spaces, and `Space`, their dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    PydanticSchemaGenerationError,
    ValidationError,
)
from pydantic_core import CoreSchema

from tuneyard.spaces.language.categorical import Fixed
from tuneyard.spaces.language.dimensions import Dimension, Keys
from tuneyard.spaces.language.domains import Value
from tuneyard.spaces.language.errors import SpaceError, clipped, did_you_mean, one_line
from tuneyard.spaces.language.leaves import unknown_type
from tuneyard.spaces.language.narrow import Restrictions, narrow_leaves
from tuneyard.spaces.language.walk import compile_dimensions

Params = dict[str, Value]


class SearchSpace(BaseModel):
    """Base of every space and of the groups and branches inside one.

    The annotations are the domains, the defaults are the baseline::

        class MlpSpace(SearchSpace):
            hidden: Annotated[int, Int(4, 64, log=True)] = 8     # searched
            batch_norm: bool = False                             # searched: a categorical
            optimizer: Optimizer = SGD(lr=0.1)                   # a branch
            epochs: int = 100                                    # plain: fixed, not searched

    Raises:
        SpaceError: A field violates a rule of the language; it is raised when the class is created.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Checks the class as soon as it exists."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.space()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Pydantic's own schema; an unsupported type is a `SpaceError` like any other problem."""
        try:
            return handler(source)
        except PydanticSchemaGenerationError as error:
            raise unknown_type(cls, error) from None

    @classmethod
    def space(cls) -> Space[Self]:
        """The whole space of this class.

        Raises:
            SpaceError: A field violates a rule of the language.
        """
        return Space(cls, compile_dimensions(cls))


ConfigT = TypeVar("ConfigT", bound=SearchSpace)


@dataclass(frozen=True)
class Space(Generic[ConfigT]):
    """The dimensions of a space, whole or narrowed.

    Attributes:
        config_type: The class whose instances are the configs.
        leaves: All leaves, including fixed ones, parents before children.
    """

    config_type: type[ConfigT]
    leaves: tuple[Dimension, ...]

    def dimensions(self) -> tuple[Dimension, ...]:
        """The leaves that are searched, i.e. have more than one value."""
        return tuple(leaf for leaf in self.leaves if leaf.searched)

    def baseline(self) -> ConfigT:
        """The default config; in a narrowed space, the nearest config inside it."""
        return self.suggest(lambda leaf: leaf.baseline)

    def suggest(self, choose: Callable[[Dimension], Value]) -> ConfigT:
        """Builds a config of this space from chosen values.

        Args:
            choose: Returns a value for a searched dimension. It is called in order, only for the
                dimensions that exist given the values chosen before.

        Raises:
            SpaceError: A chosen value is outside its domain.
        """
        params: Params = {}
        for leaf in self.leaves:
            if leaf.active(params):
                value = choose(leaf) if leaf.searched else next(leaf.domain.grid(1))
                params[leaf.path] = _read(leaf, value)
        return self._build(params)

    def flatten(self, config: ConfigT) -> Params:
        """Converts a config to parameters by dotted path, including fixed fields.

        `unflatten` is the inverse.

        Raises:
            SpaceError: The config is outside this space.
        """
        params: Params = {}
        for leaf in self.leaves:
            if leaf.active(params):
                found = _get(config, leaf.keys)
                if leaf.role == "presence":
                    found = found is not None
                elif leaf.role == "length":
                    found = len(cast("tuple[object, ...]", found))
                elif isinstance(leaf.domain, Fixed):
                    found = leaf.domain.plain(found)
                params[leaf.path] = _read(leaf, found)
        return params

    def unflatten(self, params: Mapping[str, object]) -> ConfigT:
        """Builds a config from parameters by dotted path, given as values or as text.

        Raises:
            SpaceError: A path is unknown, missing or not used given the other values, or a value is
                outside its domain.
        """
        self._check_paths(params)
        read: Params = {}
        for leaf in self.leaves:
            if not leaf.active(read):
                continue
            if leaf.path not in params:
                raise SpaceError(f"{leaf.path} is missing, it must be {leaf.domain.describe()}")
            read[leaf.path] = _read(leaf, params[leaf.path])
        for path in params:
            if path not in read:
                raise SpaceError(f"{path} is not used with the other values; leave it out")
        return self._build(read)

    def contains(self, config: ConfigT) -> bool:
        """Whether a config lies in this space."""
        try:
            self.unflatten(self.flatten(config))
        except SpaceError:
            return False
        return True

    def narrow(self, restrictions: Restrictions) -> Space[ConfigT]:
        """The subset of this space that satisfies a user's restrictions.

        Args:
            restrictions: By dotted path: one value, a list of choices, or a `Range`; values may be
                text. A fixed field accepts any value of its type.

        Raises:
            SpaceError: A path is unknown or cannot exist under the other restrictions, or a value
                is outside its domain.
        """
        switches = [leaf.path for leaf in self.leaves if leaf.role == "presence"]
        self._check_paths(restrictions, (path.removesuffix(".on") for path in switches))
        return replace(self, leaves=narrow_leaves(self.leaves, restrictions))

    def grid(self, points: int) -> Iterator[ConfigT]:
        """Yields the configs of a grid with at most `points` values per numeric dimension."""

        def extend(index: int, params: Params) -> Iterator[Params]:
            if index == len(self.leaves):
                yield params
                return
            leaf = self.leaves[index]
            values: Iterator[Value | None] = (
                leaf.domain.grid(points) if leaf.active(params) else iter((None,))
            )
            for value in values:
                chosen = {leaf.path: value} if leaf.active(params) else {}
                yield from extend(index + 1, params | chosen)

        return (self._build(params) for params in extend(0, {}))

    def _build(self, params: Mapping[str, Value]) -> ConfigT:
        """Builds the nested config from parameters that are in their domains."""
        nested: dict[str, object] = {}
        for leaf in self.leaves:
            if leaf.active(params):
                _put(nested, leaf, params[leaf.path])
        try:
            return self.config_type.model_validate(nested)
        except ValidationError as error:
            raise SpaceError(one_line(error)) from None

    def _check_paths(self, paths: Iterable[str], more: Iterable[str] = ()) -> None:
        known = {leaf.path for leaf in self.leaves}.union(more)
        for path in paths:
            if path not in known:
                raise SpaceError(
                    f"{clipped(path)} is not in {self.config_type.__name__}; "
                    f"{did_you_mean(path, known)}"
                )


def _read(leaf: Dimension, value: object) -> Value:
    try:
        return leaf.domain.read(value)
    except SpaceError as error:
        raise SpaceError(f"{leaf.path} {error}") from None


def _get(config: BaseModel, keys: Keys) -> object:
    """The value at the given keys of a nested config."""
    found: object = config
    for key in keys:
        if isinstance(key, int):
            found = cast("tuple[object, ...]", found)[key]
        else:
            found = getattr(found, key)
    return found


def _put(nested: dict[str, object], leaf: Dimension, value: Value) -> None:
    """Writes the value of one leaf into a nested config, after those of its parents."""
    content: object = value
    if leaf.role == "length":
        content = [None] * cast("int", value)
    elif leaf.role == "presence":
        content = {} if value else None
    elif isinstance(leaf.domain, Fixed):
        content = leaf.domain.parse(value)
    place: dict[str | int, object] = cast("dict[str | int, object]", nested)
    for key in leaf.keys[:-1]:
        # a list has all items from the start, as None; a group is added with its first leaf
        if isinstance(key, str):
            place.setdefault(key, {})
        elif place[key] is None:
            place[key] = {}
        place = cast("dict[str | int, object]", place[key])
    place[leaf.keys[-1]] = content
