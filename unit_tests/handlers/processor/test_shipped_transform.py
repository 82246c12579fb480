"""Test that the transform of this repository, or of a fork, keeps its contract."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor import errors
from handlers.processor.transform import Reject
from unit_tests.fixtures import shipped_transform

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=10,
)


@pytest.mark.property
@given(record=st.dictionaries(st.text(), values, max_size=5))
def test_shipped_transform_of_the_same_record_gives_the_same_result(record: dict[str, Any]) -> None:
    assert outcome(deepcopy(record)) == outcome(deepcopy(record))


def outcome(record: dict[str, Any]) -> object:
    """Return the stored record, or the class of the exception that rejected it."""
    try:
        stored = shipped_transform(record)
    except Exception as error:  # noqa: BLE001 - any exception rejects the record
        return type(error)
    assert isinstance(stored, dict)
    return stored


def test_reject_of_the_transform_is_what_the_intake_catches() -> None:
    assert Reject is errors.Reject
