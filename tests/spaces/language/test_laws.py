"""Property tests of random spaces, their configs, and random restrictions."""

import json
from enum import Enum
from itertools import islice
from math import prod
from typing import Annotated, Any, Literal, NamedTuple, cast

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from tuneyard.spaces import Float, Int, Length, Range, SearchSpace, Space, to_text
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.language.domains import Domain, Restriction, Value

laws = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Typed(NamedTuple):
    """An annotation and the defaults that it may have."""

    annotation: Any
    defaults: st.SearchStrategy[Any]
    has_none: bool = False


POOL: list[Value] = [
    *("relu", "Tanh", "none", "7", "1e-3", "true", "", " ", "a.b:c"),
    *(0, 1, -3, 64, 0.5, 1e-05, 2.0, True, False, None),
]

PLAIN = [
    Typed(int, st.integers()),
    Typed(str, st.text(max_size=4) | st.sampled_from(["none", "5", '"q"', "[1]", "null"])),
    Typed(float, st.floats(allow_nan=False, allow_infinity=False)),
    Typed(tuple[int, ...], st.tuples(st.integers())),
    Typed(int | None, st.none() | st.integers()),
    Typed(str | None, st.none() | st.sampled_from(["none", "NONE", "null", "x"])),
    Typed(int | str, st.integers() | st.sampled_from(["5", "five", "1e3"])),
    Typed(Literal["only"], st.just("only")),
    Typed(dict[str, bool | None], st.dictionaries(st.text(max_size=2), st.none() | st.booleans())),
]


def in_steps(domain: Float | Int) -> st.SearchStrategy[Any]:
    """The members of a domain with a step, computed from low as a user would do it."""
    step = domain.step or 1
    return st.integers(0, int(domain.size) - 1).map(
        lambda steps: min(domain.low + steps * step, domain.high)
    )


def members(domain: Domain) -> st.SearchStrategy[Any]:
    """Values of a searched domain, with its ends more frequent than the rest."""
    match domain:
        case Choice(choices):
            return st.sampled_from(choices)
        case Float(low, high, step=None):
            return st.sampled_from([low, high]) | st.floats(low, high)
        case Float() | Int():
            return st.sampled_from([0, int(domain.size) - 1]).flatmap(
                lambda steps: st.just(domain.low + steps * (domain.step or 1))
            ).filter(domain.contains) | in_steps(domain)
    raise AssertionError(domain)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    form = draw(st.sampled_from(["linear", "log", "step"]))
    if form == "step":
        low, step = (
            draw(st.sampled_from([0, 0.1, -2.5, 1e4])),
            draw(st.sampled_from([0.1, 1 / 3, 2])),
        )
        rest = draw(st.sampled_from([0, 0.4]))
        return Float(low, low + (draw(st.integers(1, 6)) + rest) * step, step=step)
    ends = st.floats(1e-8, 1e4) if form == "log" else st.floats(-1e4, 1e4)
    low, high = sorted(draw(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1])))
    return Float(low, high, log=form == "log")


@st.composite
def ints(draw: st.DrawFn) -> Int:
    form = draw(st.sampled_from(["linear", "log", "step"]))
    low = draw(st.integers(1, 50) if form == "log" else st.integers(-50, 50))
    high = low + draw(st.integers(1, 1000))
    step = draw(st.integers(1, high - low)) if form == "step" else None
    return Int(low, high, log=form == "log", step=step)


@st.composite
def scalars(draw: st.DrawFn) -> Typed:
    form = draw(st.sampled_from(["float", "float", "int", "int", "literal", "enum", "bool"]))
    if form == "float":
        real = draw(floats())
        return Typed(Annotated[float, real], members(real))
    if form == "int":
        whole = draw(ints())
        return Typed(Annotated[int, whole], members(whole))
    if form == "bool":
        return Typed(bool, st.booleans())
    values = draw(
        st.lists(
            st.sampled_from(POOL), min_size=2, max_size=4, unique_by=lambda v: to_text(v).lower()
        )
    )
    has_none = None in values or "none" in values
    if form == "literal" or len(set(values)) < len(
        values
    ):  # in an Enum, True would be an alias of 1
        return Typed(Literal[tuple(values)], st.sampled_from(values), has_none)
    kind = Enum("Kind", {f"m{i}": value for i, value in enumerate(values)})
    return Typed(kind, st.sampled_from(list(kind)), has_none)


