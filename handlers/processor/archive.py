"""Writes everything that was not stored in the ledger to the archive bucket, with its reason (data rule 6).

| key                                         | content                                                              |
|---------------------------------------------|----------------------------------------------------------------------|
| `rejected/<object id>.ndjson`               | an object's rejected records: line, ordinal, reason, excerpt         |
| `rejected/<object id>.<version>.part`       | the first ones, while an object is read in several invocations       |
| `quarantined/<object id>.json`              | why an object was quarantined, and the message that named it         |
| `quarantined/<object id>/object`            | its bytes, if they can be read                                       |
| `quarantined/<object id>.last-receive.json` | why a message's last delivery failed, before SQS moved it to the DLQ |
| `quarantined/<object id>.overdue.json`      | how long a passive region has waited for the active one              |
"""

import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handlers.processor.messages import ObjectEvent
from handlers.processor.routes import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LARGEST_COPY: Final = 5 * 1024**3
"""Largest object that S3 copies in one call, in bytes."""


class Archive:
    """Writes to the archive bucket of this region."""

    def __init__(self, *, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def rejections(self, object_id: str, ndjson: IO[bytes]) -> None:
        """Keep an object's rejected records."""
        self._put_ndjson(f"{object_id}.ndjson", ndjson)

    def first_rejections(self, object_id: str, processing_version: str, ndjson: IO[bytes]) -> None:
        """Keep the rejected records of an object that one processing version has read so far."""
        self._put_ndjson(f"{object_id}.{processing_version}.part", ndjson)

    def recall(self, object_id: str, processing_version: str) -> Iterator[bytes]:
        """Return the lines of `first_rejections`.

        Raises:
            LookupError: They were deleted.
            ClientError: S3 returned another error.
            BotoCoreError: S3 did not answer.
        """
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=f"rejected/{object_id}.{processing_version}.part")
        except ClientError as error:
            if code_of(error) in {"NoSuchKey", "AccessDenied"}:  # the role may not list the bucket
                raise LookupError(str(error)) from error
            raise
        lines: Iterator[bytes] = answer["Body"].iter_lines()
        return lines

    def _put_ndjson(self, name: str, ndjson: IO[bytes]) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=f"rejected/{name}", Body=ndjson, ContentType="application/x-ndjson")

    def quarantine(self, identity: str, note: dict[str, Any]) -> None:
        """Keep why an object, or a message that names none, was quarantined."""
        self._note(f"quarantined/{identity}.json", note)

    def last_receive(self, identity: str, note: dict[str, Any]) -> None:
        """Keep why the last delivery of a message failed."""
        self._note(f"quarantined/{identity}.last-receive.json", note)

    def overdue(self, identity: str, note: dict[str, Any]) -> None:
        """Keep how long a passive region has waited for the active one."""
        self._note(f"quarantined/{identity}.overdue.json", note)

    def copy(self, event: ObjectEvent, size: int) -> bool:
        """Copy an object's bytes within S3; return False for an object over 5 GiB, which is not copied.

        Raises:
            ClientError: S3 returned an error.
            BotoCoreError: S3 did not answer.
        """
        if size > _LARGEST_COPY:
            return False
        self._s3.copy_object(
            Bucket=self._bucket,
            Key=f"quarantined/{event.object_id}/object",
            CopySource={"Bucket": event.bucket, "Key": event.key, "VersionId": event.version_id},
            TaggingDirective="REPLACE",  # copying tags needs two more permissions
        )
        return True

    def _note(self, key: str, note: dict[str, Any]) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(note, indent=2).encode(),
            ContentType="application/json",
        )
