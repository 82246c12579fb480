"""AWS/SQS metrics, and the periodic evaluation of alarms.

Faithful: ApproximateNumberOfMessagesVisible, ...NotVisible, ...Delayed and ApproximateAgeOfOldestMessage of every
queue, under its QueueName, so that an alarm on a queue's depth or age fires.
Different from AWS: published every second instead of every minute; a region that is down publishes nothing.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, sqs

from local_cloud import regions
from local_cloud.shims import bucket_replication

_EVERY_SECONDS: Final = 1.0
_log: Final = logging.getLogger("local_cloud.metrics")


def install() -> None:
    """Start the publication and the evaluation."""
    threading.Thread(target=_run, name="metrics", daemon=True).start()


def _run() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        try:
            _publish()
            bucket_replication.publish_progress()
            _evaluate()
        except Exception:  # noqa: BLE001  a bad second must not end the clock
            _log.exception("metrics were not published this second")


def _publish() -> None:
    for (account, region, _), queue in list(sqs._queues.to_dict().items()):
        if regions.is_down(region):
            continue
        with request_scope(account, region):
            dimensions = {"QueueName": queue["name"]}
            for name, (value, unit) in _measures(queue).items():
                cloudwatch.record_metric("AWS/SQS", name, value, unit, dimensions)


def _measures(queue: dict[str, Any]) -> dict[str, tuple[float, str]]:
    now = time.time()
    messages = list(queue["messages"])
    waiting = [message for message in messages if message["visible_at"] > now]
    delayed = [message for message in waiting if not message.get("receive_count")]
    oldest = min((message["sent_at"] for message in messages), default=now)
    return {
        "ApproximateNumberOfMessagesVisible": (len(messages) - len(waiting), "Count"),
        "ApproximateNumberOfMessagesNotVisible": (len(waiting) - len(delayed), "Count"),
        "ApproximateNumberOfMessagesDelayed": (len(delayed), "Count"),
        "ApproximateAgeOfOldestMessage": (int(now - oldest), "Seconds"),
    }


def _evaluate() -> None:
    for account, region in {key[:2] for key in cloudwatch._alarms.to_dict()}:
        if not regions.is_down(region):
            with request_scope(account, region):
                cloudwatch._evaluate_all_alarms()
