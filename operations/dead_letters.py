"""List a region's dead letters and send them back to the ingest queue; a crash in between loses none."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.target import Mode

_HIDDEN_SECONDS: Final = 900
"""For this time SQS delivers a received message to nobody else."""
_A_BATCH: Final = 10
"""Maximum number of messages in one request to SQS."""
_BATCH_BYTES: Final = 200_000
"""Less than SQS takes in one request, which counts attributes too."""
_WAIT_SECONDS: Final = {Mode.LOCAL: 0, Mode.LIVE: 2}
"""Wait time of a receive. Without a wait SQS asks only some of its servers; the local cloud has one."""
UNKNOWN: Final = "receives"
"""The fault of a message that SQS moved after its last receive: it has no attribute of the processor."""


@dataclass(frozen=True)
class DeadLetter:
    """A message of a dead-letter queue.

    Attributes:
        message_id: SQS's id of the message.
        handle: The receipt handle, valid while the message is hidden.
        body: The message's body, an S3 event.
        attributes: The message attributes, as SendMessage takes them.
        sent_at: When the message was sent to the dead-letter queue, UTC.
    """

    message_id: str
    handle: str
    body: str
    attributes: dict[str, Any]
    sent_at: datetime

    @property
    def fault(self) -> str:
        """The processor's reason class, for example `overdue`; `UNKNOWN` if SQS moved the message."""
        return str(self.attributes.get("fault", {}).get("StringValue", UNKNOWN))

    @property
    def reason(self) -> str:
        """The processor's reason."""
        return str(self.attributes.get("reason", {}).get("StringValue", "the last receive failed; the archive has its note"))

    @property
    def keys(self) -> list[str]:
        """The keys of the objects that the message names."""
        return object_keys(self.body)

    def is_about(self, *prefixes: str) -> bool:
        """Return whether the message names objects, and each key begins with one of the prefixes."""
        return bool(self.keys) and all(key.startswith(prefixes) for key in self.keys)

    def as_dict(self) -> dict[str, Any]:
        """Return the message for JSON output."""
        named = {"message_id": self.message_id, "fault": self.fault, "reason": self.reason, "keys": self.keys}
        return {**named, "sent_at": self.sent_at.isoformat(), "body": self.body}


class DeadLetterQueue:
    """The dead-letter queue of a region's ingest queue.

    Args:
        deployment: The platform, with the outputs of the region.
        region: The region of the queue.
    """

    def __init__(self, deployment: Deployment, region: str) -> None:
        outputs = deployment.regional[region]
        self._sqs: Any = deployment.client("sqs", region)
        self._wait = _WAIT_SECONDS[deployment.target.mode]
        self.region, self._url, self._ingest = region, outputs["DeadLetterQueueUrl"], outputs["IngestQueueUrl"]

    def letters(self) -> list[DeadLetter]:
        """Return every message, oldest first. All become visible again at once.

        Raises:
            RunFailure: SQS refused or did not answer.
        """
        with _explained(self.region, "read"):
            found = list(self._receive())
            self._show_again(found)
        return sorted(found, key=lambda one: one.sent_at)

    def of_prefixes(self, *prefixes: str) -> list[DeadLetter]:
        """Return the messages that name only objects whose keys begin with one of the prefixes."""
        return [one for one in self.letters() if one.is_about(*prefixes)]

    def delete(self, letter: DeadLetter) -> None:
        """Delete a message for good."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)

    def redrive(self, wanted: Callable[[DeadLetter], bool], moved: Callable[[int], None]) -> int:
        """Send the wanted messages to the ingest queue, then delete them here; return their number.

        A message is deleted only after its copy was accepted. A crash in between leaves both; the processor does the work
        once.

        Args:
            wanted: Whether to move a message.
            moved: Called with the number of messages moved so far, after each batch.

        Raises:
            RunFailure: SQS refused or did not answer.
        """
        count, left, batch = 0, list[DeadLetter](), list[DeadLetter]()
        with _explained(self.region, "redriven"):
            try:
                for letter in itertools.chain(self._receive(), [None]):
                    is_full = len(batch) == _A_BATCH or sum(len(one.body) for one in batch) > _BATCH_BYTES
                    if batch and (is_full or letter is None):
                        count += self._move(batch, left)
                        moved(count)
                        batch = []
                    if letter is not None:
                        (batch if wanted(letter) else left).append(letter)
            finally:
                self._show_again([*left, *batch])
        return count

    def _receive(self) -> Iterator[DeadLetter]:
        seen: set[str] = set()
        while True:
            messages = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_A_BATCH,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=self._wait,
                MessageAttributeNames=["All"],
                AttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            fresh = [one for one in messages if one["MessageId"] not in seen]
            if not fresh:  # none is left, or those hidden first become visible again
                return
            for one in fresh:
                seen.add(one["MessageId"])
                attributes = {
                    name: {key: value for key, value in held.items() if key in {"DataType", "StringValue", "BinaryValue"}}
                    for name, held in one.get("MessageAttributes", {}).items()
                }
                sent = datetime.fromtimestamp(int(one["Attributes"]["SentTimestamp"]) / 1000, UTC)
                yield DeadLetter(one["MessageId"], one["ReceiptHandle"], one["Body"], attributes, sent)

    def _move(self, batch: list[DeadLetter], left: list[DeadLetter]) -> int:
        entries = [
            {"Id": str(number), "MessageBody": one.body, "MessageAttributes": one.attributes}
            for number, one in enumerate(batch)
        ]
        answer = self._sqs.send_message_batch(QueueUrl=self._ingest, Entries=entries)
        sent = [batch[int(one["Id"])] for one in answer.get("Successful", [])]
        if sent:
            handles = [{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(sent)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=handles)
        if refused := answer.get("Failed", []):
            left += [batch[int(one["Id"])] for one in refused]
            raise RunFailure(
                f"The ingest queue of {self.region} rejected {len(refused)} messages: "
                f"{refused[0].get('Message', refused[0]['Code'])}",
                hint="They are still in the dead-letter queue. Run the same command again: nothing is processed twice.",
            )
        return len(sent)

    def _show_again(self, letters: list[DeadLetter]) -> None:
        for start in range(0, len(letters), _A_BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.handle, "VisibilityTimeout": 0}
                for number, one in enumerate(letters[start : start + _A_BATCH])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


@contextlib.contextmanager
def _explained(region: str, what: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise RunFailure(
            f"The dead-letter queue of {region} could not be {what}: {error}",
            hint=f"No message is lost. Received messages become visible again within {_HIDDEN_SECONDS // 60} minutes; "
            "then run the same command again.",
        ) from error


def object_keys(body: str) -> list[str]:
    """Return the object keys of an S3 event in a message's body; none if the body is not an S3 event."""
    try:
        records = json.loads(body)["Records"]
        return [unquote_plus(record["s3"]["object"]["key"]) for record in records]
    except (ValueError, KeyError, TypeError):
        return []
