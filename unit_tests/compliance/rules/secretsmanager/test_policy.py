"""ActivePassive-SecretsManagerPolicy."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST, alone, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-SecretsManagerPolicy"
DENIAL: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "secretsmanager:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _policy(*statements: Any, of: Any = None) -> dict[str, Any]:  # noqa: ANN401
    return {
        "Type": "AWS::SecretsManager::ResourcePolicy",
        "Properties": {
            "SecretId": of or {"Ref": "It"},
            "ResourcePolicy": {"Statement": list(statements)},
            "BlockPublicPolicy": True,
        },
    }


def _says(policy: dict[str, Any] | None) -> Verdict | None:
    resources = {"It": secret()} if policy is None else {"It": secret(), "Policy": policy}
    return verdict_in(RULE, "It", alone(resources))


@pytest.mark.parametrize(
    "policy",
    [_policy(DENIAL), _policy(DENIAL, of="serverless-receipt-signing-prod"), _policy({**DENIAL, "Action": "*"}, DENIAL)],
)
def test_secret_that_refuses_plain_http_passes(policy: dict[str, Any]) -> None:
    assert _says(policy) is PASS


@pytest.mark.parametrize(
    "policy",
    [
        None,
        _policy({**DENIAL, "Effect": "Allow"}),
        _policy({**DENIAL, "Action": "secretsmanager:GetSecretValue"}),
        _policy({**DENIAL, "Principal": {"AWS": "000000000000"}}),
        _policy({**DENIAL, "Resource": "arn:aws:secretsmanager:us-east-1:000000000000:secret:another"}),
        _policy({**DENIAL, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        _policy({**DENIAL, "Condition": {**DENIAL["Condition"], "StringEquals": {"aws:PrincipalAccount": "1"}}}),
        _policy(DENIAL, of="another-secret"),
        {**_policy(DENIAL), "Condition": "ACondition"},
        _policy(either(DENIAL, {**DENIAL, "Effect": "Allow"})),
    ],
)
def test_secret_that_does_not_fails(policy: dict[str, Any] | None) -> None:
    assert _says(policy) is FAIL


def test_policy_in_another_region_is_another_secret_s() -> None:
    elsewhere = template({"Policy": _policy(DENIAL, of="serverless-receipt-signing-prod")}, WEST)
    assert verdict_in(RULE, "It", alone({"It": secret()}), elsewhere) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    assert _says(_policy(DENIAL, of=UNKNOWN)) is NOT_EVALUATED
    assert _says(_policy(UNKNOWN)) is NOT_EVALUATED


def test_policy_that_may_become_public_fails() -> None:
    assert _says(changed(_policy(DENIAL), "BlockPublicPolicy", to=False)) is FAIL
    assert _says(without(_policy(DENIAL), "BlockPublicPolicy")) is FAIL
