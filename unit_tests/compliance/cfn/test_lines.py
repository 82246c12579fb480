"""The line of each resource is that of its logical id, in JSON and in every style of YAML."""

import json
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.cfn.lines import lines_of

pytestmark = pytest.mark.property

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("Resources"), inner, max_size=3)
    ),
    max_leaves=8,
)
_IDS = st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True)
_RESOURCES = st.dictionaries(_IDS, _VALUES, min_size=1, max_size=5)
_BEFORE = st.dictionaries(st.sampled_from(["Parameters", "Description", "Conditions"]), _VALUES, max_size=2)


@given(resources=_RESOURCES, before=_BEFORE, indent=st.sampled_from([None, 0, 1, 2, 4]))
@example(resources={"A": {"Type": 'x\n"A": {'}}, before={"Description": '"Resources": {'}, indent=1)
def test_lines_of_json_are_those_of_the_logical_ids(
    resources: dict[str, Any], before: dict[str, Any], indent: int | None
) -> None:
    text = json.dumps({**before, "Resources": resources, "Outputs": {"A": 1}}, indent=indent)

    lines = lines_of(text)

    assert list(lines) == list(resources)
    rows = text.split("\n")
    for logical_id, line in lines.items():
        assert f"{json.dumps(logical_id)}:" in rows[line - 1]
    assert list(lines.values()) == sorted(lines.values())
    if indent == 1:
        assert all(rows[line - 1].startswith(f"  {json.dumps(logical_id)}: ") for logical_id, line in lines.items())


@given(resources=_RESOURCES, before=_BEFORE)
def test_lines_of_yaml_are_those_of_the_logical_ids(resources: dict[str, Any], before: dict[str, Any]) -> None:
    text = yaml.safe_dump({**before, "Resources": resources}, sort_keys=False)

    lines = lines_of(text)

    assert set(lines) == set(resources)
    rows = text.split("\n")
    for logical_id, line in lines.items():
        assert rows[line - 1].strip(" ?'\"").startswith(logical_id)


def test_short_forms_and_yaml_in_braces() -> None:
    assert lines_of("Resources:\n  A: !GetAtt B.Arn\n\n  B:\n    Type: X\n") == {"A": 2, "B": 4}
    assert lines_of("{Resources: {\n  A: {Type: X}}}") == {"A": 2}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"Resources": []}', "a: [", "Resources: x", '{"Resources": {1: 2}}']
)
def test_text_that_is_not_a_template_has_no_lines(text: str) -> None:
    assert lines_of(text) in ({}, {"1": 1})


@given(text=st.text(max_size=60))
def test_lines_of_any_text_raise_no_error(text: str) -> None:
    assert isinstance(lines_of(text), dict)
