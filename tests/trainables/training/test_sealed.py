"""Damage of a sealed file is found wherever it is."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuneyard.trainables.training.sealed import DamagedError, check_archive, seal, unseal

VALUES = st.dictionaries(
    st.text().filter(lambda name: name != "sha256"),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)


@given(VALUES)
def test_what_is_sealed_comes_back(values: dict[str, object]) -> None:
    assert unseal(seal(values)) == values


@given(VALUES, st.data())
def test_a_text_cut_short_is_refused(values: dict[str, object], data: st.DataObject) -> None:
    text = seal(values)
    with pytest.raises(DamagedError):
        unseal(text[: data.draw(st.integers(0, len(text) - 1))])


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_another_number_is_refused(one: int, other: int) -> None:
    text = seal({"lr": f"value {one}"})
    changed = text.replace(f"value {one}", f"value {other}")
    if one == other:
        assert unseal(changed) == {"lr": f"value {one}"}
    else:
        with pytest.raises(DamagedError, match="checksum"):
            unseal(changed)


def test_a_file_of_an_earlier_version_has_no_checksum() -> None:
    assert unseal('{"params": {"lr": 0.1}}') == {"params": {"lr": 0.1}}


def test_an_archive_of_torch_is_refused_wherever_a_tensor_changes() -> None:
    whole = io.BytesIO()
    torch.save({"weight": torch.full((300,), 7.0)}, whole)
    check_archive(whole)
    content = whole.getvalue()
    at = content.index(torch.full((300,), 7.0).numpy().tobytes())
    for offset in range(at, at + 1200, 100):
        spoilt = bytearray(content)
        spoilt[offset] ^= 0xFF
        with pytest.raises(DamagedError, match="checksum"):
            check_archive(io.BytesIO(spoilt))
    with pytest.raises(DamagedError):
        check_archive(io.BytesIO(content[: len(content) // 2]))
