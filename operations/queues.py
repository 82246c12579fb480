"""Read queues: the number of their messages, and the objects that the messages are about."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

from operations.deployment import Deployment
from operations.target import Mode

_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_HIDDEN_SECONDS: Final = 60
_WAIT_SECONDS: Final = {Mode.LOCAL: 0, Mode.LIVE: 2}
"""Wait time of a receive. Without a wait SQS asks only some of its servers; the local cloud has one."""


@dataclass(frozen=True)
class Letter:
    """A message of a dead-letter queue about an object of this run."""

    region: str
    queue_url: str
    receipt_handle: str
    object_key: str
    body: str = field(default="", repr=False)


def backlog(deployment: Deployment, region: str, queue: str) -> dict[str, int]:
    """Return the number of messages of a queue (for example `IngestQueueUrl`), by SQS's attribute."""
    return counts(deployment.client("sqs", region), deployment.regional[region][queue])


def depth(client: Any, url: str) -> int:  # noqa: ANN401 - a boto3 client
    """Return the number of all messages of a queue: visible, in flight and delayed."""
    return sum(counts(client, url).values())


def counts(client: Any, url: str) -> dict[str, int]:  # noqa: ANN401 - a boto3 client
    """Return the number of messages of a queue, by SQS's attribute."""
    held = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return {name: int(held.get(name, 0)) for name in _COUNTS}


def own_letters(deployment: Deployment, region: str, prefixes: tuple[str, ...] = ()) -> list[Letter]:
    """Receive all messages of a region's dead-letter queue and return those about objects of this run.

    All messages become visible again at once; the receipt handles stay valid for a deletion.

    Args:
        deployment: The platform.
        region: The region of the queue.
        prefixes: Key prefixes of this run's objects; by default those of the end-to-end run.
    """
    target = deployment.target
    own = prefixes or (target.object_prefix, target.upload_prefix)
    client: Any = deployment.client("sqs", region)
    url = deployment.regional[region]["DeadLetterQueueUrl"]
    ours: list[Letter] = []
    received: list[str] = []
    deadline = time.monotonic() + _HIDDEN_SECONDS / 2
    while time.monotonic() < deadline:
        messages = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS[target.mode],
        ).get("Messages", [])
        if not messages:
            break
        for message in messages:
            received.append(message["ReceiptHandle"])
            keys = object_keys(message["Body"])
            if keys and all(key.startswith(own) for key in keys):
                ours += [Letter(region, url, message["ReceiptHandle"], key, message["Body"]) for key in keys]
    for handle in received:
        client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return ours


def object_keys(body: str) -> list[str]:
    """Return the object keys of an S3 event in a message's body; none if the body is not an S3 event."""
    try:
        records = json.loads(body)["Records"]
        return [unquote_plus(record["s3"]["object"]["key"]) for record in records]
    except (ValueError, KeyError, TypeError):
        return []
