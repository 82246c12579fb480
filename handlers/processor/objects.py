"""Reads an object from the ingest bucket, in the version that the event names."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.messages import ObjectEvent
from handlers.processor.routes import Decision, Route
from handlers.shared import timestamps

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class ObjectFacts:
    """Properties of an object before its first byte is read; the same in both regions."""

    received_at: str
    """In the form of `timestamps.as_text`."""
    size: int
    """Stored bytes."""


class OpenedObject:
    """An object's facts and its bytes.

    Attributes:
        facts: Properties of the object.
        version_id: The version that is read.
    """

    def __init__(
        self,
        event: ObjectEvent,
        facts: ObjectFacts,
        version_id: str,
        body: StreamingBody,
        body_from: Callable[[int], StreamingBody],
    ) -> None:
        self.facts = facts
        self.version_id = version_id
        self._upload = event.upload
        self._body = body
        self._body_from = body_from
        self._sha256 = hashlib.sha256()

    def chunks(self, *, maximum_bytes: int) -> Iterator[bytes]:
        """Yield the object's bytes.

        Raises:
            UnreadableError: The object is larger than `maximum_bytes`.
            BotoCoreError: The connection broke; another attempt may succeed.
        """
        size = self.facts.size
        if size > maximum_bytes:
            raise UnreadableError(
                Fault.TOO_LARGE,
                f"the object is {size} bytes and {maximum_bytes} are allowed; split it into several files, or compress it "
                "(or raise the limit in environments.toml)",
            )
        for chunk in self._body.iter_chunks(_CHUNK_BYTES):
            self._sha256.update(chunk)
            yield chunk

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Request the object's bytes from an offset on, and yield them. They are not part of the digest.

        Raises:
            ClientError: S3 returned an error; the version may have been deleted since it was opened.
            BotoCoreError: S3 did not answer, or the connection broke; another attempt may succeed.
        """
        self._body.close()
        self._body = self._body_from(offset)
        return self._body.iter_chunks(_CHUNK_BYTES)

    def check_digest(self) -> None:
        """Compare the bytes that were read with the SHA-256 in an upload's key; call it after the last chunk.

        Raises:
            UnreadableError: They differ.
        """
        if self._upload and self._upload.content_sha256 != self._sha256.hexdigest():
            raise UnreadableError(
                Fault.WRONG_DIGEST,
                f"the object's SHA-256 is {self._sha256.hexdigest()} and its key names {self._upload.content_sha256}; "
                "upload it again through the issuer, with the digest of the bytes that you send",
            )

    def close(self) -> None:
        """Close the connection; unread bytes are discarded."""
        self._body.close()


class ObjectReader:
    """Opens objects of the ingest bucket."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def open(self, event: ObjectEvent) -> OpenedObject:
        """Open the version that an event names, or, for an upload whose version was deleted, another version.

        All versions of an upload are one object: their key holds the upload id and the content's hash, and their identity
        holds no version. The identity of a direct put holds its version, so no other version can replace it.

        Raises:
            UnreadableError: No version is left.
            ClientError: S3 returned an error.
            BotoCoreError: S3 did not answer.
        """
        upload = event.upload
        version_id = event.version_id
        answer = self._get(event, version_id)
        if answer is None and upload:
            for version_id in self._versions(event):
                if answer := self._get(event, version_id):
                    break
        if answer is None:
            raise UnreadableError(
                Fault.GONE, f"version {event.version_id} was deleted before it was processed; nothing is left to read"
            )
        facts = ObjectFacts(
            received_at=(timestamps.of_upload(upload.upload_id) if upload else None)
            or timestamps.as_text(answer["LastModified"]),
            size=answer["ContentLength"],
        )

        def body_from(offset: int) -> StreamingBody:
            part = f"bytes={offset}-"
            return self._s3.get_object(Bucket=event.bucket, Key=event.key, VersionId=version_id, Range=part)["Body"]

        return OpenedObject(event, facts, version_id, answer["Body"], body_from)

    def _get(self, event: ObjectEvent, version_id: str) -> "GetObjectOutputTypeDef | None":
        try:
            return self._s3.get_object(Bucket=event.bucket, Key=event.key, VersionId=version_id)
        except ClientError as error:
            if Decision.of(error).route is not Route.GONE:
                raise
            return None

    def _versions(self, event: ObjectEvent) -> Iterator[str]:
        """Yield the versions of an event's key, newest first."""
        listing = self._s3.list_object_versions(Bucket=event.bucket, Prefix=event.key)
        return (found["VersionId"] for found in listing.get("Versions", []) if found["Key"] == event.key)
