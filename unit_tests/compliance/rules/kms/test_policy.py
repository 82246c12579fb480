"""ActivePassive-KMSPolicy."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-KMSPolicy"
ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}


def _statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        **changes,
    }
    return {key: part for key, part in whole.items() if part is not None}


def _key(*statements: Any, kind: str = "Key") -> dict[str, Any]:  # noqa: ANN401
    return {"Type": f"AWS::KMS::{kind}", "Properties": {"KeyPolicy": {"Statement": list(statements)}}}


@pytest.mark.parametrize(
    "key",
    [
        _key(ROOT),
        _key(ROOT, kind="ReplicaKey"),
        _key({**ROOT, "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}}),
        _key({**ROOT, "Principal": {"AWS": {"Ref": "AWS::AccountId"}}}),
        _key(ROOT, _statement()),
        _key(ROOT, _statement(Action=["kms:GenerateDataKey*", "kms:ReEncrypt*"])),
        _key(ROOT, _statement(Principal="*", Condition={"StringEquals": {"kms:CallerAccount": "000000000000"}})),
        _key(ROOT, _statement(Effect="Deny", Principal="*", Action="kms:*")),
        {"Type": "AWS::KMS::Key", "Properties": {}},
    ],
)
def test_key_that_its_root_rules_passes(key: dict[str, Any]) -> None:
    assert says(RULE, key) is PASS


@pytest.mark.parametrize(
    "key",
    [
        _key(_statement()),
        _key({**ROOT, "Effect": "Deny"}),
        _key({**ROOT, "Action": "kms:Decrypt"}),
        _key({**ROOT, "Condition": {"StringEquals": {"aws:SourceIp": "1"}}}),
        _key({**ROOT, "Principal": {"AWS": "arn:aws:iam::000000000000:role/admin"}}),
        _key({**ROOT, "Principal": {"AWS": ["arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:role/admin"]}}),
        _key(ROOT, _statement(Action="kms:*")),
        _key(ROOT, _statement(Action="*")),
        _key(ROOT, _statement(Action="KMS:*", Condition={"StringEquals": {"aws:SourceAccount": "1"}})),
        _key(ROOT, _statement(Principal="*")),
        _key(ROOT, _statement(Principal={"AWS": "*"})),
        _key(ROOT, _statement(Principal={"AWS": "arn:aws:iam::*:role/x"})),
        _key(ROOT, _statement(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::000000000000:root"})),
        _key(ROOT, _statement(Action=None, NotAction="kms:Delete*")),
        _key(ROOT, either(_statement(), _statement(Principal="*"))),
    ],
)
def test_key_that_somebody_else_rules_or_anybody_uses_fails(key: dict[str, Any]) -> None:
    assert says(RULE, key) is FAIL


def test_principal_with_every_action_is_reported() -> None:
    assert "allows kms:* to s3.amazonaws.com" in message(RULE, _key(ROOT, _statement(Action="kms:*")))


@pytest.mark.parametrize(
    "key", [_key(UNKNOWN), _key(ROOT, _statement(Action=UNKNOWN)), _key(ROOT, _statement(Effect=UNKNOWN))]
)
def test_unresolved_value_is_not_evaluated(key: dict[str, Any]) -> None:
    assert says(RULE, key) is NOT_EVALUATED
