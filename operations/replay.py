"""Send the events of stored objects to the active region's queue again: to replay lost events, or to reprocess objects.

A replayed event is like S3's own: an object that has a RESULT stays as it is. With `reprocess` the processor also writes an
object's records again if another processing version wrote them; it then replaces RESULT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployment
from operations.errors import RunFailure

_CANARIES: Final = "incoming/uploads/canary/"
_A_BATCH: Final = 10
"""Maximum number of messages in one request to SQS."""


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """A span of time, from `since` on and before `until`."""

    since: datetime = _FIRST
    until: datetime = _LAST


def send_events(  # noqa: PLR0913 - what to send, and how
    deployment: Deployment,
    region: str,
    prefix: str,
    *,
    reprocess: bool,
    span: Span = Span(),
    sent_so_far: Callable[[int], None] = lambda _count: None,
) -> int:
    """Send the event of every version of every object under a prefix; return their number.

    Args:
        deployment: The platform.
        region: The active region.
        prefix: Prefix of the keys; canaries are left out.
        reprocess: Whether to process again what another processing version processed.
        span: Leaves out versions that S3 stored at another time.
        sent_so_far: Called with the number of messages sent so far, after each batch.

    Raises:
        RunFailure: The bucket or the queue refused or did not answer. A second call sends everything again; nothing is
            processed twice.
    """
    sqs: Any = deployment.client("sqs", region)
    sent, marked = 0, _REPROCESS if reprocess else {}
    try:
        bodies = _bodies(deployment, region, prefix, span)
        while batch := list(islice(bodies, _A_BATCH)):
            entries = [{"Id": str(number), "MessageBody": body, **marked} for number, body in enumerate(batch)]
            answer = sqs.send_message_batch(QueueUrl=deployment.regional[region]["IngestQueueUrl"], Entries=entries)
            if answer.get("Failed"):
                raise RunFailure(
                    f"The ingest queue of {region} rejected {len(answer['Failed'])} messages: "
                    f"{answer['Failed'][0].get('Message', answer['Failed'][0]['Code'])}",
                    hint=f"{sent} messages were sent before. Run the same command again: nothing is processed twice.",
                )
            sent += len(entries)
            sent_so_far(sent)
    except (ClientError, BotoCoreError) as error:
        raise RunFailure(
            f"Sending the objects under {prefix} in {region} failed: {error}",
            hint=f"{sent} messages were sent before. Run the same command again: nothing is processed twice.",
        ) from error
    return sent


_REPROCESS: Final = {"MessageAttributes": {"reprocess": {"DataType": "Number", "StringValue": "1"}}}


def _bodies(deployment: Deployment, region: str, prefix: str, span: Span) -> Iterator[str]:
    """Yield a message body for each version, in the form of S3's event."""
    bucket = deployment.ingest_bucket(region)
    pages = deployment.client("s3", region).get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for version in page.get("Versions", []):
            if version["Key"].startswith(_CANARIES) or not span.since <= version["LastModified"] < span.until:
                continue
            stored = {
                "bucket": {"name": bucket},
                "object": {"key": quote_plus(version["Key"], safe="/"), "versionId": version["VersionId"]},
            }
            made = version["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
            yield json.dumps({"Records": [{"eventName": "ObjectCreated:Replay", "eventTime": made, "s3": stored}]})
