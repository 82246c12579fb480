"""A message of the ingest queue, and the objects that it names."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from handlers.processor.errors import Fault, UnreadableError
from handlers.shared import object_keys

FIRST_SEEN: Final = "first_seen"
"""Message attribute: epoch milliseconds at which the message was first on this queue."""
HOPS: Final = "hops"
"""Message attribute: number of times that the message was put back."""
VERIFY: Final = "verify"
"""Message attribute: present to verify this replica's records again, though the region's row notes them as complete."""
REPROCESS: Final = "reprocess"
"""Message attribute: present when an operator wants an object of another processing version processed again."""

CONTINUED: Final = "continued"
"""Message attribute: present when an earlier invocation may have written records of the object."""


@dataclass(frozen=True)
class ObjectEvent:
    """One version of one object, from an S3 event of its creation."""

    source: str
    """Source to use for an object that was uploaded without the issuer."""
    bucket: str
    key: str
    """URL-decoded."""
    version_id: str
    record: Any = field(default=None, compare=False, repr=False)
    """The record of the S3 event."""

    @property
    def body(self) -> str:
        """Body of a message that names only this object."""
        return json.dumps({"Records": [self.record]})

    @cached_property
    def object_id(self) -> str:
        """Identity of the object, the same in both regions."""
        return object_keys.object_identity(self.source, self.key, self.version_id)

    @property
    def upload(self) -> object_keys.Upload | None:
        """Parts of the key if the object was uploaded through the issuer, None otherwise."""
        return object_keys.Upload.parse(self.key)


@dataclass(frozen=True)
class Message:
    """A message as SQS delivered it."""

    message_id: str
    receipt_handle: str
    body: str
    receive_count: int
    """Number of receives, this one included."""
    first_seen: int
    """Epoch milliseconds."""
    hops: int
    must_verify: bool
    must_reprocess: bool
    is_continued: bool = False

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Message":
        """Read one record of the event that Lambda passes."""
        system = record["attributes"]
        own = record.get("messageAttributes") or {}
        return cls(
            message_id=record["messageId"],
            receipt_handle=record.get("receiptHandle", ""),
            body=record["body"],
            receive_count=int(system["ApproximateReceiveCount"]),
            first_seen=_number(own, FIRST_SEEN, int(system["SentTimestamp"])),
            hops=_number(own, HOPS, 0),
            must_verify=VERIFY in own,
            must_reprocess=REPROCESS in own,
            is_continued=CONTINUED in own,
        )

    @property
    def may_have_written(self) -> bool:
        """Whether an earlier invocation may have written records of its objects."""
        return self.is_continued or self.receive_count > 1

    @property
    def message_identity(self) -> str:
        """Identity for the archive when the message names no object; the same at each delivery."""
        return object_keys.digest("message", self.message_id)

    def objects(self, source: str, bucket: str) -> list[ObjectEvent | UnreadableError]:
        """Return an object or an error for each record of the message; an empty list for S3's test message.

        Args:
            source: Source of an object that was uploaded without the issuer.
            bucket: The region's ingest bucket, whose objects alone the message may name.

        Raises:
            UnreadableError: The whole message is not an S3 event.
        """
        content = self._content()
        if content.get("Event") == "s3:TestEvent":
            return []
        records = content.get("Records")
        if not isinstance(records, list) or not records:
            raise _no_event("it has no Records")
        return [_judged(record, source, bucket) for record in records]

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise _no_event("its body is not JSON") from error
        if not isinstance(content, dict):
            raise _no_event("its body is not a JSON object")
        return content


def event_body(bucket: str, key: str, version_id: str, event_time: str) -> str:
    """Return the body of a message that names one version of one object, in the form of S3's own event."""
    stored = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "versionId": version_id}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Reconciled", "eventTime": event_time, "s3": stored}]})


def _number(attributes: dict[str, Any], name: str, default: int) -> int:
    text = str(attributes.get(name, {}).get("stringValue", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else default  # noqa: PLR2004


def _judged(record: Any, source: str, bucket: str) -> ObjectEvent | UnreadableError:  # noqa: ANN401 - anybody may have sent it
    try:
        return _object_event(record, source, ours=bucket)
    except UnreadableError as problem:  # only this record is refused; the others are processed
        return problem


def _object_event(record: Any, source: str, *, ours: str) -> ObjectEvent:  # noqa: ANN401 - anybody may have sent it
    try:
        name, bucket, key = record["eventName"], record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        event = ObjectEvent(
            source=source,
            bucket=bucket,
            key=unquote_plus(key, errors="strict"),
            version_id=record["s3"]["object"].get("versionId") or "",
            record=record,
        )
        event_time = record["eventTime"]
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise _no_event(f"one of its records lacks a field that S3 writes ({type(error).__name__}: {error})") from error
    if not all(_is_text(value) for value in (name, bucket, event.key, event.version_id, event_time)):
        raise _no_event("one of its records holds a value that is not text where S3 writes text")
    if not name.startswith("ObjectCreated:"):
        raise _no_event(f"its event is {name[:60]!r}; send only ObjectCreated:* to this queue")
    if not event.key.startswith(object_keys.INCOMING):
        raise _no_event(f"the object's key does not begin with {object_keys.INCOMING!r}")
    if event.bucket != ours:
        raise _no_event(f"the object is in the bucket {event.bucket[:63]!r}; this queue is for {ours!r}")
    if event.version_id in ("", "null"):
        raise _no_event("the object has no version id; enable versioning on the ingest bucket")
    return event


def _is_text(value: object) -> bool:
    """Return whether a value is text that UTF-8 can encode: JSON can hold half of a surrogate pair, and UTF-8 cannot."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value))


def _no_event(why: str) -> UnreadableError:
    explanation = f"the message is not an S3 event of an object created under incoming/: {why}"
    return UnreadableError(Fault.NOT_AN_S3_EVENT, explanation)
