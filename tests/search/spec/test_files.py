"""Files that hold no spec are refused in one line."""

from pathlib import Path

import pytest

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import read_spec


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("task: [diabetes", "is not YAML: while parsing a flow sequence"),
        ("task:\tdiabetes\n\t- x", "is not YAML: "),
        ("just words", "must be a mapping of keys to values, got 'just words'"),
        ("", "must be a mapping of keys to values, got None"),
        ("- task\n- diabetes", "must be a mapping of keys to values, got ['task', 'diabetes']"),
        (b"task: \xff\xfe", "is not YAML: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_cannot_be_read_costs_one_line(
    tmp_path: Path, text: str | bytes, line: str
) -> None:
    path = tmp_path / "search.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SearchError) as refused:
        read_spec(path)
    assert line in str(refused.value)
    assert str(path) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"^can't read .*no\.yaml: No such file or directory$"):
        read_spec(tmp_path / "no.yaml")
    with pytest.raises(SearchError, match=r"^can't read .*: Is a directory$"):
        read_spec(tmp_path)
