"""ActivePassive-S3Public."""

import pytest

from unit_tests.compliance.rules.builders import (
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    bucket,
    changed,
    either,
    message,
    says,
    without,
)

RULE = "ActivePassive-S3Public"
BLOCK = "PublicAccessBlockConfiguration"
FLAGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def test_all_four_flags_pass() -> None:
    assert says(RULE, bucket()) is PASS
    assert says(RULE, without(bucket(), "OwnershipControls")) is PASS  # enforced is what S3 does


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_counts(flag: str) -> None:
    assert f"does not set {flag}" in message(RULE, changed(bucket(), BLOCK, flag, to=False))
    assert says(RULE, without(bucket(), BLOCK, flag)) is FAIL
    assert says(RULE, changed(bucket(), BLOCK, flag, to=either(True, False))) is FAIL
    assert says(RULE, changed(bucket(), BLOCK, flag, to=UNKNOWN)) is NOT_EVALUATED


def test_no_block_and_acls_fail() -> None:
    assert says(RULE, without(bucket(), BLOCK)) is FAIL
    assert says(RULE, {"Type": "AWS::S3::Bucket", "Properties": {}}) is FAIL
    ownership = ("OwnershipControls", "Rules", 0, "ObjectOwnership")
    assert says(RULE, changed(bucket(), *ownership, to="ObjectWriter")) is FAIL


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(bucket(), BLOCK, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(bucket(), "OwnershipControls", to=UNKNOWN)) is NOT_EVALUATED
