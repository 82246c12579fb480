"""Test dead letters: the unchanged message, and its reason in attributes that SQS accepts."""

from unittest.mock import Mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.dead_letters import DeadLetters
from handlers.processor.errors import Fault, UnreadableError
from unit_tests.handlers.processor.messages_of_sqs import message


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
