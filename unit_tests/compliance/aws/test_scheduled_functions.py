"""Functions that a schedule alone runs may look at the other region (ActivePassive-CrossRegionReferences)."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, function, role
from unit_tests.compliance.rules.clocks import clock, permission, scheduled_function
from unit_tests.compliance.rules.corruptions import Resource, changed
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message_in, verdict_in

RULE = "ActivePassive-CrossRegionReferences"
THERE = f"arn:aws:dynamodb:{EAST}:000000000000:table/serverless-ledger-prod"
FUNCTION_ARN: dict[str, Any] = {"Fn::GetAtt": ["Function", "Arn"]}
HARMLESS: dict[str, Resource] = {
    "Other": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": {"Ref": "Function"}}},
    "Watched": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}]},
    },
    "Scheduled": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": {"Arn": FUNCTION_ARN}}},
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "serverless-observer-prod"}},
    "FunctionRole": {"Type": "AWS::IAM::Role", "Properties": {"Description": "FunctionRole"}},
}
CALLERS: list[Resource] = [
    {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"IntegrationUri": FUNCTION_ARN}},
    {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "Function"}}},
    {"Type": "Custom::Thing", "Properties": {"ServiceToken": FUNCTION_ARN}},
    {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": FUNCTION_ARN}},
    {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Function"}}},
    {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"X": {"Fn::Sub": "${Function.Arn}:*"}}},
    {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"X": "arn:aws:lambda:us-west-2:0:function:serverless-observer-prod"}},
    permission(Principal="apigateway.amazonaws.com", SourceArn=None),
    clock(ScheduleExpression=None, EventPattern={"source": ["aws.s3"]}),
    clock(EventPattern={"source": ["aws.s3"]}),
]


def _looking(name: str = "observer") -> Resource:
    return changed(function(name), "Environment", to={"Variables": {"PEER_REGION": EAST}})


def _role(*actions: str) -> dict[str, Resource]:
    return role(*actions, on=THERE)


def _says(it: str, changes: dict[str, Any]) -> Verdict | None:
    made = {**_role("dynamodb:GetItem", "kms:Decrypt"), **scheduled_function(Function=_looking()), **changes}
    resources = {name: resource for name, resource in made.items() if resource is not None}
    return verdict_in(RULE, it, template(resources, WEST), template({}, EAST))


@pytest.mark.parametrize("changes", [{}, HARMLESS, {"Clock": None, "Scheduled": HARMLESS["Scheduled"]}])
@pytest.mark.parametrize("it", ["Function", "Policy"])
def test_scheduled_function_may_read_the_other_region(it: str, changes: dict[str, Any]) -> None:
    assert _says(it, changes) is PASS


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: str(caller["Type"]))
@pytest.mark.parametrize("it", ["Function", "Policy"])
def test_function_with_another_caller_may_not_name_it(it: str, caller: Resource) -> None:
    assert _says(it, {"Caller": caller}) is FAIL


@pytest.mark.parametrize("it", ["Function", "Policy"])
def test_function_without_a_schedule_may_not_name_it(it: str) -> None:
    assert _says(it, {"Clock": None}) is FAIL


def test_scheduled_function_may_read_and_not_write() -> None:
    for action in ("dynamodb:PutItem", "dynamodb:*", "dynamodb:Scan", "sqs:SendMessage", "s3:GetObject"):
        assert _says("Policy", _role("dynamodb:GetItem", action)) is FAIL, action


def test_role_that_another_function_shares_may_not() -> None:
    assert _says("Policy", {"Second": function("issuer")}) is FAIL


def test_policy_of_no_role_or_of_an_unused_role_may_not() -> None:
    policy = _role("dynamodb:GetItem")["Policy"]

    assert _says("Policy", {"Policy": changed(policy, "Roles", to=[])}) is FAIL
    assert (
        _says(
            "Policy",
            {
                "Policy": changed(policy, "Roles", to=[{"Ref": "Role"}, {"Ref": "Idle"}]),
                "Idle": {"Type": "AWS::IAM::Role", "Properties": {}},
            },
        )
        is FAIL
    )


def test_no_other_variable_may_name_it() -> None:
    for name in ("QUEUE_URL", "PRIMARY_PEER", "peer_region"):
        it = changed(function("observer"), "Environment", to={"Variables": {name: EAST}})
        assert _says("Function", {"Function": it}) is FAIL, name


def test_place_is_reported() -> None:
    resources = {**scheduled_function(Function=_looking()), "Caller": CALLERS[0]}

    text = message_in(RULE, "Function", template(resources, WEST), template({}, EAST))
    assert text == "Environment.Variables.PEER_REGION names us-east-1: us-east-1"
