"""A message of the ingest queue, and the objects that it tells of."""

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
"""Message attribute: how often it was put back."""
VERIFY: Final = "verify"
"""Message attribute: present where this replica's records are to be looked at, though they were seen before."""
REPROCESS: Final = "reprocess"
"""Message attribute: present where a person wants the records that another processing version made to be made anew."""


@dataclass(frozen=True)
class ObjectEvent:
    """One version of one object, of which S3 says that it was created."""

    source: str
    """Of an object that was put without the issuer."""
    bucket: str
    key: str
    """Decoded."""
    version_id: str
    record: Any = field(default=None, compare=False, repr=False)
    """The record of the message that says it."""

    @property
    def body(self) -> str:
        """The body of a message that names this object only."""
        return json.dumps({"Records": [self.record]})

    @cached_property
    def object_id(self) -> str:
        """The object's identity, the same in both regions."""
        return object_keys.object_identity(self.source, self.key, self.version_id)

    @property
    def upload(self) -> object_keys.Upload | None:
        """What the key says, if the object went through the issuer."""
        return object_keys.Upload.parse(self.key)


@dataclass(frozen=True)
class Message:
    """A message as SQS delivered it."""

    message_id: str
    body: str
    receive_count: int
    """How often it was received, this time included."""
    first_seen: int
    """Epoch milliseconds."""
    hops: int
    must_verify: bool
    must_reprocess: bool

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Message":
        """Read one of the records that Lambda hands over."""
        system = record["attributes"]
        own = record.get("messageAttributes") or {}
        return cls(
            message_id=record["messageId"],
            body=record["body"],
            receive_count=int(system["ApproximateReceiveCount"]),
            first_seen=_number(own, FIRST_SEEN, int(system["SentTimestamp"])),
            hops=_number(own, HOPS, 0),
            must_verify=VERIFY in own,
            must_reprocess=REPROCESS in own,
        )

    @property
    def message_identity(self) -> str:
        """An identity for the archive, where the message tells of no object: the same each time it is delivered."""
        return object_keys.digest("message", self.message_id)

    def objects(self, source: str) -> list[ObjectEvent | UnreadableError]:
        """Return what each of its records is: an object, or why it is none; no record if it is S3's own test message.

        Args:
            source: What an object that was put without the issuer is from.

        Raises:
            UnreadableError: The whole message is no S3 event.
        """
        content = self._content()
        if content.get("Event") == "s3:TestEvent":
            return []
        records = content.get("Records")
        if not isinstance(records, list) or not records:
            raise _no_event("it has no Records")
        return [_judged(record, source) for record in records]

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise _no_event("its body is no JSON") from error
        if not isinstance(content, dict):
            raise _no_event("its body is no JSON object")
        return content


def event_body(bucket: str, key: str, version_id: str, event_time: str) -> str:
    """Return the body of a message that names one version of one object, as S3's own event does."""
    stored = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "versionId": version_id}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Reconciled", "eventTime": event_time, "s3": stored}]})


def _number(attributes: dict[str, Any], name: str, default: int) -> int:
    text = str(attributes.get(name, {}).get("stringValue", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else default  # noqa: PLR2004


def _judged(record: Any, source: str) -> ObjectEvent | UnreadableError:  # noqa: ANN401 - anybody may have sent it
    try:
        return _object_event(record, source)
    except UnreadableError as problem:  # of this record alone: the others are as good as without it
        return problem


def _object_event(record: Any, source: str) -> ObjectEvent:  # noqa: ANN401 - anybody may have sent it
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
        raise _no_event(f"a record of it is not as S3 writes it ({type(error).__name__}: {error})") from error
    if not all(_is_text(value) for value in (name, bucket, event.key, event.version_id, event_time)):
        raise _no_event("a record of it holds no text where S3 writes text")
    if not name.startswith("ObjectCreated:"):
        raise _no_event(f"it tells of {name[:60]!r}; only ObjectCreated:* is to be sent to this queue")
    if not event.key.startswith(object_keys.INCOMING):
        raise _no_event(f"the object's key does not begin with {object_keys.INCOMING!r}")
    if event.version_id in ("", "null"):
        raise _no_event("the object has no version id; the ingest bucket must have versioning enabled")
    return event


def _is_text(value: object) -> bool:
    """Return whether a value is text that can be sent on: JSON can hold half of a surrogate pair, and UTF-8 cannot."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value))


def _no_event(why: str) -> UnreadableError:
    return UnreadableError(Fault.NOT_AN_S3_EVENT, f"the message is no S3 event of an object created under incoming/: {why}")
