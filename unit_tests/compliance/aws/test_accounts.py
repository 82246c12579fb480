"""Whose account is the system's own, and every policy that admits another."""

import json
from dataclasses import replace
from typing import Any

import pytest

from compliance.aws.accounts import is_unknown_principal
from compliance.cfn.templates import TemplateSet
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message_in, verdict_in

OURS, THEIRS = "000000000000", "999999999999"
OURS_ARN, THEIRS_ARN = (f"arn:aws:iam::{account}:role/a" for account in (OURS, THEIRS))
HOME = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [f"arn:aws:sns:us-east-1:{OURS}:alarm"]}}
PSEUDO = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": {"Fn::Sub": "a-${AWS::AccountId}"}}}


def _allows(principal: Any, **condition: Any) -> dict[str, Any]:  # noqa: ANN401
    made = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}
    return {"Statement": [{**made, **({"Condition": condition} if condition else {})}]}


def _policy(document: Any, kind: str = "SQS::QueuePolicy", name: str = "PolicyDocument") -> dict[str, Any]:  # noqa: ANN401
    return {"Type": f"AWS::{kind}", "Properties": {name: document}}


def _says(it: dict[str, Any], rule: str = "ActivePassive-IAMPolicy", home: dict[str, Any] | None = None) -> Verdict | None:
    return verdict_in(rule, "It", template({"It": it, "Home": home or HOME}))


@pytest.mark.parametrize("kind", ["S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy"])
@pytest.mark.parametrize("spelled", ["{}", "arn:aws:iam::{}:root", "arn:aws:sts::{}:assumed-role/a/b"])
def test_stranger_is_not_let_in(kind: str, spelled: str) -> None:
    assert _says(_policy(_allows({"AWS": spelled.format(OURS)}), kind)) is PASS
    assert _says(_policy(_allows({"AWS": spelled.format(THEIRS)}), kind)) is FAIL
    assert _says(_policy(_allows({"AWS": [spelled.format(OURS), spelled.format(THEIRS)]}), kind)) is FAIL


def test_nor_by_a_secret_a_key_or_a_function() -> None:
    assert _says(_policy(_allows({"AWS": THEIRS_ARN}), "SecretsManager::ResourcePolicy", "ResourcePolicy")) is FAIL
    assert _says(_policy(_allows({"AWS": THEIRS_ARN}), "KMS::Key", "KeyPolicy")) is FAIL
    for principal, verdict in ((OURS, PASS), (THEIRS, FAIL), (THEIRS_ARN, FAIL)):
        permission = {"Action": "lambda:InvokeFunction", "FunctionName": "f", "Principal": principal}
        assert _says({"Type": "AWS::Lambda::Permission", "Properties": permission}) is verdict


@pytest.mark.parametrize(
    ("principal", "key", "spelled"),
    [
        ("*", "aws:PrincipalAccount", "{}"),
        ("*", "AWS:principalarn", "arn:aws:iam::{}:role/a"),
        ({"AWS": "*"}, "aws:PrincipalAccount", "{}"),
        ({"Service": "s3.amazonaws.com"}, "aws:SourceAccount", "{}"),
        ({"Service": "s3.amazonaws.com"}, "aws:SourceArn", "arn:aws:sns:us-east-1:{}:a"),
    ],
)
def test_nor_by_a_condition(principal: Any, key: str, spelled: str) -> None:  # noqa: ANN401
    assert _says(_policy(_allows(principal, StringEquals={key: spelled.format(OURS)}))) is PASS
    assert _says(_policy(_allows(principal, StringLike={key: spelled.format(THEIRS)}))) is FAIL
    whole = _allows(principal, StringEquals={key: [spelled.format(OURS), spelled.format(THEIRS)]})
    assert _says(_policy(whole)) is FAIL


def test_stranger_kept_out_is_none_let_in() -> None:
    ours = {"aws:PrincipalAccount": OURS}
    kept_out = _allows("*", StringEquals=ours, StringNotEquals={"aws:PrincipalAccount": THEIRS})
    assert _says(_policy(kept_out)) is PASS


def test_only_the_own_account_rules_a_key() -> None:
    whole = _allows({"AWS": f"arn:aws:iam::{OURS}:root"})
    whole["Statement"][0]["Action"] = "kms:*"
    assert _says(_policy(whole, "KMS::Key", "KeyPolicy"), "ActivePassive-KMSPolicy") is PASS
    whole["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{THEIRS}:root"}
    assert _says(_policy(whole, "KMS::Key", "KeyPolicy"), "ActivePassive-KMSPolicy") is FAIL


def _role_policy(resource: Any, action: str = "sts:AssumeRole") -> dict[str, Any]:  # noqa: ANN401
    return _policy({"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}, "IAM::ManagedPolicy")


def test_no_role_reaches_into_another_account() -> None:
    rule = "ActivePassive-IAMResource"
    assert _says(_role_policy(OURS_ARN), rule) is PASS
    assert _says(_role_policy(THEIRS_ARN), rule) is FAIL
    assert _says(_role_policy([OURS_ARN, THEIRS_ARN]), rule) is FAIL
    assert _says(_role_policy(f"arn:aws:sqs:us-east-1:{THEIRS}:q", "sqs:SendMessage"), rule) is FAIL


def test_no_role_trusts_another_account() -> None:
    for arn, verdict in ((OURS_ARN, PASS), (THEIRS_ARN, FAIL)):
        document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn}}]}
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}
        assert _says(role, "ActivePassive-IAMTrust") is verdict


def test_templates_with_the_pseudo_parameter_have_no_literal() -> None:
    assert _says(_policy(_allows({"AWS": THEIRS_ARN})), home=PSEUDO) is FAIL
    assert _says(_policy(_allows({"AWS": {"Ref": "AWS::AccountId"}})), home=PSEUDO) is PASS


def test_stranger_is_reported() -> None:
    stack = template({"It": _policy(_allows({"AWS": THEIRS_ARN})), "Home": HOME})
    text = message_in("ActivePassive-IAMPolicy", "It", stack)
    assert f"admits account {THEIRS}, which is not the account of these templates" in text


@pytest.mark.parametrize("times", [1, 50])
def test_account_named_by_however_many_resources_is_a_stranger(times: int) -> None:
    endpoint = f"arn:aws:sqs:us-east-1:{THEIRS}:q"
    subscription = {"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "sqs", "Endpoint": endpoint}}
    text = json.dumps(_allows({"AWS": THEIRS_ARN}))
    resources = {"It": _policy(_allows({"AWS": THEIRS_ARN})), "Text": _policy(text)}
    resources |= {f"S{number}": subscription for number in range(times)}

    assert verdict_in("ActivePassive-IAMPolicy", "It", template(resources)) is FAIL
    assert verdict_in("ActivePassive-IAMPolicy", "Text", template(resources)) is FAIL


@pytest.mark.parametrize("accounts", [("",), (OURS, THEIRS), (OURS, "")])
def test_own_account_unknown_or_ambiguous_makes_every_account_a_stranger(accounts: tuple[str, ...]) -> None:
    stacks = tuple(replace(template({"Home": HOME}), account=account) for account in accounts)
    world = TemplateSet(templates=stacks, environment="prod")

    assert is_unknown_principal(OURS, world)
    assert is_unknown_principal(THEIRS, world)
