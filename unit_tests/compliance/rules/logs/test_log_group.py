"""ActivePassive-LogsLogGroup."""

import pytest

from unit_tests.compliance.rules.builders import (
    EAST,
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    WEST,
    Resource,
    alone,
    changed,
    either,
    key_arn,
    log_group,
    says,
    verdict_in,
    without,
)

RULE = "ActivePassive-LogsLogGroup"


def test_encrypted_and_retained_passes() -> None:
    assert says(RULE, log_group(), EAST) is PASS
    own = {"Key": {"Type": "AWS::KMS::Key"}, "It": changed(log_group(), "KmsKeyId", to={"Fn::GetAtt": ["Key", "Arn"]})}
    assert verdict_in(RULE, "It", alone(own)) is PASS
    assert verdict_in(RULE, "It", alone(own, "")) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        {"Type": "AWS::Logs::LogGroup"},
        without(log_group(), "KmsKeyId"),
        changed(log_group(), "KmsKeyId", to=key_arn(WEST)),
        changed(log_group(), "KmsKeyId", to="arn:aws:kms:us-east-1:000000000000:alias/aws/logs"),
        without(log_group(), "RetentionInDays"),
        changed(log_group(), "RetentionInDays", to=7),
        changed(log_group(), "RetentionInDays", to=either(365, 1)),
    ],
)
def test_each_way_of_losing_or_keeping_too_much_fails(broken: Resource) -> None:
    assert says(RULE, broken, EAST) is FAIL


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(log_group(), "KmsKeyId", to=UNKNOWN), EAST) is NOT_EVALUATED
    assert says(RULE, changed(log_group(), "RetentionInDays", to=UNKNOWN), EAST) is NOT_EVALUATED
