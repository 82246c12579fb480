"""Test that the server's caches and fast copies return the same values as the code that they replace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.caching import copied, reading

ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()),
    max_leaves=20,
)


def changeable(value: Any) -> list[int]:  # noqa: ANN401  any value
    """Return the identities of all mutable objects in a value."""
    if isinstance(value, dict):
        return [id(value), *(identity for one in value.values() for identity in changeable(one))]
    if isinstance(value, list):
        return [id(value), *(identity for one in value for identity in changeable(one))]
    return [id(value)] if isinstance(value, set) else []


@pytest.mark.property
@given(ITEMS)
def test_copy_is_equal_and_shares_nothing_mutable(value: Any) -> None:  # noqa: ANN401  any value
    copy = copied(value)
    assert (copy, type(copy)) == (value, type(value))
    assert not set(changeable(copy)) & set(changeable(value))


@pytest.mark.property
@given(
    st.lists(st.sampled_from(['{"a": 1}', '{"a": 2}', "[]", "1", "1.0", "true", "{", "", b'{"a": 1}', b"\xff"]), min_size=1)
)
def test_text_parses_to_the_same_value_each_time(texts: list[str | bytes]) -> None:
    remembering = reading(2)
    for text in texts:
        try:
            parsed = json.loads(text)
        except ValueError as error:
            with pytest.raises(type(error)):
                remembering.loads(text)
        else:
            read = remembering.loads(text)
            assert (read, type(read)) == (parsed, type(parsed))
