"""Presigned PUTs: a URL that accepts exactly the announced bytes, encrypted, into this region's bucket."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from handlers.issuer.validation import Part
from handlers.shared import timestamps
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt

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


def regional_s3_client(
    region: str, variables: Mapping[str, str] = os.environ, *, read_timeout: int = 2, attempts: int = 2
) -> "S3Client":
    """Return a client whose URLs name the region's own endpoint.

    By default botocore presigns for the global endpoint in us-east-1, which answers with a redirect to a host that the
    signature does not cover. With an endpoint from the environment, the bucket's name cannot be part of the host.

    Args:
        region: The region.
        variables: Environment variables.
        read_timeout: Seconds between two bytes of an answer.
        attempts: Number of times that a request is sent.
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
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
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
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_arn}
        put = self._presign("put_object", upload, size, upload.content_sha256, now, IfNoneMatch="*", **encrypted)
        headers = {
            "If-None-Match": "*",
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": self.key_arn,
        }
        return replace(put, headers={**put.headers, **headers})

    def presign_part(self, receipt: Receipt, multipart_id: str, part: Part, now: float) -> PresignedPut:
        """Return a PUT that S3 accepts only with the length and the bytes of one part of a multipart upload.

        Args:
            receipt: Names the object's key and the length of its parts.
            multipart_id: S3's id of the multipart upload, which holds the encryption.
            part: Number and SHA-256 of the part.
            now: Epoch seconds.
        """
        of_upload: dict[str, str | int] = {"UploadId": multipart_id, "PartNumber": part.number}
        return self._presign("upload_part", receipt.upload, receipt.bytes_of(part.number), part.sha256, now, **of_upload)

    def _presign(
        self, operation: str, upload: Upload, size: int, sha256: str, now: float, **more: str | int
    ) -> PresignedPut:
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        bound = {"Bucket": self.bucket, "Key": upload.object_key, "ContentLength": size, "ChecksumSHA256": checksum}
        url = self.s3.generate_presigned_url(operation, Params={**bound, **more}, ExpiresIn=self.expiry_seconds)
        return PresignedPut(
            url=url,
            headers={"Content-Length": str(size), "x-amz-checksum-sha256": checksum},
            expires_at=timestamps.as_text(datetime.fromtimestamp(now + self.expiry_seconds, UTC)),
        )
