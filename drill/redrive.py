"""Redriving: dead letters about the drill's own objects go back to the queue that they died in."""

from __future__ import annotations

from drill.context import Context
from drill.proof import Scope
from operations.queues import own_letters as find_letters


def own_letters(context: Context) -> int:
    """Send each such letter back and delete it; return how many. Delivered twice it does nothing twice."""
    deployment = context.deployment
    sent = 0
    for region in context.target.regions:
        client = deployment.client("sqs", region)
        for letter in find_letters(deployment, region, Scope(context.plan.source).prefixes):
            client.send_message(QueueUrl=deployment.regional[region]["IngestQueueUrl"], MessageBody=letter.body)
            client.delete_message(QueueUrl=letter.queue_url, ReceiptHandle=letter.receipt_handle)
            sent += 1
    if sent:
        context.note(f"{sent} dead letters about the drill's own objects were sent back to their queues", level="warning")
    return sent
