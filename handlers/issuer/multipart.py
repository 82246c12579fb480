"""Multipart uploads: S3 accepts each announced part only, and makes the object once, of all of them.

S3 keeps which parts have arrived, so a client that crashed, or that lost an answer, asks for the parts that are left. It
completes the upload with the hash of its parts' hashes, because another client may send the same file in parts of another
size, and parts of the same number replace each other.

A receipt binds the object's key, its size and the size of its parts. S3 verifies the SHA-256 of each part; its checksum of
the whole object is the hash of the parts' hashes
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html), so the processor compares all
bytes with the SHA-256 in the key, as it does for every upload.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handlers.issuer.errors import RequestError
from handlers.issuer.presign import Presigner
from handlers.issuer.validation import Part
from handlers.shared.receipts import Receipt

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PartTypeDef

COMPLETING_SECONDS: Final = 15
"""Below the function's timeout. S3 may take minutes; then a repeated request finds the object."""
_SHOWN: Final = 20
_MAY_BE_STORED: Final = frozenset({"PreconditionFailed", "NoSuchUpload", "ConditionalRequestConflict"})
"""Errors of CompleteMultipartUpload after which another request may have stored the object
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html)."""


@dataclass(frozen=True)
class MultipartUploads:
    """Multipart uploads into this region's bucket."""

    presigner: Presigner
    is_stored: Callable[[str], bool]
    """Returns whether the bucket holds a key."""
    completing: "S3Client"
    """A client that waits for `COMPLETING_SECONDS`."""

    def parts(self, receipt: Receipt, wanted: Sequence[Part], now: float) -> dict[str, Any]:
        """Return a presigned PUT for each wanted part that S3 does not hold, and whether the object is complete.

        Args:
            receipt: A verified receipt of this region.
            wanted: Parts that the client has.
            now: Epoch seconds.
        """
        upload = receipt.upload
        answer: dict[str, Any] = {"id": upload.object_id, "complete": self.is_stored(upload.object_key), "parts": []}
        if answer["complete"]:
            self._abort(upload.object_key)
            return answer
        multipart_id = next(iter(self._begun(upload.object_key)), None) or self._begin(upload.object_key)
        numbers = [part.number for part in wanted]
        held = {one["PartNumber"]: one for one in self._held(upload.object_key, multipart_id, min(numbers), max(numbers))}
        for part in wanted:
            put = self.presigner.presign_part(receipt, multipart_id, part, now)
            there = held.get(part.number, {})
            arrived = {"Content-Length": str(there.get("Size")), "x-amz-checksum-sha256": there.get("ChecksumSHA256")}
            if put.headers != arrived:
                issued = {"number": part.number, "url": put.url, "method": "PUT", "headers": dict(put.headers)}
                answer["parts"].append({**issued, "expires_at": put.expires_at})
        return answer

    def complete(self, receipt: Receipt, parts_sha256: str) -> None:
        """Make the object of its parts, unless the bucket holds it.

        Args:
            receipt: A verified receipt of this region.
            parts_sha256: SHA-256 of the SHA-256 of the client's parts, in order. A part that is replaced after this is
                compared has another ETag, and S3 refuses the completion.

        Raises:
            RequestError: 409; parts are missing, or others have arrived.
            ClientError: S3 returned an error; it is not known whether the object is complete.
        """
        key = receipt.upload.object_key
        missing: list[int] = list(range(1, receipt.parts + 1))
        for multipart_id in [] if self.is_stored(key) else self._begun(key):
            held = self._held_unless_gone(key, multipart_id, receipt.parts)
            there = {part["PartNumber"] for part in held if part["Size"] == receipt.bytes_of(part["PartNumber"])}
            missing = [number for number in range(1, receipt.parts + 1) if number not in there]
            if not missing and _sha256_of(held) == parts_sha256:
                self._complete(receipt, multipart_id, held)
                return self._abort(key)
        if not self.is_stored(key):
            shown = ", ".join(map(str, missing[:_SHOWN])) + (" and more" if missing[_SHOWN:] else "")
            raise RequestError(
                HTTPStatus.CONFLICT,
                "PartsMissing" if missing else "PartsDiffer",
                f"{len(missing)} of {receipt.parts} parts have not arrived: {shown}"
                if missing
                else f"all {receipt.parts} parts have arrived, but their SHA-256 is not the {parts_sha256} of parts_sha256",
                "send POST /uploads/{id}/parts with their numbers and SHA-256, PUT them, and send this request again",
            )
        return self._abort(key)

    def _complete(self, receipt: Receipt, multipart_id: str, parts: Sequence["PartTypeDef"]) -> None:
        key = receipt.upload.object_key
        try:
            self.completing.complete_multipart_upload(
                Bucket=self.presigner.bucket,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": one["PartNumber"], "ETag": one["ETag"], "ChecksumSHA256": one["ChecksumSHA256"]}
                        for one in parts
                    ]
                },
                MpuObjectSize=receipt.size,
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MAY_BE_STORED or not self.is_stored(key):
                raise

    def _begin(self, key: str) -> str:
        made = self.presigner.s3.create_multipart_upload(
            Bucket=self.presigner.bucket,
            Key=key,
            ChecksumAlgorithm="SHA256",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.presigner.key_arn,
        )
        # The first, also if another request began one at the same time; none, if another one completed the object.
        return next(iter(self._begun(key)), made["UploadId"])

    def _begun(self, key: str) -> list[str]:
        """Return S3's ids of the multipart uploads of a key, oldest first."""
        pages = self.presigner.s3.get_paginator("list_multipart_uploads").paginate(Bucket=self.presigner.bucket, Prefix=key)
        found = [one for page in pages for one in page.get("Uploads", []) if one["Key"] == key]
        return [one["UploadId"] for one in sorted(found, key=lambda one: (one["Initiated"], one["UploadId"]))]

    def _held(self, key: str, multipart_id: str, first: int, last: int) -> Iterator["PartTypeDef"]:
        """Yield the parts of a range of numbers that S3 holds, in order."""
        pages = self.presigner.s3.get_paginator("list_parts").paginate(
            Bucket=self.presigner.bucket,
            Key=key,
            UploadId=multipart_id,
            PartNumberMarker=first - 1,  # type: ignore[call-arg]  # where botocore begins; the stubs lack it
        )
        return takewhile(lambda part: part["PartNumber"] <= last, (part for page in pages for part in page.get("Parts", [])))

    def _held_unless_gone(self, key: str, multipart_id: str, parts: int) -> list["PartTypeDef"]:
        """Return the parts that S3 holds; none if another request has completed the multipart upload meanwhile."""
        try:
            return list(self._held(key, multipart_id, 1, parts))
        except self.presigner.s3.exceptions.NoSuchUpload:
            return []

    def _abort(self, key: str) -> None:
        """Remove the parts of a key that is stored. What is left, a lifecycle rule of the bucket removes."""
        for multipart_id in self._begun(key):
            with suppress(ClientError):
                self.presigner.s3.abort_multipart_upload(Bucket=self.presigner.bucket, Key=key, UploadId=multipart_id)


def _sha256_of(parts: Sequence["PartTypeDef"]) -> str:
    return hashlib.sha256(b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)).hexdigest()
