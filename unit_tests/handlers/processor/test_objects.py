"""Test the reader of an object's version, which detects a broken connection, and the archive's keys and requests."""

import hashlib
import io
import json
from datetime import UTC, datetime
from io import BytesIO
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.response import StreamingBody

from handlers.processor.archive import Archive
from handlers.processor.errors import UnreadableError
from handlers.processor.messages import ObjectEvent
from handlers.processor.objects import ObjectReader, OpenedObject
from handlers.shared.object_keys import Upload
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event

CONTENT = b"a,b\n1,2\n"
UPLOAD = Upload("billing", "0199d0a0-0000-7000-8000-000000000000", hashlib.sha256(CONTENT).hexdigest(), "x.csv")


def event(key: str = "incoming/x.csv") -> ObjectEvent:
    (found,) = objects_of(message(s3_event(key=key, version_id="v1", bucket="ingest")))
    return found


def opened(key: str = "incoming/x.csv", *, content: bytes = CONTENT, length: int | None = None) -> OpenedObject:
    """Open an object for which S3 states `length` bytes and sends `content`."""
    length = len(content) if length is None else length
    s3 = Mock()
    s3.get_object.return_value = {
        "Body": StreamingBody(io.BytesIO(content), length),
        "ContentLength": length,
        "LastModified": datetime(2026, 1, 31, 12, tzinfo=UTC),
    }
    found = ObjectReader(s3).open(event(key))
    assert s3.get_object.call_args.kwargs == {"Bucket": "ingest", "Key": key, "VersionId": "v1"}
    return found


def test_object_reader_yields_the_stored_bytes() -> None:
    found = opened()
    assert b"".join(found.chunks(maximum_bytes=len(CONTENT))) == CONTENT
    assert (found.facts.size, found.facts.received_at) == (len(CONTENT), "2026-01-31T12:00:00.000Z")
    found.check_digest()


def test_object_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnreadableError, match=r"too_large: .*8 bytes and 7 are allowed"):
        next(opened().chunks(maximum_bytes=7))


def test_broken_connection_is_not_an_unreadable_object() -> None:
    with pytest.raises(IncompleteReadError):
        list(opened(content=CONTENT[:3], length=len(CONTENT)).chunks(maximum_bytes=100))


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "MethodNotAllowed"])
def test_a_version_that_was_deleted_is_gone(code: str) -> None:
    s3 = Mock()
    s3.get_object.side_effect = ClientError({"Error": {"Code": code}}, "GetObject")
    with pytest.raises(UnreadableError, match="gone: version v1"):
        ObjectReader(s3).open(event())


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket", "KMS.DisabledException"])
def test_transient_error_of_s3_is_raised_unchanged(code: str) -> None:
    s3 = Mock()
    s3.get_object.side_effect = ClientError({"Error": {"Code": code}}, "GetObject")
    with pytest.raises(ClientError, match=code):
        ObjectReader(s3).open(event())


def test_upload_has_the_digest_of_its_key_and_the_time_of_its_id() -> None:
    found = opened(UPLOAD.object_key)
    list(found.chunks(maximum_bytes=100))
    found.check_digest()
    assert found.facts.received_at == "2025-10-11T00:16:10.752Z"
    other = opened(UPLOAD.object_key, content=CONTENT + b" ")
    list(other.chunks(maximum_bytes=100))
    with pytest.raises(UnreadableError, match="wrong_digest"):
        other.check_digest()


ID = "ab" * 32


def archive() -> tuple[Archive, Mock]:
    s3 = Mock()
    return Archive(s3=s3, bucket="archive"), s3


def test_rejections_are_one_file_an_object() -> None:
    kept, s3 = archive()
    file = BytesIO(b"{}\n")
    kept.rejections(ID, file)
    request = s3.put_object.call_args.kwargs
    assert (request["Bucket"], request["Key"], request["Body"]) == ("archive", f"rejected/{ID}.ndjson", file)


@pytest.mark.parametrize(
    ("keep", "key"),
    [
        ("quarantine", f"quarantined/{ID}.json"),
        ("last_receive", f"quarantined/{ID}.last-receive.json"),
        ("overdue", f"quarantined/{ID}.overdue.json"),
    ],
)
def test_notes_are_json_under_a_key_of_their_kind(keep: str, key: str) -> None:
    kept, s3 = archive()
    getattr(kept, keep)(ID, {"reason": "because", "body": "\ud800é"})
    request = s3.put_object.call_args.kwargs
    assert request["Key"] == key
    assert json.loads(request["Body"]) == {"reason": "because", "body": "\ud800é"}


def test_archive_copies_the_version_of_the_event() -> None:
    kept, s3 = archive()
    (event,) = objects_of(message(s3_event(key="incoming/a b.csv", version_id="v7", bucket="ingest")))
    assert kept.copy(event, 5 * 1024**3)
    request = s3.copy_object.call_args.kwargs
    assert request["CopySource"] == {"Bucket": "ingest", "Key": "incoming/a b.csv", "VersionId": "v7"}
    assert (request["Bucket"], request["Key"]) == ("archive", f"quarantined/{event.object_id}/object")


def test_archive_leaves_an_object_over_the_copy_limit() -> None:
    kept, s3 = archive()
    (event,) = objects_of(message())
    assert not kept.copy(event, 5 * 1024**3 + 1)
    assert not s3.copy_object.called
