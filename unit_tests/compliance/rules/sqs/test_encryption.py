"""ActivePassive-SQSEncryption."""

import pytest

from unit_tests.compliance.rules.builders import (
    EAST,
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    WEST,
    changed,
    either,
    key_arn,
    message,
    queue,
    says,
    without,
)

RULE = "ActivePassive-SQSEncryption"
KEY = "KmsMasterKeyId"
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {KEY: "alias/serverless-queue-prod"}}


@pytest.mark.parametrize("resource", [queue(), TOPIC])
def test_a_key_of_ours_passes_and_each_way_of_losing_it_fails(resource: dict[str, object]) -> None:
    assert says(RULE, resource) is PASS
    assert says(RULE, changed(resource, KEY, to=key_arn(WEST))) is PASS
    assert says(RULE, without(resource, KEY)) is FAIL
    for own in ("alias/aws/sqs", "alias/aws/sns", "arn:aws:kms:us-west-2:000000000000:alias/aws/sqs"):
        assert says(RULE, changed(resource, KEY, to=own)) is FAIL
        assert says(RULE, changed(resource, KEY, to=either("alias/ours", own))) is FAIL
    assert says(RULE, changed(resource, KEY, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(resource, KEY, to={"Fn::ImportValue": "elsewhere"})) is NOT_EVALUATED
    assert "is a key of us-east-1" in message(RULE, changed(resource, KEY, to=key_arn(EAST)))


def test_sqs_s_own_encryption_is_not_enough() -> None:
    assert says(RULE, changed(without(queue(), KEY), "SqsManagedSseEnabled", to=True)) is FAIL
