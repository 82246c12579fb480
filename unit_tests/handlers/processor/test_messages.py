"""What a message tells of: exactly S3's events of this queue, anything else said to be none."""

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
    """Return an event with one thing in its record replaced; None takes it away."""
    event: Any = s3_event()
    *parents, last = path.split(".")
    inner = event["Records"][0]
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    if value is None:
        del inner[last]
    return dict(event)


def test_an_event_says_which_version_of_which_object() -> None:
    (event,) = objects_of(message(s3_event(key="incoming/a b+c/ä.csv", version_id="v2", bucket="ingest")), "from")
    assert (event.key, event.version_id, event.bucket, event.source) == ("incoming/a b+c/ä.csv", "v2", "ingest", "from")


def test_a_message_may_tell_of_several_objects() -> None:
    records = s3_event(key="incoming/a")["Records"] + s3_event(key="incoming/b")["Records"]
    assert [event.key for event in objects_of(message({"Records": records}))] == ["incoming/a", "incoming/b"]


def test_s3s_test_message_tells_of_none() -> None:
    assert message({"Service": "Amazon S3", "Event": "s3:TestEvent"}).objects("s") == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("no JSON", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ([], "no JSON object"),
        ({}, "no Records"),
        ({"Records": []}, "no Records"),
        ({"Records": [1]}, "not as S3 writes it"),
        (changed("eventName", "ObjectRemoved:Delete"), "ObjectRemoved:Delete"),
        (changed("eventName", 1), "no text"),
        (changed("eventTime", None), "eventTime"),
        (changed("s3.bucket", None), "bucket"),
        (changed("s3.bucket.name", ["x"]), "no text"),
        (changed("s3.object.key", "elsewhere/x"), "does not begin with 'incoming/'"),
        (changed("s3.object.key", "incoming/%FF"), "UnicodeDecodeError"),
        (changed("s3.object.key", "incoming/\ud800"), "no text"),
        (changed("s3.object.key", 7), "not as S3 writes it"),
        (changed("s3.object.versionId", None), "versioning"),
        (changed("s3.object.versionId", "null"), "versioning"),
        (changed("s3.object.versionId", "\udc00"), "no text"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(body: object, says: str) -> None:
    try:
        (problem,) = message(body).objects("s")
    except UnreadableError as error:
        problem = error
    assert isinstance(problem, UnreadableError)
    assert says in problem.explanation
    assert problem.fault is Fault.NOT_AN_S3_EVENT


def test_one_foreign_record_does_not_condemn_the_others() -> None:
    foreign = changed("eventName", "ObjectRemoved:Delete")["Records"]
    records = [*s3_event(key="incoming/a")["Records"], *foreign, *s3_event(key="incoming/b")["Records"]]
    received = message({"Records": records})
    assert [event.key for event in objects_of(received)] == ["incoming/a", "incoming/b"]
    assert isinstance(received.objects("s")[1], UnreadableError)
    assert json.loads(objects_of(received)[1].body) == s3_event(key="incoming/b")


@pytest.mark.property
@given(body=st.text() | JSON.map(json.dumps) | st.fixed_dictionaries({"Records": st.lists(JSON)}).map(json.dumps))
def test_no_body_makes_it_fail_in_another_way(body: str) -> None:
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
