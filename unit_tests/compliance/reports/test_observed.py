"""A row that passed says what the rule read, with the key's alias; a row that did not says nothing."""

from datetime import date
from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import EncryptedWith, Findings, Verdict
from compliance.gate import judge_templates

TODAY = date(2026, 11, 29)
ADMIN = {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}
ROOT = {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": ADMIN}]}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True, "KeyPolicy": ROOT}}
ALIAS = {
    "Type": "AWS::KMS::Alias",
    "Properties": {"AliasName": "alias/serverless-queue-prod", "TargetKeyId": {"Ref": "Key"}},
}
KEYS = {
    "Resources": {"Key": KEY, "Alias": ALIAS},
    "Outputs": {"Key": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "the-key"}}},
}


def _judged(*resources: dict[str, Any], key: object = None) -> Findings:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key or {"Fn::ImportValue": "the-key"}}}
    body = {"Resources": {"Queue": queue, **{f"R{number}": each for number, each in enumerate(resources)}}}
    templates = [
        Template(name="Keys", body=KEYS, region="us-west-2"),
        Template(name="Queues", body=body, region="us-west-2"),
    ]
    return judge_templates(templates, "prod", TODAY, lambda _text: None)


def _observed(ledger: Findings, rule: str, logical_id: str) -> str:
    (row,) = (row for row in ledger.findings if row.rule.endswith(f"::{rule}") and row.logical_id == logical_id)
    assert row.verdict is Verdict.PASS
    return row.observed


def test_pass_quotes_the_value_and_the_alias_of_an_imported_key() -> None:
    ledger = _judged()

    assert _observed(ledger, "ActivePassive-SQSEncryption", "Queue") == "KmsMasterKeyId = alias/serverless-queue-prod"
    assert _observed(ledger, "ActivePassive-KMSRotation", "Key") == "EnableKeyRotation = true"
    assert _observed(ledger, "NIST.800.53.R5-KMSBackingKeyRotationEnabled", "Key") == "EnableKeyRotation = true"
    assert _observed(ledger, "AwsSolutions-SQS2", "Queue") == "KmsMasterKeyId = alias/serverless-queue-prod"


def test_pass_of_a_default_says_what_is_not_set() -> None:
    assert _observed(_judged(), "ActivePassive-SQSDelivery", "Queue") == "not set: DelaySeconds, MaximumMessageSize"


def test_pass_of_a_policy_quotes_its_principal() -> None:
    assert "Principal: {AWS: arn:aws:iam::${AWS::AccountId}:root}" in _observed(_judged(), "ActivePassive-KMSPolicy", "Key")


def test_observation_is_cut_and_a_rule_that_reads_everything_has_none() -> None:
    ledger = _judged({"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a" * 1000, "Tags": []}})

    assert all(len(row.observed) <= 300 for row in ledger.findings)
    assert not any(row.observed for row in ledger.findings if row.rule.endswith("::ActivePassive-IAMStranger"))


def test_row_that_did_not_pass_has_no_observation() -> None:
    ledger = _judged({"Type": "AWS::SQS::Queue", "Properties": {}})

    others = [row for row in ledger.findings if row.verdict is not Verdict.PASS]
    assert others
    assert not any(row.observed for row in others)


def test_observations_do_not_depend_on_what_was_judged_before() -> None:
    first = _judged()
    _judged({"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {}, "Tags": [], "DelaySeconds": 1}})

    assert _judged().findings == first.findings


@pytest.mark.parametrize(
    "key", [None, "alias/serverless-queue-prod", "arn:aws:kms:us-west-2:123456789012:alias/serverless-queue-prod"]
)
def test_key_and_what_it_encrypts_are_listed(key: object) -> None:
    (use,) = _judged(key=key).encrypted

    assert use == EncryptedWith(
        configuration="prod",
        key="Keys/Key",
        alias="alias/serverless-queue-prod",
        region="us-west-2",
        path="Queues/Queue",
        resource_type="AWS::SQS::Queue",
        property="KmsMasterKeyId",
    )


@pytest.mark.parametrize("key", ["alias/aws/sqs", "arn:aws:kms:us-east-1:123456789012:alias/serverless-queue-prod", "1234"])
def test_key_outside_the_templates_is_not_listed(key: str) -> None:
    assert _judged(key=key).encrypted == ()
