"""`dlq-flood`: the primary's dead-letter queue is full of messages that are not the drill's."""

from __future__ import annotations

import json
from typing import Any, Final

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector
from operations.dead_letters import object_keys

LETTERS: Final = 200
_PER_REQUEST: Final = 10


class DlqFlood(Fault):
    """Messages about objects that do not exist. The drill must not count them as its own losses, and must remove them."""

    name = "dlq-flood"
    title = f"the primary's dead-letter queue holds {LETTERS} foreign messages"

    def inject(self, injector: FaultInjector) -> str:
        """Send the messages, unless they were sent already."""
        sqs, url = _queue(injector)
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        there = int(held["Attributes"]["ApproximateNumberOfMessages"])
        for start in range(min(there, LETTERS), LETTERS, _PER_REQUEST):
            numbers = range(start, min(start + _PER_REQUEST, LETTERS))
            entries = [{"Id": str(number), "MessageBody": _body(injector, number)} for number in numbers]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
        return f"{LETTERS} messages in the dead-letter queue of {injector.target.primary}"

    def heal(self, injector: FaultInjector) -> None:
        """Delete exactly these messages."""
        sqs, url = _queue(injector)
        others: list[str] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages"):
            for message in messages:
                keys = object_keys(message["Body"])
                if keys and all(key.startswith(_prefix(injector)) for key in keys):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                else:
                    others.append(message["ReceiptHandle"])
        for handle in others:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _queue(injector: FaultInjector) -> tuple[Any, str]:
    region = injector.target.primary
    return injector.target.client("sqs", region), injector.deployment.regional[region]["DeadLetterQueueUrl"]


def _prefix(injector: FaultInjector) -> str:
    return f"incoming/flood/{injector.source}/"


def _body(injector: FaultInjector, number: int) -> str:
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": injector.target.primary,
        "s3": {
            "bucket": {"name": injector.deployment.ingest_bucket(injector.target.primary)},
            "object": {"key": f"{_prefix(injector)}{number}", "versionId": f"flood-{number}"},
        },
    }
    return json.dumps({"Records": [record]})
