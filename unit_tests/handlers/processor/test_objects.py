"""Reading an object: the version that was named, never more than is allowed, and told from one that broke off."""

import hashlib
import io
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.response import StreamingBody

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
    """Open an object of which S3 says that it is `length` bytes and sends `content`."""
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


def test_it_is_read_as_it_is() -> None:
    found = opened()
    assert b"".join(found.chunks(maximum_bytes=len(CONTENT))) == CONTENT
    assert (found.facts.size, found.facts.received_at) == (len(CONTENT), "2026-01-31T12:00:00.000Z")
    found.check_digest()


def test_what_is_too_large_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(UnreadableError, match=r"too_large: .*8 bytes and 7 are allowed"):
        next(opened().chunks(maximum_bytes=7))


def test_a_connection_that_breaks_off_is_not_the_objects_fault() -> None:
    with pytest.raises(IncompleteReadError):
        list(opened(content=CONTENT[:3], length=len(CONTENT)).chunks(maximum_bytes=100))


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "MethodNotAllowed"])
def test_a_version_that_was_deleted_is_gone(code: str) -> None:
    s3 = Mock()
    s3.get_object.side_effect = ClientError({"Error": {"Code": code}}, "GetObject")
    with pytest.raises(UnreadableError, match="gone: version v1"):
        ObjectReader(s3).open(event())


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket", "KMS.DisabledException"])
def test_what_may_get_better_is_raised_as_it_is(code: str) -> None:
    s3 = Mock()
    s3.get_object.side_effect = ClientError({"Error": {"Code": code}}, "GetObject")
    with pytest.raises(ClientError, match=code):
        ObjectReader(s3).open(event())


def test_an_upload_is_held_to_the_digest_in_its_key_and_dated_by_its_id() -> None:
    found = opened(UPLOAD.object_key)
    list(found.chunks(maximum_bytes=100))
    found.check_digest()
    assert found.facts.received_at == "2025-10-11T00:16:10.752Z"
    other = opened(UPLOAD.object_key, content=CONTENT + b" ")
    list(other.chunks(maximum_bytes=100))
    with pytest.raises(UnreadableError, match="wrong_digest"):
        other.check_digest()
