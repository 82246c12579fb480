"""The shadow consumer: what a passive region does with a message (data rule 3).

It acknowledges only what the ledger proves done, and puts the rest back on its own queue, so that the queue is exactly
the work that is left if this region is promoted. Putting back uses up no receives; it resets SQS's own age and
retention, so the message carries when it was first seen.
"""

import time
from collections.abc import Sequence

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.own_queue import OwnQueue
from handlers.processor.telemetry import Telemetry
from handlers.shared import moments

logger = Logger(child=True)


class Shadow:
    """Puts messages back.

    Args:
        own_queue: This region's ingest queue.
        delay_seconds: How long a message rests before it is looked at again; at most 900.
        maximum_age_seconds: After how long it is noted in the archive that nothing has come of it.
        archive: Where that is noted.
        telemetry: Where it is counted.
    """

    def __init__(
        self,
        *,
        own_queue: OwnQueue,
        delay_seconds: int,
        maximum_age_seconds: int,
        archive: Archive,
        telemetry: Telemetry,
    ) -> None:
        self._own_queue = own_queue
        self._delay_seconds = delay_seconds
        self._maximum_age_seconds = maximum_age_seconds
        self._archive = archive
        self._telemetry = telemetry

    def put_back(self, message: Message, waiting: Sequence[ObjectEvent]) -> None:
        """Send a message to the end of its own queue; once it is there, this delivery of it may be acknowledged.

        However old it is, it is put back: to lose it would lose the object if this region is promoted.

        Args:
            message: As it was delivered.
            waiting: Those of its objects that have no RESULT.

        Raises:
            ClientError: SQS or S3 refused; the message is delivered again by itself.
            BotoCoreError: SQS or S3 did not answer; likewise.
        """
        age = max(0.0, time.time() - message.first_seen / 1000)
        self._telemetry.shadow_age(age)
        is_overdue = age > self._maximum_age_seconds
        if is_overdue:
            self._telemetry.count("ShadowOverdue")
            if not message.is_overdue_noted:
                self._note(message, waiting, age)
        self._own_queue.put_back(message, delay_seconds=self._delay_seconds, is_overdue_noted=is_overdue)

    def _note(self, message: Message, waiting: Sequence[ObjectEvent], age: float) -> None:
        for event in waiting:
            logger.warning("an object waits too long for the active region", object_id=event.object_id, age=age)
            self._archive.overdue(
                event.object_id,
                {
                    "reason": f"this passive region has waited {age:.0f} s for a RESULT of the active one",
                    "first_seen": moments.from_epoch(message.first_seen / 1000),
                    "hops": message.hops,
                    "object_key": event.key,
                    "version_id": event.version_id,
                    "bucket": event.bucket,
                },
            )
