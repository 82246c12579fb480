"""ActivePassive-S3ReplicationKey."""

from unit_tests.compliance.rules.builders import EAST, WEST, bucket, key_arn, replicating, reverse
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-S3ReplicationKey"
DESTINATION = ("ReplicationConfiguration", "Rules", 0, "Destination")
KEY = (*DESTINATION, "EncryptionConfiguration", "ReplicaKmsKeyID")


def test_key_where_the_copy_is_passes_in_either_shape() -> None:
    assert says(RULE, replicating()) is PASS
    assert says(RULE, reverse()) is PASS
    assert says(RULE, bucket()) is None


def test_missing_or_wrong_key_fails() -> None:
    assert says(RULE, without(replicating(), *KEY)) is FAIL
    assert says(RULE, without(replicating(), *DESTINATION, "EncryptionConfiguration")) is FAIL
    assert says(RULE, without(reverse(), "ReplicaKmsKeyId")) is FAIL
    for own in ("alias/aws/s3", "alias/ours", "arn:aws:kms:us-west-2:000000000000:alias/aws/s3"):
        assert says(RULE, changed(replicating(), *KEY, to=own)) is FAIL
        assert says(RULE, changed(replicating(), *KEY, to=either(key_arn(WEST), own))) is FAIL
        assert says(RULE, changed(reverse(), "ReplicaKmsKeyId", to=own)) is FAIL


def test_key_of_the_first_region_fails_in_either_shape() -> None:
    assert "is a key of us-east-1; it must be one of us-west-2" in message(
        RULE, changed(replicating(), *KEY, to=key_arn(EAST))
    )
    assert "is a key of us-west-2; it must be one of us-east-1" in message(
        RULE, changed(reverse(), "ReplicaKmsKeyId", to=key_arn(WEST))
    )


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, changed(replicating(), *KEY, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(replicating(), *DESTINATION, "Bucket", to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(replicating(), *DESTINATION, "Bucket", to="arn:aws:s3:::elsewhere")) is NOT_EVALUATED
    assert says(RULE, changed(reverse(), "ReplicaKmsKeyId", to=UNKNOWN)) is NOT_EVALUATED
