"""Branches of conditions, and values of a required type."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.cfn.reading import (
    branches,
    one_or_more,
    possible_texts,
    require_bool,
    require_list,
    require_mapping,
    require_number,
    require_text,
)
from compliance.cfn.values import UnresolvedError
from compliance.engine.findings import Verdict
from compliance.engine.rule import judge_each

NO_VALUE = {"Ref": "AWS::NoValue"}


def _if(condition: str, then: Any, otherwise: Any = NO_VALUE) -> dict[str, Any]:  # noqa: ANN401
    return {"Fn::If": [condition, then, otherwise]}


@pytest.mark.parametrize(
    ("value", "versions"),
    [
        (1, [1]),
        (None, [None]),
        (NO_VALUE, [None]),
        ({"a": NO_VALUE, "b": None, "c": [NO_VALUE, 1]}, [{"c": [1]}]),
        (_if("C", 1, 2), [1, 2]),
        (_if("C", 1), [1, None]),
        ({"a": _if("C", 1), "b": _if("C", NO_VALUE, 2)}, [{"a": 1}, {"b": 2}]),
        ([_if("C", _if("D", 1, 2), 3)], [[1], [2], [3], [3]]),
    ],
)
def test_branches_of_one_condition_have_one_value(value: Any, versions: list[Any]) -> None:  # noqa: ANN401
    assert list(branches(value)) == versions


@pytest.mark.parametrize(
    "value", [{"Fn::If": "C"}, {"Fn::If": ["C", 1]}, {"Fn::If": [{"Ref": "C"}, 1, 2]}, {"Fn::If": ["C", 1, 2], "b": 1}]
)
def test_a_malformed_condition_is_unresolved(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnresolvedError, match="no Fn::If"):
        list(branches([value]))


def test_value_with_too_many_conditions_is_unresolved() -> None:
    with pytest.raises(UnresolvedError, match="9 conditions; at most 8"):
        list(branches([_if(f"C{number}", 1) for number in range(9)]))


_conditions = st.sampled_from("ABC")
_templates = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.text(max_size=3), part, max_size=3)
        | st.builds(_if, _conditions, part, part)
    ),
    max_leaves=12,
)


def _evaluated(value: Any, holds: dict[str, bool]) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return _evaluated(then if holds[condition] else otherwise, holds)
        return {key: _evaluated(part, holds) for key, part in value.items()}
    return [_evaluated(part, holds) for part in value] if isinstance(value, list) else value


@pytest.mark.property
@given(_templates, st.fixed_dictionaries(dict.fromkeys("ABC", st.booleans())))
@example([_if("A", [_if("A", 1, 2)], 3)], {"A": False, "B": True, "C": True})
def test_every_deployed_value_is_among_the_branches(value: Any, holds: dict[str, bool]) -> None:  # noqa: ANN401
    assert _evaluated(value, holds) in list(branches(value))


@pytest.mark.parametrize("bad", ["x", 7, {"Ref": "P"}, {"Fn::FindInMap": ["A", "B", "C"]}, True])
def test_a_map_is_a_map_or_unresolved(bad: Any) -> None:  # noqa: ANN401
    assert require_mapping({"a": 1}, "P") == {"a": 1}
    assert require_mapping(None, "P") == {}
    with pytest.raises(UnresolvedError, match=r"P is .*not a map"):
        require_mapping(bad, "P")


@pytest.mark.parametrize("bad", ["x", 7, {"Ref": "P"}, {"a": 1}])
def test_a_list_is_a_list_or_unresolved(bad: Any) -> None:  # noqa: ANN401
    assert list(require_list([1], "P")) == [1]
    assert list(require_list(NO_VALUE, "P")) == []
    with pytest.raises(UnresolvedError, match=r"P is .*not a list"):
        require_list(bad, "P")


def test_single_value_is_read_like_a_list() -> None:
    assert list(one_or_more("x", "P")) == ["x"]
    assert list(one_or_more(["x", "y"], "P")) == ["x", "y"]
    assert list(one_or_more({"Ref": "X"}, "P")) == [{"Ref": "X"}]
    assert list(one_or_more(None, "P")) == list(one_or_more(NO_VALUE, "P")) == []
    with pytest.raises(UnresolvedError, match="neither a value nor a list"):
        one_or_more({"a": 1}, "P")


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("true", True), ("False", False), (False, False)])
def test_a_flag_is_true_or_false_in_either_spelling(value: Any, expected: bool) -> None:  # noqa: ANN401, FBT001
    assert require_bool(value, "P", default=not expected) is expected
    assert require_bool(None, "P", default=expected) is expected


@pytest.mark.parametrize(("value", "expected"), [(60, 60), ("60", 60), (0.5, 0.5), (None, None)])
def test_a_number_is_a_number_in_either_spelling(value: Any, expected: float | None) -> None:  # noqa: ANN401
    assert require_number(value, "P") == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (require_bool, "yes"),
        (require_bool, 1),
        (require_bool, {"Ref": "P"}),
        (require_number, "many"),
        (require_number, "nan"),
        (require_number, True),
        (require_number, {"Ref": "P"}),
        (require_text, 7),
        (require_text, {"Ref": "P"}),
    ],
)
def test_value_of_another_type_is_unresolved(read: Callable[[Any, str], Any], value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnresolvedError, match="P is "):
        read(value, "P")


def _complain(version: str) -> list[str]:
    if version == "?":
        raise UnresolvedError("who knows")
    return [] if version == "good" else [version]


@pytest.mark.parametrize(
    ("versions", "verdict", "message"),
    [
        (["good", "good"], Verdict.PASS, ""),
        (["good", "?"], Verdict.NOT_EVALUATED, "who knows"),
        (["?", "bad", "worse", "bad"], Verdict.FAIL, "bad; worse"),
    ],
)
def test_the_worst_version_decides(versions: list[str], verdict: Verdict, message: str) -> None:
    judgement = judge_each(versions, _complain)

    assert (judgement.verdict, judgement.message) == (verdict, message)


def test_possible_texts_with_a_condition_are_those_of_its_branches() -> None:
    part = {"Fn::If": ["Big", "a", "b"]}
    assert possible_texts({"Fn::Join": ["-", [part, "x", part]]}) == ["a-x-a", "b-x-b"]
    assert possible_texts({"Fn::If": ["Big", {"Ref": "AWS::NoValue"}, "b"]}) == [None, "b"]
    with pytest.raises(UnresolvedError, match="what Ref Bucket will be"):
        possible_texts({"Fn::If": ["Big", "a", {"Ref": "Bucket"}]})
