"""Generated inputs, most of them wrong: each ends in an answer or in one line, and changes nothing.

Some 400 cases by default, over 4,000 with ``TUNEYARD_FAULTS=whole``; the same ones every time.
"""

import contextlib
import os
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuneyard.search.errors import MAX_LINE, SearchError
from tuneyard.search.spec.files import parse_spec, read_spec
from tuneyard.search.spec.restrictions import parse_restrictions
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces import SpaceError
from tuneyard.spaces.registry import descriptions, open_command

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
CASES: Counter[str] = Counter()
KINDS = 4
MAX_GROWTH = 512 * 2**10
"""KiB that all cases of one kind may need beside what the process has."""


def cases(whole: int) -> Any:
    """Settings of a test that has so many cases in all, and a tenth of them by default."""
    return settings(
        max_examples=whole if WHOLE else whole // 10,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH


# --- what is generated

LEAVES = {
    (task, leaf.path): leaf
    for task, described in descriptions().items()
    for leaf in described.space.space().leaves
}
TASKS = st.sampled_from(list(descriptions()))
PATHS = st.sampled_from(sorted({path for _, path in LEAVES}))
WORDS = "none null true auto nan -inf 1e400 1e-400 0x 0b_ 1_0 = : , .. ../up /etc/passwd ~nobody"
WORDS += " ~nobody.py . - -- --help { } {} {{ %s %00 [1 ' 2020-01-01 2020-13-41 20m -5s 1:2 1:2:log"
WORDS += " 2:1 nan:nan ::: no.py:Task .py: inf:inf 1e999:1 {low:1} none=none ...=1 \x1b[31m \x85 é"
LONG = st.builds(
    lambda text, length: text * (length // len(text)),
    st.sampled_from(["9", "x", "[", "{", "1-", ",", ".", "a.", "1s", "relu,"]),
    st.sampled_from([30, 900, 4000, 6000]),
)
ODD_TEXTS = ["", " ", "\n", "\x00", "\u2028", "\udc80", "\ud800", "\ufeff", "a\nb.py", '"']
ODD_TEXTS += ['{"low": 1, "high": 2}', "{low: 1}", "a b", "\t"]
ENDS = st.sampled_from(["", ".py", ".yaml"])
NASTY = st.sampled_from(WORDS.split() + ODD_TEXTS) | st.builds(str.__add__, LONG, ENDS)
TEXTS = NASTY | st.text(max_size=12) | PATHS
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 2**31, 2**32, 2**63, 10**12, 1e308, 5e-324])
    | st.integers(0, 5000).map(lambda digits: 10**digits)
)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS | st.dates()


def nested(depth: int, of_lists: bool) -> object:
    """A list or a mapping inside another, and so on."""
    value: object = 1
    for _ in range(depth):
        value = [value] if of_lists else {"a": value}
    return value


def repeated(levels: int) -> object:
    """Nine of nine of nine: few objects, and very many values."""
    value: object = ["x"]
    for _ in range(levels):
        value = [value] * 9
    return value


def cyclic() -> object:
    """A list that holds itself."""
    value: list[object] = [1]
    value.append(value)
    return value


ODD = (
    st.builds(nested, st.sampled_from([1, 5, 49, 51, 500, 1000, 5000]), st.booleans())
    | st.builds(repeated, st.integers(1, 12))
    | st.builds(cyclic)
    | st.sampled_from([10, 1000, 20_000]).map(lambda count: [0] * count)
    | st.sampled_from([10, 20_000]).map(lambda count: {f"trails{i}": i for i in range(count)})
)
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["low", "high", "log", "kind"]) | TEXTS, inner, max_size=4
        )
    ),
    max_leaves=10,
)
VALUES = PLAIN | TREES | ODD
RANGES = st.fixed_dictionaries({}, optional=dict.fromkeys(("low", "high", "log"), PLAIN))
SPACES = st.dictionaries(PATHS | TEXTS, PLAIN | RANGES | st.lists(PLAIN, max_size=3), max_size=4)
KINDS_OF = {
    "sampler": ("tpe", "random", "quasi_random", "cma_es", "gp", "grid", "tpee"),
    "scheduler": ("asha", "hyperband", "median", "pbt", "none", "asa"),
}
OPTIONS = ("points", "startup_trials", "grace_period", "reduction_factor", "interval", "grace")
OPTIONS += ("quantile", "resample", "min_trials", "x")


