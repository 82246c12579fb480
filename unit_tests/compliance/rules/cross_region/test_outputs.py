"""ActivePassive-CrossRegionOutputs."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CrossRegionOutputs"
OUTPUT = {"StackName": "serverless-keys-prod", "OutputName": "Key"}


def _keys(region: str, *names: str) -> Template:
    keys = template({}, region, "serverless-keys-prod")
    keys.body["Outputs"] = {name: {"Value": "x", "Export": {"Name": name}} for name in names}
    return keys


def _world(value: Any, kind: str = "AWS::SQS::Queue") -> tuple[Template, ...]:  # noqa: ANN401
    west = template({"It": {"Type": kind, "Properties": {"KmsMasterKeyId": value}}}, WEST)
    return west, template({}, EAST), _keys(WEST, "here"), _keys(EAST, "there")


def _says(value: Any, kind: str = "AWS::SQS::Queue") -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", *_world(value, kind))


@pytest.mark.parametrize(
    "value",
    [
        "alias/a",
        {"Fn::ImportValue": "here"},
        {"Fn::GetStackOutput": OUTPUT},
        {"Fn::GetStackOutput": {**OUTPUT, "Region": {"Ref": "AWS::Region"}}},
        {"Fn::GetStackOutput": {**OUTPUT, "Region": WEST}},
    ],
)
def test_reading_its_own_region_passes(value: Any) -> None:  # noqa: ANN401
    assert _says(value) is PASS


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ImportValue": "there"},
        {"Fn::GetStackOutput": {**OUTPUT, "Region": EAST}},
        {"Fn::Join": ["", ["a", {"Fn::GetStackOutput": {**OUTPUT, "Region": EAST}}]]},
        {"Fn::GetStackOutput": {**OUTPUT, "Region": either(WEST, EAST)}},
    ],
)
def test_reading_another_region_fails(value: Any) -> None:  # noqa: ANN401
    assert _says(value) is FAIL


def test_cdk_cross_region_reference_fails() -> None:
    assert _says("x", "Custom::CrossRegionExportReader") is FAIL


def test_exporting_region_is_reported() -> None:
    assert "exported in us-east-1 and not in us-west-2" in message_in(RULE, "It", *_world({"Fn::ImportValue": "there"}))


@pytest.mark.parametrize(
    "value",
    [{"Fn::ImportValue": "nowhere"}, {"Fn::ImportValue": UNKNOWN}, {"Fn::GetStackOutput": {**OUTPUT, "Region": UNKNOWN}}],
)
def test_unresolved_value_is_not_evaluated(value: Any) -> None:  # noqa: ANN401
    assert _says(value) is NOT_EVALUATED


def test_stack_of_one_region_may_read_the_other() -> None:
    west, *_ = _world({"Fn::GetStackOutput": {**OUTPUT, "Region": EAST}})

    assert verdict_in(RULE, "It", west) is None