@st.composite
def searched(draw: st.DrawFn, depth: int) -> Typed:
    """Types that may be an item of a searched tuple or optional, since they are searched."""
    forms = ["scalar", "scalar", "union", "group", "tuple"] if depth else ["scalar"]
    form = draw(st.sampled_from(forms))
    if form == "scalar":
        return draw(scalars())
    if form == "union":
        names = ["one", "two", "three", "four"][: draw(st.integers(2, 4))]
        branches = [draw(classes(depth - 1, kind=name)) for name in names]
        union = Annotated[branches[0] | branches[1], Field(discriminator="kind")]
        for branch in branches[2:]:
            union = Annotated[union.__origin__ | branch, Field(discriminator="kind")]
        return Typed(union, st.sampled_from(branches).flatmap(lambda cls: configs(cls.space())))
    if form == "group":
        group = draw(classes(depth - 1).filter(lambda cls: bool(cls.space().dimensions())))
        return Typed(group, configs(group.space()))
    item = draw(searched(depth - 1))
    low = draw(st.integers(0, 2))
    length = Length(low, draw(st.integers(max(low, 1), 3)))
    defaults = st.lists(item.defaults, min_size=length.low, max_size=length.high).map(tuple)
    return Typed(Annotated[tuple[item.annotation, ...], length], defaults)


@st.composite
def classes(draw: st.DrawFn, depth: int = 2, kind: str | None = None) -> type[SearchSpace]:
    """A random class of a space; `kind` makes it the branch of a union."""
    fields: dict[str, Any] = {"kind": (Literal[kind], kind)} if kind else {}
    for index in range(draw(st.integers(0 if kind else 2, 3))):
        field = (
            draw(st.sampled_from(PLAIN)) if draw(st.integers(0, 4)) == 0 else draw(searched(depth))
        )
        optional = not field.has_none and draw(st.integers(0, 3)) == 0
        annotation = field.annotation | None if optional else field.annotation
        default = draw(st.none() | field.defaults if optional else field.defaults)
        fields[f"f{index}"] = (annotation, default)
    return cast("type[SearchSpace]", create_model("Random", __base__=SearchSpace, **fields))


@st.composite
def configs(draw: st.DrawFn, space: Space[Any]) -> SearchSpace:
    return cast("SearchSpace", space.suggest(lambda leaf: draw(members(leaf.domain))))


spaces = classes().map(lambda cls: cls.space())


@st.composite
def restrictions(draw: st.DrawFn, leaf: Dimension) -> Restriction:
    """A restriction that a user may give for one leaf."""
    domain = leaf.domain
    if isinstance(domain, Float | Int) and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(members(domain), members(domain))))
        logs = [None, False, True] if low > 0 and domain.step is None else [None, domain.log]
        return Range(low, high, draw(st.sampled_from(logs)))
    one = members(domain)
    if not isinstance(domain, Choice) or leaf.role == "presence":
        return draw(one | one.map(to_text))
    return draw(one | one.map(to_text) | st.lists(one, min_size=1, max_size=3))


@st.composite
def narrowings(draw: st.DrawFn, space: Space[Any]) -> dict[str, Restriction]:
    """Compatible restrictions: each is drawn for a leaf that still exists after the others."""
    wanted: dict[str, Restriction] = {}
    for leaf in space.dimensions():
        if draw(st.integers(0, 2)) and leaf.path in {left.path for left in space.dimensions()}:
            wanted[leaf.path] = draw(restrictions(leaf))
            space = space.narrow({leaf.path: wanted[leaf.path]})
    return wanted


