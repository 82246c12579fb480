"""Test messages: S3's events name objects; a message is put back, becomes a dead letter, or waits for the deadline."""

import json
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.deadline import Deadline, OutOfTimeError
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.messages import FIRST_SEEN, HOPS, Message, event_body
from handlers.processor.own_queue import DeadLetters, OwnQueue
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event, sqs_record

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


class Queue:
    """Keeps the last message that was sent; `receive` returns it as Lambda would, with a new timestamp of SQS."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}
        self.error: Exception | None = None

    def send_message(self, **request: Any) -> None:  # noqa: ANN401 - boto3's arguments
        self.sent = request

    def change_message_visibility(self, **request: Any) -> None:  # noqa: ANN401 - boto3's arguments
        self.sent = request
        if self.error:
            raise self.error

    def receive(self, *, sent: int) -> Message:
        return Message.from_record(sqs_record(self.sent["MessageBody"], sent=sent, **self.sent["MessageAttributes"]))


def put_back(queue: Queue, received: Message, **more: Any) -> None:  # noqa: ANN401 - as of put_back
    OwnQueue(sqs=cast("Any", queue), queue_url="https://queue").put_back(
        received, objects_of(received)[0], **({"delay_seconds": 15} | more)
    )


@pytest.mark.property
@given(
    key=st.text(st.characters(codec="utf-8"), max_size=30).map("incoming/".__add__),
    sent=st.integers(0, 10**13),
    later=st.lists(st.integers(0, 10**13), min_size=1, max_size=20),
)
def test_first_seen_and_hops_survive_every_round(key: str, sent: int, later: list[int]) -> None:
    queue = Queue()
    received = first = message(s3_event(key=key), sent=sent)
    for hops, moment in enumerate(later, start=1):
        put_back(queue, received)
        received = queue.receive(sent=moment)
        assert (received.first_seen, received.hops) == (sent, hops)
        assert received.body == first.body
        assert objects_of(received)[0].object_id == objects_of(first)[0].object_id


def test_an_event_sent_again_names_its_object_and_asks_to_verify() -> None:
    queue = Queue()
    body = event_body("ingest", "incoming/a b+ü.csv", "v1", "2026-01-01T00:00:00.000Z")
    OwnQueue(sqs=cast("Any", queue), queue_url="https://queue").send(body, first_seen=12.5, put_backs=16)
    received = queue.receive(sent=99)
    assert (received.first_seen, received.hops, received.must_verify) == (12_500, 16, True)
    (event,) = objects_of(received)
    assert (event.bucket, event.key, event.version_id) == ("ingest", "incoming/a b+ü.csv", "v1")
    put_back(queue, received)
    assert not queue.receive(sent=99).must_verify, "it is unsettled by now, and looked at in any case"


@pytest.mark.parametrize("flags", [(), ("verify",), ("reprocess",), ("continued",), ("verify", "reprocess")])
@pytest.mark.parametrize(("receives", "has_written"), [(1, False), (1, True), (2, False)])
def test_message_for_the_next_invocation_asks_for_the_same(
    flags: tuple[str, ...], receives: int, *, has_written: bool
) -> None:
    queue = Queue()
    attributes = {name: {"StringValue": "1", "DataType": "Number"} for name in flags}
    received = message(s3_event(key="incoming/x"), sent=7, receives=receives, **attributes)
    own_queue = OwnQueue(sqs=cast("Any", queue), queue_url="https://queue")
    own_queue.continue_later(received, objects_of(received)[0], has_written=has_written)
    again = queue.receive(sent=99)
    assert (queue.sent["DelaySeconds"], again.first_seen, again.hops) == (0, 7, 1)
    assert (again.must_verify, again.must_reprocess) == ("verify" in flags, "reprocess" in flags)
    assert again.is_continued is ("continued" in flags or receives > 1 or has_written)


def test_put_back_sends_to_the_own_queue_with_the_delay() -> None:
    queue = Queue()
    put_back(queue, message(sent=7), delay_seconds=900)
    assert (queue.sent["QueueUrl"], queue.sent["DelaySeconds"]) == ("https://queue", 900)
    attributes = {name: one["StringValue"] for name, one in queue.sent["MessageAttributes"].items()}
    assert attributes == {FIRST_SEEN: "7", HOPS: "1"}


@pytest.mark.parametrize(("receives", "seconds"), [(1, 10), (2, 60), (3, 360), (4, None), (5, None)])
def test_failed_message_is_held_back_for_seconds_that_grow(receives: int, seconds: int | None) -> None:
    queue = Queue()
    OwnQueue(sqs=cast("Any", queue), queue_url="https://queue").hold_back(message(receives=receives))
    assert queue.sent.get("VisibilityTimeout") == seconds


def test_failed_message_without_permission_keeps_its_visibility_timeout() -> None:
    queue = Queue()
    queue.error = ClientError({"Error": {"Code": "AccessDenied"}}, "ChangeMessageVisibility")
    OwnQueue(sqs=cast("Any", queue), queue_url="https://queue").hold_back(message())
    assert queue.sent["VisibilityTimeout"] == 10


@pytest.mark.property
@given(explanation=st.text(max_size=2000), body=st.text(min_size=1))
@example(explanation="", body="x")
@example(explanation="\0\ud800\uffff" + "é" * 2000, body="x")
def test_dead_letter_of_any_reason_is_accepted_by_sqs(explanation: str, body: str) -> None:
    sqs = Mock()
    received = message(body)
    DeadLetters(sqs=sqs, queue_url="https://dlq", region="us-east-1").send(
        received, UnreadableError(Fault.BAD_HEADER, explanation), "ab" * 32
    )
    request = sqs.send_message.call_args.kwargs
    assert request["MessageBody"] == body
    texts = {name: one["StringValue"] for name, one in request["MessageAttributes"].items()}
    assert (texts["fault"], texts["object_id"], texts["region"]) == ("bad_header", "ab" * 32, "us-east-1")
    assert all(0 < len(text) <= 1000 for text in texts.values())
    assert all(text.isprintable() and text.encode() for text in texts.values())


@pytest.mark.property
@given(seconds=st.floats(0.1, 900))
def test_deadline_allows_the_first_object_of_a_batch(seconds: float) -> None:
    assert not Deadline(lambda: seconds).is_too_late_to_begin


def test_deadline_with_a_quarter_left_begins_nothing() -> None:
    left = 300.0
    deadline = Deadline(lambda: left)
    left = 76.0
    assert not deadline.is_too_late_to_begin
    left = 74.0
    assert deadline.is_too_late_to_begin


def test_deadline_check_passes_while_more_than_the_reserve_is_left() -> None:
    left = 5.0
    deadline = Deadline(lambda: left)
    deadline.check("x", reserved_seconds=5)
    left = 4.9
    with pytest.raises(OutOfTimeError, match="the function's time ends before the object is read"):
        deadline.check("the object is read", reserved_seconds=5)
