"""Looking into queues: how much they hold, and which objects their messages are about."""

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
"""SQS asks only some of its servers unless it may wait; the local cloud has one."""


@dataclass(frozen=True)
class Letter:
    """A message of a dead-letter queue that is about an object of this run."""

    region: str
    queue_url: str
    receipt_handle: str
    object_key: str
    body: str = field(default="", repr=False)


def backlog(deployment: Deployment, region: str, queue: str) -> dict[str, int]:
    """Return how many messages a queue (`IngestQueueUrl` for example) holds, by what they are doing."""
    return counts(deployment.client("sqs", region), deployment.regional[region][queue])


def depth(client: Any, url: str) -> int:  # noqa: ANN401 - a boto3 client
    """Return how many messages a queue holds, whatever they are doing."""
    return sum(counts(client, url).values())


def counts(client: Any, url: str) -> dict[str, int]:  # noqa: ANN401 - a boto3 client
    """Return how many messages a queue holds, by what they are doing."""
    held = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return {name: int(held.get(name, 0)) for name in _COUNTS}


def own_letters(deployment: Deployment, region: str, prefixes: tuple[str, ...] = ()) -> list[Letter]:
    """Receive everything in a region's dead-letter queue and return what is about objects of this run.

    All of it is visible again at once; a receipt handle stays good for deleting its message.

    Args:
        deployment: The platform.
        region: Whose queue.
        prefixes: What the keys of this run's objects begin with; the end-to-end run's by default.
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
    """Return the object keys of an S3 event in a message's body; none if it is no S3 event."""
    try:
        records = json.loads(body)["Records"]
        return [unquote_plus(record["s3"]["object"]["key"]) for record in records]
    except (ValueError, KeyError, TypeError):
        return []
