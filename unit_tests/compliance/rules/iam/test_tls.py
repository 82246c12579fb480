"""ActivePassive-IAMTLS."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-IAMTLS"

BUCKET_ARN = {"Fn::GetAtt": ["It", "Arn"]}
OBJECTS = {"Fn::Join": ["", [BUCKET_ARN, "/*"]]}
ALLOW = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}


def _denial(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    denial = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [BUCKET_ARN, OBJECTS],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        **changes,
    }
    return {key: value for key, value in denial.items() if value is not None}


def _bucket(*statements: Any, bucket: Any = None, **policy: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "It": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "serverless-ingest-prod"}},
        "Other": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": bucket or {"Ref": "It"}, "PolicyDocument": {"Statement": list(statements)}},
            **policy,
        },
    }


def _queue(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = _denial(**{"Action": "sqs:*", "Resource": BUCKET_ARN, **changes})
    return {
        "It": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-ingest-prod"}},
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "It"}], "PolicyDocument": {"Statement": [ALLOW, statement]}},
        },
    }


def _topic(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = _denial(**{"Action": "sns:Publish", "Resource": {"Ref": "It"}, **changes})
    return {
        "It": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "It"}], "PolicyDocument": {"Statement": [statement]}},
        },
    }


def _says(resources: dict[str, Any]) -> Any:  # noqa: ANN401
    return verdict_in(RULE, "It", template(resources, WEST))


@pytest.mark.parametrize(
    "resources",
    [
        _bucket(_denial()),
        _bucket(_denial(Resource=BUCKET_ARN), ALLOW, _denial(Resource=OBJECTS)),
        _bucket(_denial(Principal="*", Action="*", Resource="*")),
        _bucket(_denial(Principal={"AWS": ["*", "arn:aws:iam::1:root"]})),
        _bucket(_denial(Resource=["arn:aws:s3:::serverless-ingest-prod", "arn:aws:s3:::serverless-ingest-prod/*"])),
        _bucket(_denial(Resource={"Fn::Sub": "arn:${AWS::Partition}:s3:::${It}*"})),
        _bucket(_denial(Condition={"BoolIfExists": {"AWS:SecureTransport": False}})),
        _bucket(_denial(), bucket="serverless-ingest-prod"),
        _bucket(either(_denial(), _denial(Resource="*"))),
        _queue(),
        _queue(Resource="*"),
        _queue(Resource={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:serverless-ingest-prod"}),
        _topic(),
    ],
)
def test_denying_everyone_everything_without_tls_passes(resources: dict[str, Any]) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    "resources",
    [
        {"It": {"Type": "AWS::S3::Bucket", "Properties": {}}},
        {"It": {"Type": "AWS::SQS::Queue", "Properties": {}}},
        {"It": {"Type": "AWS::SNS::Topic", "Properties": {}}},
        _bucket(ALLOW),
        _bucket(_denial(), bucket={"Ref": "Other"}),
        _bucket(_denial(), bucket="serverless-other-prod"),
        _bucket(_denial(Effect="Allow")),
        _bucket(_denial(Principal={"AWS": "arn:aws:iam::1:root"})),
        _bucket(_denial(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"})),
        _bucket(_denial(Action="s3:Get*")),
        _bucket(_denial(Action=None, NotAction="s3:PutObject")),
        _bucket(_denial(Resource=BUCKET_ARN)),
        _bucket(_denial(Resource=OBJECTS)),
        _bucket(_denial(Resource=[{"Fn::GetAtt": ["Other", "Arn"]}, OBJECTS])),
        _bucket(_denial(Condition=None)),
        _bucket(_denial(Condition={"Bool": {"aws:SecureTransport": "true"}})),
        _bucket(_denial(Condition={"StringEquals": {"aws:SecureTransport": "false"}})),
        _bucket(_denial(Condition={"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceIp": "1"}})),
        _bucket(_denial(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}})),
        _bucket(either(_denial(), ALLOW)),
        _queue(Action="sqs:SendMessage"),
        _queue(Principal={"Service": "s3.amazonaws.com"}),
        _queue(Resource="arn:aws:sqs:us-west-2:000000000000:serverless-other-prod"),
        _topic(Action="sns:Subscribe"),
        _topic(Effect="Allow"),
    ],
)
def test_any_gap_in_the_denial_fails(resources: dict[str, Any]) -> None:
    assert _says(resources) is FAIL


def test_second_policy_that_does_not_deny_fails() -> None:
    resources = _queue()
    resources["Second"] = {
        "Type": "AWS::SQS::QueueInlinePolicy",
        "Properties": {"Queue": {"Ref": "It"}, "PolicyDocument": {"Statement": [ALLOW]}},
    }

    assert _says(resources) is FAIL
    assert "Second does not deny sqs:*" in message_in(RULE, "It", template(resources, WEST))


def test_policy_in_the_other_region_does_not_count() -> None:
    east, west = _bucket(_denial()), _bucket(_denial())
    del west["Policy"]

    assert verdict_in(RULE, "It", template(west, WEST), template(east)) is FAIL


@pytest.mark.parametrize(
    "resources",
    [
        _bucket(_denial(), bucket=UNKNOWN),
        _bucket(_denial(Resource=UNKNOWN)),
        _bucket(_denial(Effect=UNKNOWN)),
        _bucket(_denial(), Condition="Sometimes"),
        _bucket(UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: dict[str, Any]) -> None:
    assert _says(resources) is NOT_EVALUATED
