"""Test identity: the same in both regions and for every retry, and different for different objects (data rule 1)."""

import hashlib
import uuid
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.messages import Message
from handlers.shared.object_keys import INCOMING, Upload, digest, file_key, object_identity
from unit_tests.handlers.processor.messages_of_sqs import objects_of, s3_event, sqs_record

keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).map(INCOMING.__add__)
versions = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32).filter("null".__ne__)
uploads = st.builds(
    Upload,
    source=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    upload_id=st.uuids().map(str),
    content_sha256=st.binary(max_size=8).map(lambda content: hashlib.sha256(content).hexdigest()),
    file_key=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30),
)
A_VERSION = "3HL4kqtJlcpXroDTDmjVBH40Nrjfkd"


def identity(bucket: str, **event: str) -> str:
    """Return the identity of an event's object, all the way from a message as SQS delivers it."""
    (found,) = objects_of(Message.from_record(sqs_record(s3_event(bucket=bucket, **event))), "ingest", bucket)
    return found.object_id


@pytest.mark.property
@given(key=keys | uploads.map(lambda upload: upload.object_key), version_id=versions, etags=st.tuples(st.text(), st.text()))
def test_identity_ignores_bucket_region_etag_and_time(key: str, version_id: str, etags: tuple[str, str]) -> None:
    first = identity(key=key, version_id=version_id, bucket="a", region="us-east-1", etag=etags[0], time="1")
    second = identity(key=key, version_id=version_id, bucket="b", region="us-west-2", etag=etags[1], time="2")
    assert first == second == object_identity("ingest", key, version_id)


@pytest.mark.property
@given(keys=st.tuples(keys, keys), version_ids=st.tuples(versions, versions), sources=st.tuples(versions, versions))
@example(keys=(INCOMING + "ab", INCOMING + "a"), version_ids=("c", "bc"), sources=("s", "s"))
def test_identity_of_a_direct_put_is_source_key_and_version(
    keys: tuple[str, str], version_ids: tuple[str, str], sources: tuple[str, str]
) -> None:
    (one, other) = zip(sources, keys, version_ids, strict=True)
    if not any(Upload.parse(key) for key in keys):
        assert (object_identity(*one) == object_identity(*other)) is (one == other)


@pytest.mark.property
@given(upload=uploads, version_ids=st.tuples(versions, versions))
def test_identity_of_an_upload_ignores_the_version(upload: Upload, version_ids: tuple[str, str]) -> None:
    assert Upload.parse(upload.object_key) == upload
    assert {object_identity("ingest", upload.object_key, version) for version in version_ids} == {upload.object_id}
    assert file_key(upload.object_key) == upload.file_key


@pytest.mark.parametrize(
    "change",
    [
        lambda one: Upload(one.source + "x", one.upload_id, one.content_sha256, one.file_key),
        lambda one: Upload(one.source, str(uuid.UUID(int=7)), one.content_sha256, one.file_key),
        lambda one: Upload(one.source, one.upload_id, "0" * 64, one.file_key),
    ],
)
def test_different_source_id_or_content_is_another_upload(change: Callable[[Upload], Upload]) -> None:
    upload = Upload("billing", str(uuid.UUID(int=1)), "a" * 64, "x.csv")
    assert change(upload).object_id != upload.object_id


@pytest.mark.parametrize(
    "key",
    [
        "incoming/uploads/a/b/c.csv",
        f"incoming/uploads/a/b/{'0' * 63}/c.csv",
        f"incoming/uploads//b/{'0' * 64}/c.csv",
        f"incoming/uploads/a/b/{'0' * 64}/",
        f"uploads/a/b/{'0' * 64}/c.csv",
    ],
)
def test_key_of_nearly_an_upload_is_a_direct_put(key: str) -> None:
    assert Upload.parse(key) is None
    assert object_identity("s", key, A_VERSION) == digest("object", "s", key, A_VERSION)


@pytest.mark.parametrize(
    ("key", "logical"), [("incoming/a/b.csv", "a/b.csv"), ("incoming/a/", "a/"), ("incoming/", "incoming/")]
)
def test_logical_key_is_never_empty(key: str, logical: str) -> None:
    assert file_key(key) == logical
