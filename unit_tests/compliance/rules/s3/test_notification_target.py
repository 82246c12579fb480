"""ActivePassive-S3NotificationTarget."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, bucket, dead_letter_queue, queue
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-S3NotificationTarget"
CONFIGURATION = "NotificationConfiguration"
TARGET = (CONFIGURATION, "QueueConfigurations", 0, "Queue")


def _policy(source: Any = None, **statement: Any) -> Resource:  # noqa: ANN401
    admits = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": source or "arn:aws:s3:::serverless-ingest-prod"}},
    }
    document = {"Version": "2012-10-17", "Statement": [{**admits, **statement}]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document}}


def _with(it: Resource, policy: Resource | None = None) -> Verdict | None:
    return verdict_in(
        RULE, "It", alone({"It": it, "Queue": queue(), "Dead": dead_letter_queue(), "Policy": policy or _policy()})
    )


@pytest.mark.parametrize("source", ["arn:aws:s3:::serverless-ingest-prod", {"Fn::GetAtt": ["It", "Arn"]}])
def test_queue_that_admits_the_bucket_is_reported(source: Any) -> None:  # noqa: ANN401
    assert _with(bucket(), _policy(source)) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        without(bucket(), CONFIGURATION),
        changed(bucket(), CONFIGURATION, to={"EventBridgeConfiguration": {}}),
        changed(bucket(), *TARGET, to={"Fn::GetAtt": ["Dead", "Arn"]}),
        changed(bucket(), CONFIGURATION, to=either(bucket()["Properties"][CONFIGURATION], {"Ref": "AWS::NoValue"})),
    ],
)
def test_queue_that_waits_in_vain_fails(broken: Resource) -> None:
    assert _with(broken) is FAIL


def test_bucket_that_no_queue_admits_is_not_judged() -> None:
    silent = without(bucket(), CONFIGURATION)
    assert _with(silent, _policy("arn:aws:s3:::serverless-other-prod")) is None
    assert _with(silent, _policy(Effect="Deny")) is None
    assert _with(silent, _policy(Principal={"Service": "sns.amazonaws.com"})) is None
    assert _with(silent, _policy(Action="sqs:ReceiveMessage")) is None
    assert verdict_in(RULE, "It", alone({"It": {"Type": "AWS::S3::Bucket"}})) is None


@pytest.mark.parametrize(
    "policy",
    [
        _policy("arn:aws:s3:::serverless-other-prod"),
        _policy(Effect="Deny"),
        _policy(Principal={"Service": "sns.amazonaws.com"}),
        _policy(Action="sqs:ReceiveMessage"),
        changed(_policy(), "Queues", to=[{"Ref": "Dead"}]),
    ],
)
def test_queue_that_turns_the_bucket_away_fails(policy: Resource) -> None:
    assert _with(bucket(), policy) is FAIL


def test_queue_may_admit_more_than_the_bucket() -> None:
    assert _with(bucket(), _policy(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::serverless-*"}})) is PASS
    assert _with(bucket(), _policy(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}})) is PASS
    assert _with(bucket(), changed(_policy(), "PolicyDocument", to=UNKNOWN)) is NOT_EVALUATED


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(changed(bucket(), CONFIGURATION, to=UNKNOWN)) is NOT_EVALUATED
