"""Presigned PUTs: a URL that accepts exactly the announced bytes, once, encrypted, into this region's bucket."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from handlers.shared import timestamps
from handlers.shared.object_keys import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class PresignedPut:
    """The request by which a client sends its file."""

    url: str
    headers: Mapping[str, str]
    """Headers that the signature covers beside the host; the client must send them unchanged."""
    expires_at: str
    """Time when S3 stops accepting the request, in UTC."""


def regional_s3_client(region: str, variables: Mapping[str, str] = os.environ) -> "S3Client":
    """Return a client whose URLs name the region's own endpoint.

    By default botocore presigns for the global endpoint in us-east-1, which answers with a redirect to a host that the
    signature does not cover. With an endpoint from the environment, the bucket's name cannot be part of the host.
    """
    elsewhere = variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL")
    return boto3.client(
        "s3",
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if elsewhere else "virtual",
                "us_east_1_regional_endpoint": "regional",
            },
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


@dataclass(frozen=True)
class Presigner:
    """Presigns PUTs into one bucket."""

    s3: "S3Client"
    bucket: str
    key_arn: str
    """The KMS key that S3 must encrypt with."""
    expiry_seconds: int

    def presign(self, upload: Upload, size: int, now: float) -> PresignedPut:
        """Return a PUT that S3 accepts only with this length, these bytes and this key, and only for a new object.

        Args:
            upload: The object's key and the SHA-256 of its content.
            size: Length in bytes.
            now: Epoch seconds.
        """
        checksum = base64.b64encode(bytes.fromhex(upload.content_sha256)).decode()
        url = self.s3.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self.bucket,
                "Key": upload.object_key,
                "ContentLength": size,
                "ChecksumSHA256": checksum,
                "IfNoneMatch": "*",
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": self.key_arn,
            },
            ExpiresIn=self.expiry_seconds,
        )
        headers = {
            "Content-Length": str(size),
            "If-None-Match": "*",
            "x-amz-checksum-sha256": checksum,
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": self.key_arn,
        }
        return PresignedPut(
            url=url, headers=headers, expires_at=timestamps.as_text(datetime.fromtimestamp(now + self.expiry_seconds, UTC))
        )
