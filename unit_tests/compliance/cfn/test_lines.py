"""The line of each resource is that of its logical id; a construct's source is the project's innermost line of Python."""

import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sqs as sqs
from hypothesis import example, given
from hypothesis import strategies as st
from jsii._kernel.providers import process

from compliance.cfn.loading import load_assembly
from compliance.cfn.sources import PROJECT, lines_of, source_of
from compliance.packs.tracing import traced

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


INNER = f"_queue ({PROJECT}/infra/constructs/queue.py:42)"
OUTER = f"__init__ ({PROJECT}/infra/stacks/regional.py:7)"
LIBRARY = f"__init__ ({PROJECT}/.venv/lib/site-packages/aws_cdk/__init__.py:1)"


def _capture() -> Callable[[], list[list[object]]]:
    """Return the function with which jsii captures stacks."""
    found: Callable[[], list[list[object]]] = vars(process)["capture_stack_trace"]
    return found


def _line() -> int:
    frame = inspect.currentframe()
    assert frame
    assert frame.f_back
    return frame.f_back.f_lineno


@pytest.mark.parametrize(
    ("stack", "source"),
    [
        ([INNER, OUTER], "infra/constructs/queue.py:42"),
        (
            ["...jsii runtime, node internals...", f"__init__ ({PROJECT}/.venv/lib/site-packages/aws_cdk/x.py:1)", OUTER],
            "infra/stacks/regional.py:7",
        ),
        (["_queue (/home/ci/lockstep/infra/constructs/queue.py:42)"], "infra/constructs/queue.py:42"),
        ([f"_synthesize ({PROJECT}/compliance/plugin.py:195)"], ""),
        (["<module> (/tmp/queue.py:1)", "main (/usr/lib/python3.11/runpy.py:3)", "nonsense", 7, None], ""),
        ([], ""),
    ],
)
def test_source_is_the_innermost_line_of_the_project(stack: list[object], source: str) -> None:
    assert source_of(stack) == source


def test_source_of_another_app_is_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "one.py").touch()
    monkeypatch.chdir(tmp_path)

    assert source_of([f"build ({tmp_path}/stacks/one.py:3)"]) == "stacks/one.py:3"


def test_synthesis_records_a_source_for_each_resource(tmp_path: Path) -> None:
    with traced():
        app = App(outdir=str(tmp_path))
        stack = Stack(app, "S")
        sqs.Queue(stack, "Queue")
        queue_line = _line() - 1
        ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0)
        vpc_line = _line() - 1
        app.synth()

    (template,) = load_assembly(tmp_path).templates
    here = "unit_tests/compliance/cfn/test_lines.py"
    sources = {resource.type: resource.source for resource in template.resources}
    assert sources["AWS::SQS::Queue"] == f"{here}:{queue_line}"
    assert {sources[kind] for kind in sources if kind.startswith("AWS::EC2::")} == {f"{here}:{vpc_line}"}
    assert all(resource.line for resource in template.resources)


def test_traced_restores_jsii_and_the_environment() -> None:
    before = _capture(), os.environ.get("JSII_HOST_STACK_TRACES")

    with traced():
        assert _capture() is not before[0]
        ours = _capture()()

    assert (_capture(), os.environ.get("JSII_HOST_STACK_TRACES")) == before
    theirs = _capture()()
    assert [frame[0] for frame in ours] == [frame[0] for frame in theirs]
    assert len(ours) == len(theirs) > 0
