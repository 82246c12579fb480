"""The comparison of a template with an API's answer finds every difference, in both directions, and only differences."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.live.compare import Difference, count, merged, unknown_places
from compliance.live.deployed import UNKNOWN

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


def differences(declared: Any, live: Any) -> list[Difference]:  # noqa: ANN401 - JSON
    return merged(declared, declared, live, lambda _place, _value: False)[1]


@pytest.mark.property
@given(_properties)
def test_answer_equal_to_the_template_is_no_difference(declared: dict[str, Any]) -> None:
    assert differences(declared, copy.deepcopy(declared)) == []


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
    assert differences(declared, answered)


@pytest.mark.property
@given(_properties, st.data())
def test_changed_value_is_a_difference(declared: dict[str, Any], data: st.DataObject) -> None:
    leaves = [path for path in _paths(declared) if not isinstance(_at(declared, path), dict | list)]
    path = data.draw(st.sampled_from(leaves))
    answered = copy.deepcopy(declared)
    holder = _at(answered, path[:-1])
    holder[path[-1]] = "something else"
    assert differences(declared, answered)


@pytest.mark.parametrize(
    ("declared", "answered"),
    [
        (True, "true"),
        ("1209600", 1209600),
        (5, 5.0),
        (["one"], "one"),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}),
        (UNKNOWN, "vpc-123"),
        ({"Roles": [UNKNOWN]}, {"Roles": ["generated"]}),
    ],
)
def test_other_notation_of_an_api_is_no_difference(declared: object, answered: object) -> None:
    assert differences(declared, answered) == []


def test_values_are_counted() -> None:
    declared = {"a": 1, "b": [True, {"c": "x"}], "d": UNKNOWN}
    assert (count(declared), list(unknown_places(declared))) == (3, ["d"])


@pytest.mark.property
@given(_properties, _values)
def test_added_value_is_a_difference(declared: dict[str, Any], value: object) -> None:
    (found,) = differences(declared, {**declared, "Added": value})
    assert (found.place, found.live) == ("Added", value)


def test_second_principal_in_a_statement_is_a_difference() -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    changed = {**statement, "Principal": {**statement["Principal"], "AWS": "*"}}  # type: ignore[dict-item]
    found = differences({"Statement": [statement]}, {"Statement": [changed]})
    assert [str(each) for each in found] == ['Statement[0].Principal.AWS: the template has nothing, the cloud has "*"']


def test_unchanged_values_keep_their_references_in_the_live_template() -> None:
    raw = {"KeyId": {"Ref": "Key"}, "Rules": [{"Target": {"Fn::GetAtt": ["Queue", "Arn"]}}, {"Target": "a"}]}
    declared = {"KeyId": "key-1", "Rules": [{"Target": "arn"}, {"Target": "a"}]}
    value, found = merged(raw, declared, {"KeyId": "key-1", "Rules": [{"Target": "b"}, {"Target": "arn"}]}, lambda *_: False)
    assert value == {"KeyId": {"Ref": "Key"}, "Rules": [{"Target": {"Fn::GetAtt": ["Queue", "Arn"]}}, {"Target": "b"}]}
    assert [each.place for each in found] == ["Rules[1].Target"]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield from _paths(part, (*path, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        value = value[part]
    return value
