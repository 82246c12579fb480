"""ActivePassive-IAMAction."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either
from unit_tests.compliance.rules.identities import managed, shapes
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-IAMAction"


def _role(*arns: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": list(arns)}}


@pytest.mark.parametrize("resource", shapes())
def test_named_actions_pass_in_every_shape(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize("resource", shapes(Action="s3:*"))
def test_wildcard_fails_in_every_shape(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action="*"),
        managed(Action="*:*"),
        managed(Action=["s3:GetObject", "dynamodb:*"]),
        managed(Action="s3:Get*"),
        managed(Action="s3:?etObject"),
        managed(Action=None, NotAction="iam:*"),
        managed(Action=either("s3:GetObject", "s3:*")),
        _role("arn:aws:iam::aws:policy/AdministratorAccess"),
        _role("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
        _role({"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/PowerUserAccess"}),
    ],
)
def test_policy_with_a_wildcard_fails(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


def test_wildcard_is_reported() -> None:
    assert "allows s3:*, kms:Re*;" in message(RULE, managed(Sid="Read", Action=["s3:*", "kms:Re*", "sqs:SendMessage"]))


@pytest.mark.parametrize(
    "resource",
    [
        managed(Effect="Deny", Action="*", Resource="*"),
        managed(Effect="Deny", Action=None, NotAction="s3:*"),
        _role("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
        _role({"Ref": "OurPolicy"}),
    ],
)
def test_denial_or_named_actions_pass(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action=UNKNOWN),
        managed(Effect=UNKNOWN),
        changed(managed(), "PolicyDocument", to=UNKNOWN),
        {"Type": "AWS::IAM::ManagedPolicy", "Properties": {}},
        {"Type": "AWS::IAM::Role", "Properties": {"Policies": UNKNOWN}},
        {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "a"}]}},
        {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": UNKNOWN}},
    ],
)
def test_unresolved_value_is_not_evaluated(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is NOT_EVALUATED


def test_role_without_policies_of_its_own_is_not_judged() -> None:
    assert says(RULE, {"Type": "AWS::IAM::Role", "Properties": {}}) is None
    assert says(RULE, {"Type": "AWS::IAM::RolePolicy", "Properties": {}}) is None
