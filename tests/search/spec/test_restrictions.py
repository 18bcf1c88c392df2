"""`--set` and `--range` of the command line as restrictions of a space."""

import pytest

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.restrictions import parse_restrictions
from tuneyard.spaces import Range, SpaceError


def test_restrictions_of_the_command_line() -> None:
    sets = ["activation=relu,tanh", "batch_norm=true", "sizes=[6, 4]", "x=a=b"]
    ranges = ["a.b=1e-4:1e-1", "c=1:8:linear", "d=1:8:log"]
    assert parse_restrictions(sets, ranges) == {
        "activation": ["relu", "tanh"],
        "batch_norm": "true",
        "sizes": "[6, 4]",
        "x": "a=b",
        "a.b": Range(1e-4, 1e-1),
        "c": Range(1, 8, log=False),
        "d": Range(1, 8, log=True),
    }


@pytest.mark.parametrize(
    ("sets", "ranges", "line"),
    [
        (["lr"], [], "--set must read path=value, got 'lr'"),
        (["=3"], [], "--set must read path=value, got '=3'"),
        (["lr="], [], "--set must read path=value, got 'lr='"),
        ([], ["lr:1:2"], "--range must read path=value, got 'lr:1:2'"),
        (["lr=1"], ["lr=1:2"], "lr is restricted twice; leave one of them out"),
        (["lr=1", "lr=2"], [], "lr is restricted twice; leave one of them out"),
        ([], ["lr=1"], "a range must read low:high, low:high:log or low:high:linear, got '1'"),
        ([], ["lr=a:b"], "a range must read low:high, low:high:log or low:high:linear, got 'a:b'"),
        ([], ["lr=1:2:exp"], "a range must read low:high, low:high:log or low:high:linear, got"),
    ],
)
def test_restrictions_in_another_form(sets: list[str], ranges: list[str], line: str) -> None:
    with pytest.raises((SearchError, SpaceError)) as refused:
        parse_restrictions(sets, ranges)
    assert str(refused.value).startswith(line)
