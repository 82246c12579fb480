"""A changed template is written into its own text: the result has the wanted model, and no other line differs."""

import json
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.loading import parse
from compliance.cfn.rewriting import RewriteError, rewritten

YAML = """\
# Of the team that ingests.
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 900    # until the peak is over
      QueueName: !Sub "a-${AWS::Region}"
      Tags:
        - Key: Owner
          Value: platform
        # the next one is old
        - Key: Stage
          Value: 'old'
      Flow: {A: 1, B: [x, y]}
"""
JSON = json.dumps(parse(Path("t.yaml"), YAML), indent=1)
GONE = {"gone": True}
PROPERTIES = ("Resources", "Queue", "Properties")


def _changed(text: str, *steps: str | int, to: Any = None, gone: bool = False) -> dict[str, Any]:  # noqa: ANN401
    body: dict[str, Any] = parse(Path("t.yaml"), text)
    parent: Any = body
    for step in steps[:-1]:
        parent = parent[step]
    if gone:
        del parent[steps[-1]]
    elif isinstance(parent, list):
        parent.append(to)
    else:
        parent[steps[-1]] = to
    return body


def _lines(before: str, after: str) -> str:
    """Return the lines that differ, without their indentation, in the order of the text."""
    different = (line for line in ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-")
    return "|".join(line[0] + line[2:].strip() for line in different)


@pytest.mark.parametrize(
    ("steps", "change", "in_yaml", "in_json"),
    [
        (("DelaySeconds",), GONE, "-DelaySeconds: 900    # until the peak is over", '-"DelaySeconds": 900,'),
        (
            ("DelaySeconds",),
            {"to": 60},
            "-DelaySeconds: 900    # until the peak is over|+DelaySeconds: 60    # until the peak is over",
            '-"DelaySeconds": 900,|+"DelaySeconds": 60,',
        ),
        (("Fifo",), {"to": True}, "+Fifo: true", '-}|+},|+"Fifo": true'),
        (
            ("Tags", 2),
            {"to": {"Key": "A", "Value": "true"}},
            "+- Key: A|+Value: 'true'",
            '+},|+{|+"Key": "A",|+"Value": "true"',
        ),
        (("Tags", 1), GONE, "-- Key: Stage|-Value: 'old'", '-},|-{|-"Key": "Stage",|-"Value": "old"'),
        (("Flow", "A"), GONE, "-Flow: {A: 1, B: [x, y]}|+Flow: {B: [x, y]}", '-"A": 1,'),
        (
            ("QueueName",),
            {"to": {"Ref": "Name"}},
            '-QueueName: !Sub "a-${AWS::Region}"|+QueueName: {"Ref": "Name"}',
            '-"Fn::Sub": "a-${AWS::Region}"|+"Ref": "Name"',
        ),
    ],
)
def test_only_the_lines_of_a_change_differ(
    steps: tuple[str | int, ...], change: dict[str, Any], in_yaml: str, in_json: str
) -> None:
    for name, text, expected in (("t.yaml", YAML, in_yaml), ("t.json", JSON, in_json)):
        after = rewritten(text, parse(Path(name), text), _changed(text, *PROPERTIES, *steps, **change), Path(name))
        assert _lines(text, after) == expected


def test_text_with_other_ends_of_lines_keeps_them() -> None:
    text = YAML.replace("\n", "\r\n")
    after = rewritten(text, parse(Path("t.yaml"), text), _changed(text, *PROPERTIES, "Fifo", to=True))
    assert after.count("\r\n") == after.count("\n") == YAML.count("\n") + 1


def test_layout_that_takes_no_change_is_refused() -> None:
    text = "Resources:\n  - - A\n"
    with pytest.raises(RewriteError, match="by hand"):
        rewritten(text, {"Resources": [["A"]]}, {"Resources": ["B", ["A"]]})


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab: #'\"-\n", max_size=4) | st.just("2012-10-17"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ABCDE"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(
    before=st.dictionaries(st.sampled_from("ABCDE"), _VALUES, min_size=1),
    after=_VALUES,
    indent=st.sampled_from([None, 1, 4]),
)
def test_any_change_gives_its_model_or_is_refused(before: Any, after: Any, indent: int | None) -> None:  # noqa: ANN401
    old, new = {"Resources": before}, {"Resources": after}
    text = json.dumps(old, indent=indent)
    try:
        changed = rewritten(text, old, new, Path("t.json"))
    except RewriteError:
        return
    assert json.loads(changed) == new


@pytest.mark.property
@given(before=_VALUES)
def test_template_without_a_change_keeps_its_text(before: Any) -> None:  # noqa: ANN401
    text = json.dumps({"Resources": before})
    assert rewritten(text, {"Resources": before}, {"Resources": before}, Path("t.json")) == text
