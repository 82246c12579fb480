"""Test a bucket: its lifecycle rules, its notifications and the limit of its name."""

import pytest

from infra.constructs.bucket import Bucket, expire, expire_noncurrent
from infra.naming import NamingError
from unit_tests.infra.constructs.small_stack import context, only, stack_in


def test_lifecycle_rules_are_kept_beside_it() -> None:
    of = context()
    stack = stack_in(of)
    Bucket(
        stack,
        "Tried",
        context=of,
        resource="archive",
        key=None,
        lifecycle_rules=[expire("old", after_days=9), expire_noncurrent(3)],
    )
    abandoned, old, noncurrent = only(stack, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert abandoned["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert old["ExpirationInDays"] == 9
    assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": 9}
    assert noncurrent["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3}
    assert noncurrent["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in noncurrent, "what nobody deleted stays"


def test_bucket_name_too_long_is_refused() -> None:
    of = context()
    with pytest.raises(NamingError, match="not among the buckets"):
        Bucket(stack_in(of), "Tried", context=of, resource="other", key=None)