def text_of(space: Space[Any], config: SearchSpace) -> dict[str, str]:
    """The parameters of a config as text, which distinguishes True from 1, unlike `==`."""
    return {path: to_text(value) for path, value in space.flatten(config).items()}


@laws
@given(st.data())
def test_a_suggested_config_is_valid_and_inside(data: st.DataObject) -> None:
    space = data.draw(spaces)
    config = data.draw(configs(space))
    assert space.contains(config)
    assert space.config_type.model_validate(config.model_dump()) == config
    assert space.config_type.model_validate_json(config.model_dump_json()) == config


@laws
@given(st.data())
def test_flatten_and_unflatten_are_inverse(data: st.DataObject) -> None:
    space = data.draw(spaces)
    config = data.draw(configs(space))
    params = space.flatten(config)
    assert space.unflatten(params) == config
    text = text_of(space, config)
    assert space.unflatten(text) == config
    assert text_of(space, space.unflatten(text)) == text
    assert set(params) <= {leaf.path for leaf in space.leaves}


@laws
@given(spaces)
def test_the_default_config_is_the_baseline(space: Space[Any]) -> None:
    assert space.baseline() == space.config_type()
    assert text_of(space, space.baseline()) == text_of(space, space.config_type())
    assert space.contains(space.baseline())
    assert space == space.config_type.space()


@laws
@given(st.data())
def test_both_ends_are_reached(data: st.DataObject) -> None:
    space = data.draw(spaces)
    ends: dict[str, Value] = {}

    def choose(leaf: Dimension) -> Value:
        domain = leaf.domain
        if not isinstance(domain, Float | Int):
            return cast("Value", data.draw(members(domain)))
        last = domain.high if domain.step is None else domain.nearest(domain.high)
        ends[leaf.path] = data.draw(st.sampled_from([domain.low, last]))
        return ends[leaf.path]

    params = space.flatten(space.suggest(choose))
    assert {path: params[path] for path in ends} == ends


@laws
@given(st.data())
def test_narrowing_never_widens(data: st.DataObject) -> None:
    space = data.draw(spaces)
    wanted = data.draw(narrowings(space))
    part = space.narrow(wanted)
    for config in (part.baseline(), data.draw(configs(part))):
        assert part.contains(config)
        assert space.contains(config)
        assert part.unflatten(text_of(part, config)) == config
    assert len(part.dimensions()) <= len(space.dimensions())
    assert {leaf.path for leaf in part.leaves} <= {leaf.path for leaf in space.leaves}


@laws
@given(st.data())
def test_narrowing_twice_or_one_by_one_equals_narrowing_once(data: st.DataObject) -> None:
    space = data.draw(spaces)
    wanted = data.draw(narrowings(space))
    part = space.narrow(wanted)
    assert part.narrow(wanted) == part
    one_by_one = space
    for path, restriction in wanted.items():
        one_by_one = one_by_one.narrow({path: restriction})
    assert one_by_one == part


@laws
@given(st.data(), st.integers(1, 3))
def test_a_grid_has_distinct_configs_inside(data: st.DataObject, points: int) -> None:
    space = data.draw(spaces)
    sizes = [len(list(leaf.domain.grid(points))) for leaf in space.dimensions()]
    configs = list(islice(space.grid(points), 50))
    assert 1 <= len(configs) <= prod(sizes)
    assert all(map(space.contains, configs))
    assert len({json.dumps(text_of(space, config)) for config in configs}) == len(configs)


@laws
@given(st.data())
def test_the_json_schema_accepts_the_configs(data: st.DataObject) -> None:
    space = data.draw(spaces)
    schema = json.loads(json.dumps(space.config_type.model_json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    config = data.draw(configs(space))
    jsonschema.validate(config.model_dump(mode="json"), schema)
