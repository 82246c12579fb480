"""Build messages in the form of SQS and S3."""

import json
from typing import Any
from urllib.parse import quote_plus

from handlers.processor.messages import Message, ObjectEvent


def s3_event(
    *,
    key: str = "incoming/x.csv",
    version_id: str = "v1",
    bucket: str = "ingest",
    region: str = "us-east-1",
    etag: str = "e",
    time: str = "2026-01-31T12:00:00.000Z",
) -> dict[str, Any]:
    """Return S3's notification of an object that was created."""
    return {
        "Records": [
            {
                "awsRegion": region,
                "eventTime": time,
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": bucket},
                    "object": {"key": quote_plus(key, safe="/"), "eTag": etag, "versionId": version_id},
                },
            }
        ]
    }


def sqs_record(body: object, *, receives: int = 1, sent: int = 1_000_000, **attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a message as Lambda passes it; `attributes` are its message attributes."""
    return {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": str(sent)},
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]} for name, value in attributes.items()
        },
    }


def message(body: object | None = None, **more: Any) -> Message:  # noqa: ANN401 - as of sqs_record
    """Return a message with the given body, or with the event of one object."""
    return Message.from_record(sqs_record(s3_event() if body is None else body, **more))


def objects_of(received: Message, source: str = "s", bucket: str = "ingest") -> list[ObjectEvent]:
    """Return the objects that a message names."""
    return [one for one in received.objects(source, bucket) if isinstance(one, ObjectEvent)]
