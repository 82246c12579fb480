"""`dlq-flood`: the primary's dead-letter queue is full of other people's trouble."""

from __future__ import annotations

import json
from typing import Any, Final

from drill.faults.fault import Fault
from drill.targets.fault_injector import Powers
from operations.queues import object_keys

LETTERS: Final = 200
_PER_REQUEST: Final = 10


class DlqFlood(Fault):
    """Messages of objects that never were; the drill must tell them from its own losses, and leave no other behind."""

    name = "dlq-flood"
    title = f"the primary's dead-letter queue holds {LETTERS} messages of others"

    def inject(self, powers: Powers) -> str:
        """Send the messages, unless they are there."""
        sqs, url = _queue(powers)
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        there = int(held["Attributes"]["ApproximateNumberOfMessages"])
        for start in range(min(there, LETTERS), LETTERS, _PER_REQUEST):
            numbers = range(start, min(start + _PER_REQUEST, LETTERS))
            entries = [{"Id": str(number), "MessageBody": _body(powers, number)} for number in numbers]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
        return f"{LETTERS} messages in the dead-letter queue of {powers.target.primary}"

    def heal(self, powers: Powers) -> None:
        """Take exactly these messages out again."""
        sqs, url = _queue(powers)
        others: list[str] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages"):
            for message in messages:
                keys = object_keys(message["Body"])
                if keys and all(key.startswith(_prefix(powers)) for key in keys):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                else:
                    others.append(message["ReceiptHandle"])
        for handle in others:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _queue(powers: Powers) -> tuple[Any, str]:
    region = powers.target.primary
    return powers.target.client("sqs", region), powers.deployment.regional[region]["DeadLetterQueueUrl"]


def _prefix(powers: Powers) -> str:
    return f"incoming/flood/{powers.source}/"


def _body(powers: Powers, number: int) -> str:
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": powers.target.primary,
        "s3": {
            "bucket": {"name": powers.deployment.ingest_bucket(powers.target.primary)},
            "object": {"key": f"{_prefix(powers)}{number}", "versionId": f"flood-{number}"},
        },
    }
    return json.dumps({"Records": [record]})
