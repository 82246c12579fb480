"""ActivePassive-S3Encryption."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import WEST, alone, bucket, key_arn
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-S3Encryption"
RULES = ("BucketEncryption", "ServerSideEncryptionConfiguration")
DEFAULT = (*RULES, 0, "ServerSideEncryptionByDefault")
KEY = (*DEFAULT, "KMSMasterKeyID")


def _s3_own() -> dict[str, Any]:
    return changed(bucket("logs"), *RULES, to=[{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}])


def test_key_of_ours_and_bucket_keys_pass() -> None:
    assert says(RULE, bucket()) is PASS
    assert says(RULE, changed(bucket(), *KEY, to=key_arn(WEST))) is PASS
    own = {"Key": {"Type": "AWS::KMS::Key"}, "It": changed(bucket(), *KEY, to={"Fn::GetAtt": ["Key", "Arn"]})}
    assert verdict_in(RULE, "It", alone(own)) is PASS
    twice = without(changed(bucket(), *DEFAULT, "SSEAlgorithm", to="aws:kms:dsse"), *RULES, 0, "BucketKeyEnabled")
    assert says(RULE, twice) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        {"Type": "AWS::S3::Bucket", "Properties": {}},
        without(bucket(), "BucketEncryption"),
        changed(bucket(), *RULES, to=[]),
        _s3_own(),
        without(bucket(), *KEY),
        changed(bucket(), *KEY, to="alias/aws/s3"),
        changed(bucket(), *KEY, to=either("alias/data", "alias/aws/s3")),
        changed(bucket(), *RULES, 0, "BucketKeyEnabled", to=False),
        without(bucket(), *RULES, 0, "BucketKeyEnabled"),
    ],
)
def test_missing_or_wrong_key_fails(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_key_of_another_region_fails() -> None:
    assert "a key of us-east-1" in message(RULE, changed(bucket(), *KEY, to=key_arn("us-east-1")))


def test_target_of_access_logs_takes_only_the_key_of_s3() -> None:
    logging = bucket() | {"DependsOn": []}
    logging["Properties"]["LoggingConfiguration"] = {"DestinationBucketName": {"Ref": "Logs"}}

    assert verdict_in(RULE, "Logs", alone({"It": logging, "Logs": _s3_own()})) is PASS
    assert verdict_in(RULE, "Logs", alone({"It": logging, "Logs": bucket("logs")})) is FAIL
    assert verdict_in(RULE, "Logs", alone({"It": logging, "Logs": without(bucket(), "BucketEncryption")})) is FAIL
    by_name = changed(logging, "LoggingConfiguration", "DestinationBucketName", to="serverless-logs-prod")
    assert verdict_in(RULE, "Logs", alone({"It": by_name, "Logs": _s3_own()})) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    for place in (("BucketEncryption",), DEFAULT, (*DEFAULT, "SSEAlgorithm"), (*RULES, 0, "BucketKeyEnabled"), KEY):
        assert says(RULE, changed(bucket(), *place, to=UNKNOWN)) is NOT_EVALUATED
