"""ActivePassive-IAMTrust."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-IAMTrust"
OIDC = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"


def _role(principal: Any, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changes}
    document = {"Statement": [{key: part for key, part in statement.items() if part is not None}]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}


@pytest.mark.parametrize(
    "role",
    [
        _role({"Service": "lambda.amazonaws.com"}),
        _role({"AWS": "arn:aws:iam::000000000000:role/deployer"}, Action=["sts:AssumeRole", "sts:TagSession"]),
        _role({"Service": ["lambda.amazonaws.com", {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}]}),
        _role({"AWS": "arn:aws:iam::000000000000:role/deployer"}),
        _role({"AWS": "arn:aws:iam::000000000000:root"}, Condition={"StringEquals": {"sts:ExternalId": "x"}}),
        _role(
            {"Federated": OIDC}, Condition={"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}
        ),
        _role("*", Effect="Deny"),
    ],
)
def test_named_trust_passes(role: dict[str, Any]) -> None:
    assert says(RULE, role) is PASS


@pytest.mark.parametrize(
    "role",
    [
        _role("*"),
        _role({"Service": "lambda.amazonaws.com"}, Action="*"),
        _role({"Service": "lambda.amazonaws.com"}, Action=["sts:AssumeRole", "sts:*"]),
        _role({"Service": "lambda.amazonaws.com"}, Action=None, NotAction="sts:TagSession"),
        _role({"AWS": "*"}),
        _role({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        _role({"AWS": ["arn:aws:iam::000000000000:role/deployer", "*"]}),
        _role({"Service": "*"}),
        _role({"Service": "*.amazonaws.com"}),
        _role({"AWS": "arn:aws:iam::000000000000:root"}),
        _role({"AWS": "000000000000"}),
        _role({"AWS": {"Ref": "AWS::AccountId"}}),
        _role({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}),
        _role({"Federated": OIDC}),
        _role(None),
        _role(None, NotPrincipal={"AWS": "arn:aws:iam::000000000000:root"}),
        _role(either({"Service": "lambda.amazonaws.com"}, {"AWS": "*"})),
    ],
)
def test_trust_in_unnamed_principals_fails(role: dict[str, Any]) -> None:
    assert says(RULE, role) is FAIL


def test_trusted_principal_is_reported() -> None:
    assert "trusts everybody in the world" in message(RULE, _role("*"))


@pytest.mark.parametrize(
    "role",
    [
        _role({"AWS": UNKNOWN}),
        _role(UNKNOWN),
        {"Type": "AWS::IAM::Role", "Properties": {}},
        {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": UNKNOWN}},
    ],
)
def test_unresolved_value_is_not_evaluated(role: dict[str, Any]) -> None:
    assert says(RULE, role) is NOT_EVALUATED


def test_role_beside_it_is_reported() -> None:
    resources = {"It": _role({"AWS": {"Fn::GetAtt": ["Other", "Arn"]}}), "Other": _role({"Service": "lambda.amazonaws.com"})}

    assert verdict_in(RULE, "It", template(resources)) is PASS
