"""Test keys, spread and ordered for the access patterns (data rules 2, 7 and 8), and an object's identity (data rule 1)."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.messages import Message
from handlers.shared import schema
from handlers.shared.object_keys import INCOMING, Upload, digest, file_key, object_identity
from unit_tests.handlers.processor.messages_of_sqs import objects_of, s3_event, sqs_record

object_ids = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@pytest.mark.property
@given(object_id=object_ids, count=st.integers(0, 2100), first=st.integers(0, 10**9))
def test_partition_key_holds_at_most_a_thousand_records_of_an_object(object_id: str, count: int, first: int) -> None:
    keys = [schema.record_keys(object_id, ordinal) for ordinal in range(first, first + count)]
    assert len(set(keys)) == count, "each record has a row of its own"
    per_key = Counter(partition_key for partition_key, _ in keys)
    assert max(per_key.values(), default=0) <= 1000
    assert len(per_key) <= count // 1000 + 2, "and they are not spread further than need be"


@pytest.mark.property
@given(object_id=object_ids, ordinals=st.tuples(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1)))
def test_records_are_in_the_files_order(object_id: str, ordinals: tuple[int, int]) -> None:
    one, other = (schema.record_keys(object_id, ordinal) for ordinal in ordinals)
    assert (one < other) is (ordinals[0] < ordinals[1])


@pytest.mark.property
@given(one=object_ids, other=object_ids, ordinal=st.integers(0, 10**6))
def test_two_objects_share_no_row(one: str, other: str, ordinal: int) -> None:
    if one != other:
        assert schema.record_keys(one, ordinal)[0] != schema.record_keys(other, ordinal)[0]
        assert schema.object_partition_key(one) != schema.object_partition_key(other)


def test_hour_of_one_state_is_spread_over_all_shards() -> None:
    keys = {schema.state_hour(schema.COMPLETED, "2026-01-31T12", f"{number:08x}" + "0" * 56) for number in range(64)}
    assert len(keys) == schema.STATE_INDEX_SHARDS


def test_newest_file_sorts_last() -> None:
    moments = ["2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z"]
    orders = [schema.newest_last(moment, object_id) for moment, object_id in zip(moments, "cba", strict=True)]
    assert orders == sorted(orders)


def test_region_owned_row_has_its_region_in_its_key() -> None:
    region = "eu-central-1"
    assert schema.attempt_sort_key(region).endswith(region)
    assert schema.upload_sort_key(region).endswith(region)
    assert schema.health_partition_key(region).endswith(region)
    assert schema.heartbeat_partition_key(region).endswith(region)
    assert schema.digest_partition_key(region).endswith(region)
    assert schema.observer_partition_key(region).endswith(region)


@pytest.mark.property
@given(object_id=object_ids)
def test_shards_of_an_hour_hold_all_its_objects(object_id: str) -> None:
    keys = {schema.state_hour_shard(schema.COMPLETED, "2026-01-31T12", n) for n in range(schema.STATE_INDEX_SHARDS)}
    assert schema.state_hour(schema.COMPLETED, "2026-01-31T12", object_id) in keys
    assert len(keys) == schema.STATE_INDEX_SHARDS
    assert object_id[0] in schema.DIGEST_PREFIXES


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
