"""ActivePassive-VPCEndpointPrincipal."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-VPCEndpointPrincipal"
ROLE = "arn:aws:iam::000000000000:role/issuer"


def _it(principal: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", **more}
    return {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"PolicyDocument": {"Statement": [statement]}}}


def _if(key: str, value: Any, operator: str = "ArnEquals") -> dict[str, Any]:  # noqa: ANN401
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    "it",
    [
        _it({"AWS": ROLE}),
        _it("*", **_if("aws:PrincipalArn", ROLE)),
        _it({"AWS": "*"}, **_if("aws:PrincipalAccount", "000000000000", "StringEquals")),
        _it("*", Effect="Deny"),
    ],
)
def test_named_principal_passes(it: dict[str, Any]) -> None:
    assert says(RULE, it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _it("*"),
        _it({"AWS": "*"}),
        _it("*", **_if("s3:prefix", "incoming/", "StringLike")),
        _it("*", **_if("aws:PrincipalArn", "*", "ArnLike")),
        _it("*", **_if("aws:PrincipalArn", ROLE, "ArnNotEquals")),
        _it(either({"AWS": ROLE}, "*")),
    ],
)
def test_endpoint_for_everyone_fails(it: dict[str, Any]) -> None:
    assert says(RULE, it) is FAIL


def test_statement_is_reported() -> None:
    assert message(RULE, _it("*", Sid="Open")).startswith("Open admits every principal")


def test_endpoint_without_a_policy_has_a_rule_of_its_own() -> None:
    assert says(RULE, {"Type": "AWS::EC2::VPCEndpoint", "Properties": {}}) is None


def test_unreadable_value_is_not_evaluated() -> None:
    assert says(RULE, {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"PolicyDocument": UNKNOWN}}) is NOT_EVALUATED
