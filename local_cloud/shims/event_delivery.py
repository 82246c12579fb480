"""Deliver S3 events and queue messages at least once, late and in no order.

Faithful: an event of S3 is delivered after a heavy-tailed time, sometimes twice; a standard queue returns messages in
another order than they were sent, and sometimes returns a deleted one again. A FIFO queue does neither.
Different from AWS: an event is delivered within seconds, where AWS's may take a minute or longer; the test event of a new
configuration is not delayed.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import time
from typing import Any, Final

from ministack.services import s3, sqs

from local_cloud.hazards import current

_MEDIAN_SECONDS: Final = 0.03
_LONGEST_SECONDS: Final = 5.0


def install() -> None:
    """Delay every delivery of S3, and reorder and repeat the messages of every receipt from a queue."""
    for service in ("sqs", "sns", "lambda"):
        _deliver_at_least_once(f"_deliver_event_to_{service}")
    _receive_at_least_once()


def _deliver_at_least_once(name: str) -> None:
    stock = getattr(s3, name)

    def deliver(arn: str, payload: dict[str, Any], *further: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        # Each event has a thread of its own to wait in; a test event has not.
        if "Records" not in payload:
            stock(arn, payload, *further, **named)
            return
        for _ in range(2 if current.happens("event-duplicates") else 1):
            time.sleep(current.tail("event-delays", "seconds", median=_MEDIAN_SECONDS, longest=_LONGEST_SECONDS))
            stock(arn, payload, *further, **named)

    setattr(s3, name, deliver)


def _receive_at_least_once() -> None:
    stock = sqs._collect_msgs

    def collect(queue: dict[str, Any], most: int, visibility: int) -> list[dict[str, Any]]:
        if queue["is_fifo"]:
            in_order: list[dict[str, Any]] = stock(queue, most, visibility)
            return in_order
        messages = list(queue["messages"])
        if current.happens("message-order"):
            current.dice("message-order").shuffle(messages)
        received: list[dict[str, Any]] = stock({**queue, "messages": messages}, most, visibility)
        for message in received:
            if current.happens("message-duplicates"):
                # The copy of a server that did not hear of the receipt, and will not hear of the deletion.
                visible_at = time.time() + current.dice("message-duplicates").uniform(0, _LONGEST_SECONDS)
                queue["messages"].append({**message, "receipt_handle": None, "visible_at": visible_at})
        return received

    sqs._collect_msgs = collect
