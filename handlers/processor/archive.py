"""The archive bucket: whatever did not land is there, with its reason (data rule 6).

| key                                         | what it is                                                           |
|---------------------------------------------|----------------------------------------------------------------------|
| `rejected/<object id>.ndjson`               | an object's rejected records: line, ordinal, reason, excerpt         |
| `quarantined/<object id>.json`              | why an object was not taken in, and the message that told of it      |
| `quarantined/<object id>/object`            | its bytes, where they can be read                                    |
| `quarantined/<object id>.last-receive.json` | why a message's last delivery failed, before SQS moved it to the DLQ |
| `quarantined/<object id>.overdue.json`      | that a passive region has waited too long for the active one         |
"""

import json
from typing import IO, TYPE_CHECKING, Any, Final

from handlers.processor.messages import ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LARGEST_COPY: Final = 5 * 1024**3
"""Bytes; S3 copies no more in one call."""


class Archive:
    """Writes to the archive bucket of this region."""

    def __init__(self, *, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def rejections(self, object_id: str, ndjson: IO[bytes]) -> None:
        """Keep an object's rejected records."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key=f"rejected/{object_id}.ndjson",
            Body=ndjson,
            ContentType="application/x-ndjson",
        )

    def quarantine(self, identity: str, note: dict[str, Any]) -> None:
        """Keep why an object, or a message that tells of none, was not taken in."""
        self._note(f"quarantined/{identity}.json", note)

    def last_receive(self, identity: str, note: dict[str, Any]) -> None:
        """Keep why a message failed for the last time."""
        self._note(f"quarantined/{identity}.last-receive.json", note)

    def overdue(self, identity: str, note: dict[str, Any]) -> None:
        """Keep that a passive region has waited too long."""
        self._note(f"quarantined/{identity}.overdue.json", note)

    def copy(self, event: ObjectEvent, size: int) -> bool:
        """Copy an object's bytes, within S3; return whether it could be: up to 5 GiB.

        Raises:
            ClientError: S3 refused.
            BotoCoreError: S3 did not answer.
        """
        if size > _LARGEST_COPY:
            return False
        self._s3.copy_object(
            Bucket=self._bucket,
            Key=f"quarantined/{event.object_id}/object",
            CopySource={"Bucket": event.bucket, "Key": event.key, "VersionId": event.version_id},
            TaggingDirective="REPLACE",  # to copy tags would take two more permissions
        )
        return True

    def _note(self, key: str, note: dict[str, Any]) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(note, indent=2).encode(),
            ContentType="application/json",
        )