def chosen(kinds: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A sampler or a scheduler, with options that it may have."""
    options = st.dictionaries(st.sampled_from(OPTIONS), NUMBERS | PLAIN, max_size=2)
    given_as = st.builds(lambda kind, more: {"kind": kind} | more, st.sampled_from(kinds), options)
    return given_as | st.sampled_from(kinds) | VALUES


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **{name: VALUES | st.integers(1, 10**6) for name in SearchSpec.model_fields},
    **{name: chosen(kinds) for name, kinds in KINDS_OF.items()},
    "space": SPACES | SPACES | VALUES,
    "resources_per_trial": st.dictionaries(TEXTS, NUMBERS, max_size=3) | VALUES,
    "concurrency": PLAIN,
}
# few fields at a time: the first wrong value ends the reading
SPECS = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    st.fixed_dictionaries({"task": TASKS | TASKS | TEXTS}),
    st.just({}) | st.fixed_dictionaries({"space": SPACES}),
    st.sampled_from(sorted(FIELDS)).flatmap(
        lambda name: st.fixed_dictionaries({name: FIELDS[name]})
    ),
    st.just({}) | st.dictionaries(TEXTS, PLAIN, max_size=1),
)


# --- what every input must come to


def answered(kind: str, read: Callable[[], object]) -> None:
    """One case: what is wrong is an error of ours, which shows no value whole."""
    CASES[kind] += 1
    said = "nothing"
    try:
        read()
    except (SearchError, SpaceError) as error:
        said = str(error)
    assert said
    assert len(said) < 8 * MAX_LINE


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder, in which one stands."""
    folder = tmp_path_factory.mktemp("hostile")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TUNEYARD_", "MLFLOW_"))]:
            patch.delenv(name)
        yield folder


@cases(2000)
@given(SPECS)
def test_specs(values: dict[str, Any]) -> None:
    def read() -> None:
        spec = parse_spec(values)
        # what is taken can be written down, and is the same when it is read
        assert parse_spec(yaml.safe_load(spec.to_yaml())) == spec

    answered("specs", read)


# --- YAML

MARKS = (
    "&a |*a|*b|<<: |!!int |!!binary |!!python/object:os.system |! |? |- |[|]|{|}|, |: |:|>-|#|@|`|~"
)
MARKS += (
    '|\t|\'|"|"\\x|"\\Uffffffff"|\x00|%YAML 9.9\n|---\n|...\n|\n|\n  |task: diabetes\n|space:\n  '
)
MARKS += (
    "|space: |trials: |low: 1|high: 2|choices: |default: 1|optimizer.kind: |epochs: |name: ../up\n"
)
MARKS += "|objective: max x\n"
SNIPPETS = st.sampled_from([*MARKS.split("|"), "|\n  "])
LINES = st.lists(SNIPPETS | SNIPPETS | TEXTS, max_size=14).map("".join)


def dumped(values: object) -> str:
    """A document of what can be written as one; the rest as Python shows it."""
    try:
        return yaml.safe_dump(values)
    except (yaml.YAMLError, ValueError, RecursionError):
        return f"task: {str(type(values))!r}\n"


def spliced(text: str, where: float, snippet: str) -> str:
    """A document with a snippet somewhere in it."""
    cut = int(where * len(text))
    return text[:cut] + snippet + text[cut:]


PLAIN_SPECS = st.fixed_dictionaries(
    {"task": TASKS}, optional={"space": SPACES, "trials": PLAIN, "name": TEXTS, "sampler": TREES}
)
DECLARED = st.fixed_dictionaries(
    {"objective": st.just("max score") | PLAIN},
    optional={
        "space": st.dictionaries(
            st.sampled_from(["lr", "a.b", "a", "model.x", "schema", "a-b"]) | TEXTS,
            st.fixed_dictionaries(
                {"default": PLAIN},
                optional={
                    **dict.fromkeys(("low", "high", "step", "log"), NUMBERS | PLAIN),
                    "choices": st.lists(PLAIN, max_size=4) | TREES,
                },
            )
            | TREES,
            max_size=3,
        )
        | TREES,
        "epochs": NUMBERS | TREES,
        "name": TEXTS | TREES,
        "x": PLAIN,
    },
)
DOCUMENTS = (
    LINES
    | PLAIN_SPECS.map(dumped)
    | DECLARED.map(dumped)
    | st.builds(spliced, (PLAIN_SPECS | DECLARED).map(dumped), st.floats(0, 1), SNIPPETS | TEXTS)
)


@cases(1000)
@given(DOCUMENTS.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=60))
def test_yaml_documents(place: Path, document: bytes) -> None:
    path = place / "search.yaml"
    path.write_bytes(document)

    def read() -> None:
        values = read_spec(path)
        answered("YAML spaces", lambda: open_command("true", values, place))
        parse_spec(values)

    answered("YAML documents", read)
    assert list(place.iterdir()) == [path]
    path.unlink()


# --- narrowing


@cases(1000)
@given(TASKS, st.data())
def test_narrowing_expressions(task: str, data: st.DataObject) -> None:
    own = st.sampled_from([path for name, path in LEAVES if name == task])
    texts = st.builds(
        "{}{}{}".format, own | own | TEXTS, st.just("=") | TEXTS, TEXTS | NUMBERS.map(written)
    )
    ends = NUMBERS.map(written) | TEXTS
    ranges = st.builds(
        "{}={}:{}{}".format, own, ends, ends, st.sampled_from(["", ":log", ":", "x"])
    )
    sets = data.draw(st.lists(texts, max_size=3))
    wanted = data.draw(st.lists(ranges | texts, max_size=2))

    def read() -> None:
        space = descriptions()[task].space.space()
        narrowed = space.narrow(parse_restrictions(sets, wanted))
        assert space.contains(narrowed.baseline()) or any("=" in one for one in sets)

    answered("narrowing expressions", read)


def written(number: float) -> str:
    """A number as text, however many digits it has."""
    try:
        return str(number)
    except ValueError:
        return "9" * 5000


def test_how_many_cases_there_were(injected: Callable[..., None]) -> None:
    if len(CASES) < KINDS:
        pytest.skip("not all of them ran")
    for kind, count in CASES.items():
        injected(f"hostile {kind}", count)
    assert CASES.total() >= (4000 if WHOLE else 400)
