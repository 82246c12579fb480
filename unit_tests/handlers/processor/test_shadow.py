"""Test the passive region: it puts messages back, and sends an overdue one to the dead-letter queue with the reason."""

import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.archive import Archive
from handlers.processor.errors import Fault
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.shadow import Shadow
from handlers.processor.store import Ledger
from handlers.processor.telemetry import Telemetry
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of

MAXIMUM_AGE = 3600
A_WHILE = 60
"""Seconds that a test may take on a busy machine."""

ages = st.integers(-3600, 15 * 86_400).filter(lambda age: not -A_WHILE <= age - MAXIMUM_AGE <= 0)


def shadow() -> Any:  # noqa: ANN401 - the shadow and all that it calls
    """Return a shadow and its collaborators; `calls` has their calls in order."""
    calls = Mock()
    calls.own_queue, calls.archive, calls.telemetry = Mock(spec=OwnQueue), Mock(spec=Archive), Mock(spec=Telemetry)
    calls.ledger, calls.dead_letters = Mock(spec=Ledger), Mock(spec=DeadLetters)
    return SimpleNamespace(
        calls=calls,
        shadow=Shadow(
            own_queue=calls.own_queue,
            ledger=calls.ledger,
            delay_seconds=15,
            maximum_age_seconds=MAXIMUM_AGE,
            archive=calls.archive,
            dead_letters=calls.dead_letters,
            telemetry=calls.telemetry,
        ),
    )


def first_seen(seconds_ago: float) -> int:
    return int((time.time() - seconds_ago) * 1000)


@pytest.mark.property
@given(age=ages)
def test_shadow_puts_back_or_sends_a_dead_letter_by_age(age: int) -> None:
    one = shadow()
    received = message(sent=first_seen(age))
    (event,) = objects_of(received)
    one.shadow.put_back(received, event, 0)
    is_overdue = age > MAXIMUM_AGE
    assert one.calls.own_queue.put_back.mock_calls == ([] if is_overdue else [call(received, event, delay_seconds=15)])
    assert one.calls.dead_letters.send.called is one.calls.archive.overdue.called is is_overdue
    (measured,) = one.calls.telemetry.shadow_age.call_args.args
    assert measured == pytest.approx(max(0, age), abs=A_WHILE)


def test_overdue_message_is_archived_before_its_dead_letter() -> None:
    one = shadow()
    received = message(sent=first_seen(MAXIMUM_AGE + 60))
    one.shadow.put_back(received, objects_of(received)[0], 0)
    order = [name for name, _, _ in one.calls.mock_calls]
    assert order.index("archive.overdue") < order.index("dead_letters.send")
    assert call("ShadowOverdue") in one.calls.telemetry.count.mock_calls
    object_id, note = one.calls.archive.overdue.call_args.args
    assert object_id == objects_of(received)[0].object_id
    assert note["object_key"] == "incoming/x.csv"
    assert "waited 3" in note["reason"]
    (sent, problem, identity) = one.calls.dead_letters.send.call_args.args
    assert (sent, problem.fault, identity) == (received, Fault.OVERDUE, object_id)


def test_overdue_message_that_cannot_be_archived_is_redelivered() -> None:
    one = shadow()
    one.calls.archive.overdue.side_effect = ConnectionError
    received = message(sent=first_seen(MAXIMUM_AGE + 60))
    with pytest.raises(ConnectionError):
        one.shadow.put_back(received, objects_of(received)[0], 0)
    assert not one.calls.own_queue.put_back.called
    assert not one.calls.dead_letters.send.called


@pytest.mark.parametrize("hops", [0, 3, 7, 8, 15])
def test_every_eighth_put_back_is_noted_once_it_was_sent(hops: int) -> None:
    one = shadow()
    received = message(sent=first_seen(0), hops={"StringValue": str(hops), "DataType": "Number"})
    one.shadow.put_back(received, objects_of(received)[0], 0)
    order = [name for name, _, _ in one.calls.mock_calls if not name.startswith("telemetry")]
    noted = ["ledger.note_put_backs"] if (hops + 1) % 8 == 0 else []
    assert order == ["own_queue.put_back", *noted]


@pytest.mark.parametrize(("hops", "known", "is_dropped"), [(0, 0, False), (7, 8, True), (8, 8, False), (0, 16, True)])
def test_a_copy_older_than_one_on_the_queue_is_dropped(hops: int, known: int, is_dropped: bool) -> None:  # noqa: FBT001
    one = shadow()
    received = message(sent=first_seen(0), hops={"StringValue": str(hops), "DataType": "Number"})
    one.shadow.put_back(received, objects_of(received)[0], known)
    assert one.calls.own_queue.put_back.called is not is_dropped
    assert not one.calls.dead_letters.send.called
