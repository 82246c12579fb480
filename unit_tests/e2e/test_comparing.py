"""Test that the comparisons of the end-to-end run find every difference, and only differences."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration_tests.e2e.read_back.compare import count, differences
from integration_tests.e2e.read_back.resources import UNKNOWN
from operations.attribute_values import canonical, to_wire
from operations.attribute_values import differences as wire_differences

_names = st.text("abcDE", min_size=1, max_size=3)
_values = st.booleans() | st.integers(-5, 10**7) | st.text("xyz", min_size=1, max_size=4)
_properties = st.dictionaries(
    _names,
    st.recursive(
        _values,
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(_names, inner, min_size=1, max_size=3),
        max_leaves=10,
    ),
    min_size=1,
    max_size=4,
)
_numbers = st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9)
_records = st.recursive(
    st.none() | st.booleans() | st.text() | _numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.property
@given(_properties)
def test_answer_equal_to_the_template_is_no_difference(declared: dict[str, Any]) -> None:
    assert list(differences(declared, copy.deepcopy(declared), "here")) == []


@pytest.mark.property
@given(_properties, st.data())
@example({"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}, None)
def test_dropped_value_is_a_difference(declared: dict[str, Any], data: st.DataObject | None) -> None:
    paths = [path for path in _paths(declared) if path]
    path = data.draw(st.sampled_from(paths)) if data else ("Tags", 1)
    answered = copy.deepcopy(declared)
    holder: Any = answered
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    assert list(differences(declared, answered, "here"))


@pytest.mark.property
@given(_properties, st.data())
def test_changed_value_is_a_difference(declared: dict[str, Any], data: st.DataObject) -> None:
    leaves = [path for path in _paths(declared) if not isinstance(_at(declared, path), dict | list)]
    path = data.draw(st.sampled_from(leaves))
    answered = copy.deepcopy(declared)
    holder = _at(answered, path[:-1])
    holder[path[-1]] = "something else"
    assert list(differences(declared, answered, "here"))


@pytest.mark.parametrize(
    ("declared", "answered"),
    [
        (True, "true"),
        ("1209600", 1209600),
        (5, 5.0),
        (["one"], "one"),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"], "more": 1}),
        (UNKNOWN, "vpc-123"),
        ({"Roles": [UNKNOWN]}, {"Roles": ["generated"]}),
    ],
)
def test_other_notation_of_an_api_is_no_difference(declared: object, answered: object) -> None:
    assert list(differences(declared, answered, "here")) == []


def test_values_are_counted() -> None:
    assert count({"a": 1, "b": [True, {"c": "x"}], "d": UNKNOWN}) == (3, 1)


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


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield from _paths(part, (*path, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        value = value[part]
    return value
