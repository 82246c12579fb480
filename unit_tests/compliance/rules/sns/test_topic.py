"""ActivePassive-SNSTopic."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-SNSTopic"
KEY = {"Fn::GetAtt": ["Key", "Arn"]}
ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}
TOPIC = {"Ref": "It"}


def _admits(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        **changes,
    }


def _stack(key: Any = KEY, *statements: Any, **others: Any) -> dict[str, Any]:  # noqa: ANN401
    resources = {
        "It": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "serverless-alarms-prod", "KmsMasterKeyId": key}},
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {"KeyPolicy": {"Statement": [ROOT, *(statements or (_admits(),))]}},
        },
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": "alias/serverless-queue-prod", "TargetKeyId": {"Ref": "Key"}},
        },
        "Alarm": alarm(AlarmActions=[TOPIC]),
        **others,
    }
    return {name: resource for name, resource in resources.items() if resource is not None}


def _policy(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = _admits(Action="sns:Publish", Resource=TOPIC, **changes)
    return {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {"Topics": [TOPIC], "PolicyDocument": {"Statement": [statement]}},
    }


def _says(resources: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, "It", template(resources, WEST))


@pytest.mark.parametrize(
    "resources",
    [
        _stack(),
        _stack("alias/serverless-queue-prod"),
        _stack({"Ref": "Alias"}),
        _stack(KEY, _admits(Action="kms:Decrypt"), _admits(Action="kms:GenerateDataKey", Condition={})),
        _stack(KEY, _admits(Action="kms:*")),
        _stack(Policy=_policy()),
        _stack(KEY, _admits(Principal={"Service": "s3.amazonaws.com"}), Alarm=None),
        _stack("arn:aws:kms:us-west-2:000000000000:key/unknown", Alarm=None),
    ],
)
def test_key_that_admits_cloudwatch_passes(resources: dict[str, Any]) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    "resources",
    [
        _stack(ABSENT),
        _stack(None, Alarm=None),
        _stack("alias/aws/sns"),
        _stack("alias/aws/sns", Alarm=None),
        _stack(either(KEY, ABSENT)),
        _stack(KEY, _admits(Principal={"Service": "s3.amazonaws.com"})),
        _stack(KEY, _admits(Action="kms:Decrypt")),
        _stack(KEY, _admits(Effect="Deny")),
        _stack(KEY, _admits(Condition={"StringEquals": {"kms:ViaService": "sqs.us-west-2.amazonaws.com"}})),
        _stack(KEY, _admits(Principal={"Service": "s3.amazonaws.com"}), Alarm=alarm(AlarmActions=[], OKActions=[TOPIC])),
        _stack(
            KEY,
            _admits(Principal={"Service": "s3.amazonaws.com"}),
            Alarm=alarm(AlarmActions=["arn:aws:sns:us-west-2:000000000000:serverless-alarms-prod"]),
        ),
        _stack(Key={"Type": "AWS::KMS::Key", "Properties": {}}),
        _stack(Policy=_policy(Principal={"Service": "s3.amazonaws.com"})),
        _stack(Policy=_policy(Effect="Deny")),
    ],
)
def test_topic_without_our_key_or_whose_key_shuts_alarms_out_fails(resources: dict[str, Any]) -> None:
    assert _says(resources) is FAIL


def test_missing_item_is_reported() -> None:
    resources = _stack(KEY, _admits(Action="kms:Decrypt"))

    text = message_in(RULE, "It", template(resources, WEST))
    assert "does not let cloudwatch.amazonaws.com do kms:GenerateDataKey," in text


@pytest.mark.parametrize(
    "resources",
    [
        _stack(UNKNOWN),
        _stack("alias/somebody-elses"),
        _stack({"Fn::ImportValue": "x"}),
        _stack(Key={"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": UNKNOWN}}),
        _stack(Policy={"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [UNKNOWN], "PolicyDocument": {}}}),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: dict[str, Any]) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_topic_alone_is_judged_by_its_key() -> None:
    assert _says({"It": _stack()["It"]}) is PASS
    assert _says({"It": _stack(ABSENT)["It"]}) is FAIL
