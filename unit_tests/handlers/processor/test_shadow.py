"""The passive region: waits, notes once that it waits too long, and never drops what it waits for."""

import time
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock, call

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.archive import Archive
from handlers.processor.messages import OVERDUE_NOTED
from handlers.processor.own_queue import OwnQueue
from handlers.processor.shadow import Shadow
from handlers.processor.telemetry import Telemetry
from unit_tests.handlers.processor.messages_of_sqs import message

MAXIMUM_AGE = 3600
A_WHILE = 60
"""Seconds that a test may take on a busy machine."""

ages = st.integers(-3600, 15 * 86_400).filter(lambda age: not -A_WHILE <= age - MAXIMUM_AGE <= 0)


def shadow() -> Any:  # noqa: ANN401 - the shadow and all that it calls
    """Return a shadow and what it was given, in `calls` in the order that it used them."""
    calls = Mock()
    calls.own_queue, calls.archive, calls.telemetry = Mock(spec=OwnQueue), Mock(spec=Archive), Mock(spec=Telemetry)
    return SimpleNamespace(
        calls=calls,
        shadow=Shadow(
            own_queue=calls.own_queue,
            delay_seconds=15,
            maximum_age_seconds=MAXIMUM_AGE,
            archive=calls.archive,
            telemetry=calls.telemetry,
        ),
    )


def first_seen(seconds_ago: float) -> int:
    return int((time.time() - seconds_ago) * 1000)


@pytest.mark.property
@given(age=ages, is_noted=st.booleans())
def test_whatever_its_age_it_is_put_back(age: int, is_noted: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    one = shadow()
    noted = {OVERDUE_NOTED: {"StringValue": "1", "DataType": "Number"}} if is_noted else {}
    received = message(sent=first_seen(age), **noted)
    one.shadow.put_back(received, received.objects("s"))
    is_overdue = age > MAXIMUM_AGE
    assert one.calls.own_queue.put_back.mock_calls == [call(received, delay_seconds=15, is_overdue_noted=is_overdue)]
    assert one.calls.archive.overdue.called is (is_overdue and not is_noted)
    (measured,) = one.calls.telemetry.shadow_age.call_args.args
    assert measured == pytest.approx(max(0, age), abs=A_WHILE)


def test_what_is_overdue_is_noted_before_it_is_put_back() -> None:
    one = shadow()
    received = message(sent=first_seen(MAXIMUM_AGE + 60))
    one.shadow.put_back(received, received.objects("s"))
    order = [name for name, _, _ in one.calls.mock_calls]
    assert order.index("archive.overdue") < order.index("own_queue.put_back")
    assert call("ShadowOverdue") in one.calls.telemetry.count.mock_calls
    object_id, note = one.calls.archive.overdue.call_args.args
    assert object_id == received.objects("s")[0].object_id
    assert note["object_key"] == "incoming/x.csv"
    assert "waited 3" in note["reason"]


def test_what_cannot_be_noted_is_not_put_back_but_delivered_again() -> None:
    one = shadow()
    one.calls.archive.overdue.side_effect = ConnectionError
    received = message(sent=first_seen(MAXIMUM_AGE + 60))
    with pytest.raises(ConnectionError):
        one.shadow.put_back(received, cast("Any", received.objects("s")))
    assert not one.calls.own_queue.put_back.called
