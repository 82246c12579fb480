"""Process objects again with the deployed version: send their events to the active region's queue.

The processor writes an object's records again only if another processing version wrote them; it then replaces RESULT.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployment
from operations.errors import RunFailure

_CANARIES: Final = "incoming/uploads/canary/"
_A_BATCH: Final = 10
"""Maximum number of messages in one request to SQS."""


def reprocess(deployment: Deployment, region: str, prefix: str) -> int:
    """Send the event of every version of every object under a prefix; return their number.

    Args:
        deployment: The platform.
        region: The active region.
        prefix: Prefix of the keys; canaries are left out.

    Raises:
        RunFailure: The bucket or the queue refused or did not answer. A second call sends everything again; nothing is
            processed twice.
    """
    sqs: Any = deployment.client("sqs", region)
    sent = 0
    try:
        bodies = _bodies(deployment, region, prefix)
        while batch := list(islice(bodies, _A_BATCH)):
            entries = [{"Id": str(number), "MessageBody": body, **_REPROCESS} for number, body in enumerate(batch)]
            answer = sqs.send_message_batch(QueueUrl=deployment.regional[region]["IngestQueueUrl"], Entries=entries)
            if answer.get("Failed"):
                raise RunFailure(
                    f"The ingest queue of {region} rejected {len(answer['Failed'])} messages: "
                    f"{answer['Failed'][0].get('Message', answer['Failed'][0]['Code'])}",
                    hint=f"{sent} messages were sent before. Run the same command again: nothing is processed twice.",
                )
            sent += len(entries)
    except (ClientError, BotoCoreError) as error:
        raise RunFailure(
            f"Sending the objects under {prefix} in {region} failed: {error}",
            hint=f"{sent} messages were sent before. Run the same command again: nothing is processed twice.",
        ) from error
    return sent


_REPROCESS: Final = {"MessageAttributes": {"reprocess": {"DataType": "Number", "StringValue": "1"}}}


def _bodies(deployment: Deployment, region: str, prefix: str) -> Iterator[str]:
    """Yield a message body for each version, in the form of S3's event."""
    bucket = deployment.ingest_bucket(region)
    pages = deployment.client("s3", region).get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for version in page.get("Versions", []):
            if version["Key"].startswith(_CANARIES):
                continue
            stored = {
                "bucket": {"name": bucket},
                "object": {"key": quote_plus(version["Key"], safe="/"), "versionId": version["VersionId"]},
            }
            made = version["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
            yield json.dumps({"Records": [{"eventName": "ObjectCreated:Reprocess", "eventTime": made, "s3": stored}]})
