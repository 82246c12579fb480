"""Read the number of messages of queues."""

from __future__ import annotations

from typing import Any, Final

from operations.deployment import Deployment

_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


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
