"""Test the keys: there is one for each purpose, and all are rotated."""

from typing import Any

import pytest
from aws_cdk import Stack

from infra.constructs.keys import KeyPurpose, Keys, alias_arn, alias_statement
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, of_type, stack_in

OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def keys_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> Stack:
    of = context(role, **settings)
    stack = stack_in(of)
    Keys(stack, "Keys", context=of)
    return stack


def keys(stack: Stack) -> dict[str, dict[str, Any]]:
    found = of_type(stack, "AWS::KMS::Key")
    return {
        alias["AliasName"].removeprefix("alias/serverless-").removesuffix("-prod"): found[
            alias["TargetKeyId"]["Fn::GetAtt"][0]
        ]
        for alias in of_type(stack, "AWS::KMS::Alias").values()
    }


def services(key: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in key["KeyPolicy"]["Statement"]:
        principals = statement["Principal"].get("Service", [])
        for service in [principals] if isinstance(principals, str) else principals:
            found.setdefault(service, []).append(statement)
    return found


def test_sns_may_use_the_queue_key_where_an_email_is_set() -> None:
    (statement,) = services(keys(keys_stack(alarms_email="on-call@example.com"))["queue"])["sns.amazonaws.com"]
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert statement["Condition"] == OWN_ACCOUNT


@pytest.mark.parametrize(("control", "home"), [("secondary", "us-west-2"), ("primary", "us-east-1")])
@pytest.mark.parametrize("role", RegionRole)
def test_key_policy_allows_the_trail_in_any_region(role: RegionRole, control: str, home: str) -> None:
    (statement,) = services(keys(keys_stack(role, control=control))["trail"])["cloudtrail.amazonaws.com"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:{home}:{ACCOUNT}:trail/serverless-audit-prod"}
    }


def test_key_of_the_other_region_is_referenced_by_its_alias() -> None:
    of = context()
    stack = stack_in(of)
    assert alias_arn(stack, of.peer, KeyPurpose.DATA) == f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/serverless-data-prod"
    statement = stack.resolve(alias_statement(stack, of.peer, KeyPurpose.DATA, actions=["kms:Encrypt"]).to_statement_json())
    assert statement["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}
    assert statement["Resource"]["Fn::Join"][1][0] == "arn:aws:kms:us-east-1:"
    assert statement["Resource"]["Fn::Join"][1][-1] == ":key/*"
