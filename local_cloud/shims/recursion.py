"""Recursion detection: stop a function that sends to its own queue at the 16th hop, unless RecursiveLoop is Allow.

Faithful: an invocation's SDK calls pass its lineage to the messages that they send (SendMessage, batches, and S3 events),
and each message passes it to its invocation; a message whose hop is 16 or more does not invoke a function with RecursiveLoop
Terminate: it goes to the queue's dead-letter queue, and RecursiveInvocationsDropped counts it.
Different from AWS: it counts the hops of a chain through any functions; AWS counts the passes of one function. A queue
without a dead-letter queue loses the message, as on AWS.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextvars
import json
import logging
from typing import Any, Final

from ministack.services import cloudwatch, lambda_svc, sqs

LAST_HOP: Final = 16
HEADER: Final = b"x-ministack-invoke-depth"
_depth: Final[contextvars.ContextVar[int]] = contextvars.ContextVar("lineage_depth", default=0)
_log: Final = logging.getLogger("local_cloud.recursion")


def install() -> None:
    """Pass the lineage through queues, and stop loops."""
    _mark_messages()
    _stop_loops()


def remember(headers: list[tuple[bytes, bytes]]) -> None:
    """Record the depth of the invocation that sends a request, from the header of the worker's SDK."""
    value = next((value for name, value in headers if name.lower() == HEADER), b"0")
    _depth.set(int(value) if value.isdigit() else 0)


class _SystemAttributes(dict[str, Any]):
    """The system attributes of a new message, and its hop.

    A message can be received as soon as it is in its queue, so it must have its hop before that.
    """

    hop = 0


def _mark_messages() -> None:
    stock_note, stock_complete = sqs._build_send_sys_attrs, sqs._ensure_msg_fields

    def note(*arguments: Any) -> _SystemAttributes:  # noqa: ANN401  handed on as they are
        attributes = _SystemAttributes(stock_note(*arguments))
        attributes.hop = _depth.get()
        return attributes

    def complete(message: dict[str, Any]) -> None:
        """Complete a message. S3 and SNS call this for each message they create, ReceiveMessage for each one it returns."""
        message.setdefault("hop", getattr(message.get("sys"), "hop", _depth.get()))
        stock_complete(message)

    sqs._build_send_sys_attrs = note
    sqs._ensure_msg_fields = complete


def _hop(message: dict[str, Any]) -> int:
    hop: int = message.get("hop", getattr(message.get("sys"), "hop", 0))
    return hop


def _stop_loops() -> None:
    stock = lambda_svc._run_sqs_batch

    def run(
        mapping: dict[str, Any],
        function: dict[str, Any],
        event: dict[str, Any],
        batch: list[dict[str, Any]],
        url: str,
        name: str,
    ) -> None:
        looping = [] if function.get("recursive_loop") == "Allow" else [m for m in batch if _hop(m) >= LAST_HOP]
        if looping:
            _stop(function, looping, url)
            stopped = {message["id"] for message in looping}
            batch = [message for message in batch if message["id"] not in stopped]
            event = {"Records": [record for record in event["Records"] if record["messageId"] not in stopped]}
        if not event["Records"]:
            return
        depth = 1 + max(map(_hop, batch), default=0)
        lambda_svc._invoke_depth.set(depth)
        stock(mapping, function, event, batch, url, name)

    lambda_svc._run_sqs_batch = run


def _stop(function: dict[str, Any], messages: list[dict[str, Any]], url: str) -> None:
    name = function["config"]["FunctionName"]
    _log.warning("recursive loop: %s was not invoked for %d messages at hop %d", name, len(messages), LAST_HOP)
    cloudwatch.record_metric("AWS/Lambda", "RecursiveInvocationsDropped", len(messages), "Count", {"FunctionName": name})
    with sqs._queues_lock:
        queue = sqs._queues[url]
        identities = {message["id"] for message in messages}
        for message in queue["messages"]:
            if message["id"] in identities:
                # The sweep moves what has been received often enough and is visible.
                message["receive_count"] = max(message["receive_count"], _maximum_receives(queue))
                message["visible_at"] = 0
        sqs._dlq_sweep(queue)
        queue["messages"] = [message for message in queue["messages"] if message["id"] not in identities]


def _maximum_receives(queue: dict[str, Any]) -> int:
    policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
    return int(policy.get("maxReceiveCount", 0))
