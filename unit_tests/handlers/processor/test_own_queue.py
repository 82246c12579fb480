"""Test put-backs: a message keeps its body and first-seen time, and its number of put-backs counts up."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.messages import FIRST_SEEN, HOPS, Message, event_body
from handlers.processor.own_queue import OwnQueue
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event, sqs_record


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
