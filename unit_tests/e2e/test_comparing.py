"""Test that the comparisons of the end-to-end run find every difference, and only differences."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.attribute_values import canonical, to_wire
from operations.attribute_values import differences as wire_differences

_numbers = st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9)
_records = st.recursive(
    st.none() | st.booleans() | st.text() | _numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.property
@given(_records)
def test_a_record_is_the_same_in_whatever_notation(record: object) -> None:
    wire = to_wire(record)
    assert wire_differences(canonical(wire), canonical(copy.deepcopy(wire))) == []


@pytest.mark.property
@given(_numbers, _numbers)
def test_two_numbers_are_the_same_if_and_only_if_their_values_are(one: Decimal, other: Decimal) -> None:
    assert (to_wire(one) == to_wire(other)) == (one == other)
    assert (wire_differences(to_wire({"n": one}), to_wire({"n": other})) == []) == (one == other)


@pytest.mark.parametrize(
    ("expected", "held"), [(Decimal(1), "1"), (True, "true"), (None, ""), ([1], [1, 1]), ({"a": 1}, {})]
)
def test_another_type_is_a_difference(expected: object, held: object) -> None:
    assert wire_differences(to_wire(_decimals(expected)), to_wire(_decimals(held)))


def _decimals(value: object) -> object:
    match value:
        case bool():
            return value
        case int():
            return Decimal(value)
        case list():
            return [_decimals(one) for one in value]
        case dict():
            return {name: _decimals(one) for name, one in value.items()}
        case _:
            return value
