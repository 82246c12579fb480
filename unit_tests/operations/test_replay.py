"""Events of every version under a prefix except canaries are sent to one region, and a failure reports the progress."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest

from handlers.processor.messages import Message, ObjectEvent
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.replay import Span, send_events
from operations.target import Target

EAST = "us-east-1"
KEYS = [*(f"incoming/a b+ü/{number}.csv" for number in range(12)), "incoming/uploads/canary/x/y/z", "incoming/other.csv"]


@pytest.fixture
def deployment(target: Target) -> Deployment:
    s3 = boto3.client("s3", region_name=EAST)
    s3.create_bucket(Bucket="ingest")
    s3.put_bucket_versioning(Bucket="ingest", VersioningConfiguration={"Status": "Enabled"})
    for key in [*KEYS, KEYS[0]]:
        s3.put_object(Bucket="ingest", Key=key, Body=b"x")
    url = boto3.client("sqs", region_name=EAST).create_queue(QueueName="queue")["QueueUrl"]
    return Deployment(target, {EAST: {"IngestBucketName": "ingest", "IngestQueueUrl": url}}, {}, {})


def received(deployment: Deployment) -> list[Message]:
    """Return the messages of the queue as the processor reads them."""
    sqs: Any = boto3.client("sqs", region_name=EAST)
    url, found = deployment.regional[EAST]["IngestQueueUrl"], []
    while answer := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
        for one in answer:
            attributes = {
                name: {"stringValue": value["StringValue"]} for name, value in one.get("MessageAttributes", {}).items()
            }
            system = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
            record = {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "attributes": system,
                "messageAttributes": attributes,
            }
            found.append(Message.from_record(record))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return found


@pytest.mark.parametrize(("prefix", "count"), [("incoming/a b+ü/", 13), ("incoming/", 14), ("incoming/nothing", 0)])
@pytest.mark.parametrize("reprocess", [True, False])
def test_every_version_under_a_prefix_is_sent_but_no_canary(
    deployment: Deployment, prefix: str, count: int, *, reprocess: bool
) -> None:
    progress: list[int] = []
    assert send_events(deployment, EAST, prefix, reprocess=reprocess, sent_so_far=progress.append) == count
    assert progress[-1:] == [count][: len(progress)]
    messages = received(deployment)
    assert len(messages) == count
    events = [event for message in messages for event in message.objects("ingest", "ingest")]
    assert all(isinstance(event, ObjectEvent) for event in events)
    assert len({(event.key, event.version_id) for event in events if isinstance(event, ObjectEvent)}) == count
    assert all(message.must_reprocess == reprocess and not message.must_verify for message in messages)


def test_refusing_queue_is_reported_with_progress(deployment: Deployment) -> None:
    deployment.regional[EAST]["IngestQueueUrl"] += "-absent"
    with pytest.raises(RunFailure, match="failed") as failure:
        send_events(deployment, EAST, "incoming/", reprocess=True)
    assert "0 messages were sent" in str(failure.value.hint)


def test_span_leaves_out_versions_of_other_times(deployment: Deployment) -> None:
    at = boto3.client("s3", region_name=EAST).head_object(Bucket="ingest", Key=KEYS[-1])["LastModified"]
    send = partial(send_events, deployment, EAST, KEYS[-1], reprocess=False)
    assert send(span=Span(since=at, until=at + timedelta(seconds=1))) == 1
    assert send(span=Span(until=at)) == send(span=Span(since=at + timedelta(seconds=1))) == 0
