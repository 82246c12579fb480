"""The shadow consumer: handles the messages of a passive region (data rule 3).

It acknowledges a message only when this region's own replica holds all its records. It puts every other message back on the
region's queue, so the queue is the remaining work if this region is promoted. Putting back uses up no receives. It resets
SQS's own age and retention, so the message carries the time when it was first seen. A message that has waited for days goes
to the dead-letter queue, and the reconciler sends it again once this region is active.
"""

import time
from typing import Final

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.store import Ledger
from handlers.processor.telemetry import Telemetry
from handlers.shared import timestamps

PUT_BACKS_BETWEEN_NOTES: Final = 8
"""A note is a write in both replicas, and most objects are settled before their first put-back."""

logger = Logger(child=True)


class Shadow:
    """Puts messages back on the queue of a passive region.

    Args:
        own_queue: This region's ingest queue.
        ledger: Notes which copy of a message is the newest.
        delay_seconds: Delay before a message is delivered again; at most 900.
        maximum_age_seconds: Age above which a message goes to the dead-letter queue.
        archive: Keeps the reason.
        dead_letters: Receives messages above the maximum age.
        telemetry: Counts put-backs and dead letters.
    """

    def __init__(  # noqa: PLR0913 - every argument has a keyword
        self,
        *,
        own_queue: OwnQueue,
        ledger: Ledger,
        delay_seconds: int,
        maximum_age_seconds: int,
        archive: Archive,
        dead_letters: DeadLetters,
        telemetry: Telemetry,
    ) -> None:
        self._own_queue = own_queue
        self._ledger = ledger
        self._delay_seconds = delay_seconds
        self._maximum_age_seconds = maximum_age_seconds
        self._archive = archive
        self._dead_letters = dead_letters
        self._telemetry = telemetry

    def put_back(self, message: Message, event: ObjectEvent, known_put_backs: int, *, continued_at: float = 0.0) -> None:
        """Send an object's message to the end of the queue; after that, this delivery may be acknowledged.

        Duplicate copies are dropped: a crash between sending and acknowledging leaves two, S3 may send two, and each would
        be put back for as long as the region is passive. So the region's row notes the number of put-backs of the newest
        copy, after it was sent. A copy with a smaller number is older than one that is on the queue.

        A message above the maximum age goes to the dead-letter queue: the active region cannot process the object, or never
        received it. The object stays in this region's bucket; the reconciler finds it once this region is active.

        Args:
            message: The delivered message.
            event: The object that is not settled.
            known_put_backs: Number of put-backs in the region's row.
            continued_at: When the active region noted the progress of a long object, in epoch seconds; see `Known`.

        Raises:
            ClientError: SQS or S3 returned an error; SQS redelivers the message.
            BotoCoreError: SQS or S3 did not answer; SQS redelivers the message.
        """
        if message.hops < known_put_backs:
            self._telemetry.count("ShadowCopiesDropped")
            return
        now = time.time()
        age = max(0.0, now - message.first_seen / 1000)
        self._telemetry.shadow_age(min(age, max(0.0, now - continued_at)))
        if age > self._maximum_age_seconds:
            self._end(message, event, age)
            return
        self._own_queue.put_back(message, event, delay_seconds=self._delay_seconds)
        put_backs = message.hops + 1
        if put_backs % PUT_BACKS_BETWEEN_NOTES == 0:
            self._ledger.note_put_backs(event.object_id, put_backs)

    def _end(self, message: Message, event: ObjectEvent, age: float) -> None:
        """Archive the reason, and send the message to the dead-letter queue."""
        problem = UnreadableError(
            Fault.OVERDUE,
            f"this passive region has waited {age:.0f} s for the active region's RESULT and its records; check whether the "
            "active region has the object, and why it did not process it. If this region is promoted, the reconciler sends "
            "the object again",
        )
        logger.warning("an object waits too long for the active region", object_id=event.object_id, age=age)
        self._archive.overdue(
            event.object_id,
            {
                "reason": problem.reason,
                "first_seen": timestamps.from_epoch(message.first_seen / 1000),
                "hops": message.hops,
                "object_key": event.key,
                "version_id": event.version_id,
                "bucket": event.bucket,
            },
        )
        self._dead_letters.send(message, problem, event.object_id)
        self._telemetry.count("ShadowOverdue")
