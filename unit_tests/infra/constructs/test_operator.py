"""Test the principals that the operator's role trusts."""

import json
from typing import Any

import pytest
from aws_cdk import Stack

from infra.constructs.operator import Operator
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, only, stack_in

MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def trust(**settings: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the settings'
    of = context(**settings)
    stack: Stack = stack_in(of)
    Operator(stack, "Operator", context=of)
    document = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]
    assert {one["Action"] for one in document["Statement"]} == {"sts:AssumeRole"}
    return list(document["Statement"])


def test_operator_of_nobody_named_wants_a_second_factor_of_the_account() -> None:
    (statement,) = trust()
    assert statement["Condition"] == MFA
    assert ":root" in json.dumps(statement["Principal"])


def test_only_named_operators_are_trusted_and_users_need_mfa() -> None:
    role, user = f"arn:aws:iam::{ACCOUNT}:role/team/on-call", f"arn:aws:iam::{ACCOUNT}:user/ann"
    of_role, of_user = trust(operators=(user, role))
    assert of_role["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [role]}}
    assert of_user["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [user]}, **MFA}
    assert of_role["Principal"] == of_user["Principal"] == {"AWS": ROOT}


def test_operators_of_another_account_are_trusted_by_that_account() -> None:
    (statement,) = trust(operators=("arn:aws:iam::210987654321:role/on-call",))
    assert statement["Principal"] == {"AWS": "arn:aws:iam::210987654321:root"}
    assert statement["Condition"]["ArnEquals"]["aws:PrincipalArn"] == ["arn:aws:iam::210987654321:role/on-call"]


@pytest.mark.parametrize(
    "names",
    [
        [f"arn:aws:iam::{ACCOUNT}:role/{'a' * 60}-{number}" for number in range(100)],
        [f"arn:aws:iam::{100_000_000_000 + n}:{kind}/a" for n in range(100) for kind in ("role", "user")],
        [f"arn:aws:iam::{ACCOUNT}:user/b{number}" for number in range(100)],
    ],
)
def test_most_operators_of_settings_fit_into_the_trust_policy(names: list[str]) -> None:
    most = max(number for number in range(1, 100) if _is_taken(tuple(names[:number])))
    size = len(
        json.dumps({"Statement": trust(operators=tuple(names[:most])), "Version": "2012-10-17"}, separators=(",", ":"))
    )
    assert 1600 < size <= 2048


def _is_taken(operators: tuple[str, ...]) -> bool:
    try:
        context(operators=operators)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("operators", [(), (f"arn:aws:iam::{ACCOUNT}:user/ann",)])
def test_no_statement_trusts_everybody(operators: tuple[str, ...]) -> None:
    assert all(one["Condition"] and one["Principal"] != "*" for one in trust(operators=operators))
