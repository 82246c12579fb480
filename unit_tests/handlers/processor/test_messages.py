"""Test messages: S3's events of this queue name objects; every other body is refused with the reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.errors import Fault, UnreadableError
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def changed(path: str, value: object) -> dict[str, Any]:
    """Return an event with one field of its record replaced; None removes the field."""
    event: Any = s3_event()
    *parents, last = path.split(".")
    inner = event["Records"][0]
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    if value is None:
        del inner[last]
    return dict(event)


def test_message_gives_key_version_bucket_and_source() -> None:
    (event,) = objects_of(message(s3_event(key="incoming/a b+c/ä.csv", version_id="v2", bucket="ingest")), "from")
    assert (event.key, event.version_id, event.bucket, event.source) == ("incoming/a b+c/ä.csv", "v2", "ingest", "from")


def test_message_of_several_records_gives_several_objects() -> None:
    records = s3_event(key="incoming/a")["Records"] + s3_event(key="incoming/b")["Records"]
    assert [event.key for event in objects_of(message({"Records": records}))] == ["incoming/a", "incoming/b"]


def test_message_of_s3s_test_event_gives_no_object() -> None:
    assert message({"Service": "Amazon S3", "Event": "s3:TestEvent"}).objects("s", "ingest") == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("no JSON", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "not a JSON object"),
        ({}, "no Records"),
        ({"Records": []}, "no Records"),
        ({"Records": [1]}, "lacks a field that S3 writes"),
        (changed("eventName", "ObjectRemoved:Delete"), "ObjectRemoved:Delete"),
        (changed("eventName", 1), "not text"),
        (changed("eventTime", None), "eventTime"),
        (changed("s3.bucket", None), "bucket"),
        (changed("s3.bucket.name", ["x"]), "not text"),
        (changed("s3.object.key", "elsewhere/x"), "does not begin with 'incoming/'"),
        (changed("s3.object.key", "incoming/%FF"), "UnicodeDecodeError"),
        (changed("s3.object.key", "incoming/\ud800"), "not text"),
        (changed("s3.object.key", 7), "lacks a field that S3 writes"),
        (changed("s3.object.versionId", None), "versioning"),
        (changed("s3.object.versionId", "null"), "versioning"),
        (changed("s3.object.versionId", "\udc00"), "not text"),
    ],
)
def test_message_that_is_no_s3_event_is_refused_with_the_reason(body: object, says: str) -> None:
    try:
        (problem,) = message(body).objects("s", "ingest")
    except UnreadableError as error:
        problem = error
    assert isinstance(problem, UnreadableError)
    assert says in problem.explanation
    assert problem.fault is Fault.NOT_AN_S3_EVENT


def test_foreign_record_is_refused_and_the_others_are_kept() -> None:
    foreign = changed("eventName", "ObjectRemoved:Delete")["Records"]
    records = [*s3_event(key="incoming/a")["Records"], *foreign, *s3_event(key="incoming/b")["Records"]]
    received = message({"Records": records})
    assert [event.key for event in objects_of(received)] == ["incoming/a", "incoming/b"]
    assert isinstance(received.objects("s", "ingest")[1], UnreadableError)
    assert json.loads(objects_of(received)[1].body) == s3_event(key="incoming/b")


@pytest.mark.property
@given(body=st.text() | JSON.map(json.dumps) | st.fixed_dictionaries({"Records": st.lists(JSON)}).map(json.dumps))
def test_message_of_any_body_raises_only_unreadable_error(body: str) -> None:
    try:
        events = objects_of(message(body))
    except UnreadableError:
        return
    assert all(event.object_id for event in events)


@pytest.mark.parametrize("text", ["", "x", "-1", "1" * 20, "\uff11\uff12"])
def test_an_attribute_that_is_no_number_counts_as_absent(text: str) -> None:
    received = message(sent=5, first_seen={"StringValue": text, "dataType": "Number", "DataType": "Number"})
    assert received.first_seen == 5


def test_a_message_of_no_object_has_the_same_identity_each_time() -> None:
    assert message("x", receives=1).message_identity == message("x", receives=2).message_identity
