"""The encryption key of an S3 object.

Faithful: `aws:kms` without a key means the AWS managed key of the bucket's region; a key by alias or id is returned, and
stored with the object, as the key's ARN; a write with a missing key is refused; an object with the bucket's default states
whether a bucket key was used.
Different from AWS: the AWS managed key is only a name here.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any, Final

from ministack.core.responses import get_account_id
from ministack.services import s3

from local_cloud.shims import _permissions

_ALGORITHM: Final = "x-amz-server-side-encryption"
_KEY: Final = "x-amz-server-side-encryption-aws-kms-key-id"
_BUCKET_KEY: Final = "x-amz-server-side-encryption-bucket-key-enabled"


def install() -> None:
    """Determine the key of every write."""
    stock = s3._resolve_sse_write_headers

    def settle(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Any]:
        region = (s3._buckets.get(bucket) or {}).get("region", "")
        managed = f"arn:aws:kms:{region}:{get_account_id()}:alias/aws/s3"
        if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY):
            headers = {**headers, _KEY: managed}
        settled, error = stock(headers, bucket)
        if error or not str((settled or {}).get(_ALGORITHM, "")).startswith("aws:kms"):
            return settled, error
        return _with_key(dict(settled), headers, bucket, region, managed)

    s3._resolve_sse_write_headers = settle
    s3._SSE_STORED_HEADERS = (*s3._SSE_STORED_HEADERS, _BUCKET_KEY)


def _with_key(
    settled: dict[str, str], headers: dict[str, str], bucket: str, region: str, managed: str
) -> tuple[dict[str, str] | None, Any]:
    key = settled.get(_KEY) or managed
    if not _permissions.is_aws_managed(key):
        found = _permissions.key_and_context(key, region, "s3")
        if found is None:
            return None, s3._error("KMS.NotFoundException", f"Key '{key}' does not exist or is disabled.", 400)
        key = found[0]
    settled[_KEY] = key
    by_default = _ALGORITHM not in headers and default_uses_bucket_key(bucket)
    if by_default or headers.get(_BUCKET_KEY, "").lower() == "true":
        settled[_BUCKET_KEY] = "true"
    return settled, None


def default_uses_bucket_key(bucket: str) -> bool:
    """Return whether the bucket's default encryption has its bucket key on."""
    raw = s3._bucket_encryption.get(bucket) or ""
    text = raw.decode() if isinstance(raw, bytes) else str(raw)
    return "<BucketKeyEnabled>true" in text
