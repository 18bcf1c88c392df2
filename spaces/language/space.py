"""`SearchSpace`, the class that users write, and `Space`, what a search does with it."""

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
from tuneyard.spaces.language.errors import SpaceError, did_you_mean, one_line
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
        SpaceError: When the class is made: a field breaks a rule of the language.
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
        """Pydantic's own schema; a type that it can't read is a `SpaceError` like any other."""
        try:
            return handler(source)
        except PydanticSchemaGenerationError as error:
            raise unknown_type(cls, error) from None

    @classmethod
    def space(cls) -> Space[Self]:
        """The whole space of this class.

        Raises:
            SpaceError: A field breaks a rule of the language.
        """
        return Space(cls, compile_dimensions(cls))


ConfigT = TypeVar("ConfigT", bound=SearchSpace)


@dataclass(frozen=True)
class Space(Generic[ConfigT]):
    """The dimensions of a space, whole or narrowed.

    Attributes:
        config_type: The class whose instances are the configs.
        leaves: Every leaf, fixed ones too, parents before children.
    """

    config_type: type[ConfigT]
    leaves: tuple[Dimension, ...]

    def dimensions(self) -> tuple[Dimension, ...]:
        """The leaves with anything to choose."""
        return tuple(leaf for leaf in self.leaves if leaf.searched)

    def baseline(self) -> ConfigT:
        """The default config; in a narrowed space, the nearest one inside."""
        return self.suggest(lambda leaf: leaf.baseline)

    def suggest(self, choose: Callable[[Dimension], Value]) -> ConfigT:
        """A config of this space.

        Args:
            choose: Gives a value for a searched dimension; asked for those that exist beside the
                values chosen before, in order.

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
        """A config as parameters by dotted path, fixed fields too; `unflatten` is the inverse.

        Raises:
            SpaceError: The config is outside this space.
        """
        params: Params = {}
        for leaf in self.leaves:
            if leaf.active(params):
                found = _look(config, leaf.keys)
                if leaf.role == "presence":
                    found = found is not None
                elif leaf.role == "length":
                    found = len(cast("tuple[object, ...]", found))
                elif isinstance(leaf.domain, Fixed):
                    found = leaf.domain.plain(found)
                params[leaf.path] = _read(leaf, found)
        return params

    def unflatten(self, params: Mapping[str, object]) -> ConfigT:
        """The config of some parameters, given as values or as text.

        Raises:
            SpaceError: A path is unknown, missing or has no place beside the others, or a value is
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
                raise SpaceError(f"{path} has no place beside the other values; leave it out")
        return self._build(read)

    def contains(self, config: ConfigT) -> bool:
        """Whether a config lies in this space."""
        try:
            self.unflatten(self.flatten(config))
        except SpaceError:
            return False
        return True

    def narrow(self, restrictions: Restrictions) -> Space[ConfigT]:
        """The part of this space that a user's restrictions leave; never more than it.

        Args:
            restrictions: By dotted path: one value, a list of choices, or a `Range`; values may be
                text. A fixed field takes any value of its type.

        Raises:
            SpaceError: A path is unknown or can't exist beside the others, or a value is outside.
        """
        switches = [leaf.path for leaf in self.leaves if leaf.role == "presence"]
        self._check_paths(restrictions, (path.removesuffix(".on") for path in switches))
        return replace(self, leaves=narrow_leaves(self.leaves, restrictions))

    def grid(self, points: int) -> Iterator[ConfigT]:
        """Every config of the grid with at most `points` values a numeric dimension."""

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
        """The nested config of parameters that are in their domains."""
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
                    f"{path} is not in {self.config_type.__name__}; {did_you_mean(path, known)}"
                )


def _read(leaf: Dimension, value: object) -> Value:
    try:
        return leaf.domain.read(value)
    except SpaceError as error:
        raise SpaceError(f"{leaf.path} {error}") from None


def _look(config: BaseModel, keys: Keys) -> object:
    """What stands at a place of a nested config."""
    found: object = config
    for key in keys:
        if isinstance(key, int):
            found = cast("tuple[object, ...]", found)[key]
        else:
            found = getattr(found, key)
    return found


def _put(nested: dict[str, object], leaf: Dimension, value: Value) -> None:
    """Writes one leaf's value into a nested config; parents come first."""
    content: object = value
    if leaf.role == "length":
        content = [None] * cast("int", value)
    elif leaf.role == "presence":
        content = {} if value else None
    elif isinstance(leaf.domain, Fixed):
        content = leaf.domain.parse(value)
    place: dict[str | int, object] = cast("dict[str | int, object]", nested)
    for key in leaf.keys[:-1]:
        # a list has its items from the start, as None; a group appears with its first leaf
        if isinstance(key, str):
            place.setdefault(key, {})
        elif place[key] is None:
            place[key] = {}
        place = cast("dict[str | int, object]", place[key])
    place[leaf.keys[-1]] = content
