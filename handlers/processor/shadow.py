"""The shadow consumer: what a passive region does with a message (data rule 3).

It acknowledges only what this region's own replica is seen to hold, all of it, and puts the rest back on its own queue, so
that the queue is the work that is left if this region is promoted. Putting back uses up no receives; it resets SQS's own age
and retention, so the message carries when it was first seen. What has waited for days ends in the dead-letter queue, and the
reconciler sends it again once this region is active.
"""

import time
from typing import Final

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.dead_letters import DeadLetters
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.own_queue import OwnQueue
from handlers.processor.store import Ledger
from handlers.processor.telemetry import Telemetry
from handlers.shared import moments

PUT_BACKS_BETWEEN_NOTES: Final = 8
"""A note is a write in both replicas, and most objects are settled before they were put back once."""

logger = Logger(child=True)


class Shadow:
    """Puts messages back.

    Args:
        own_queue: This region's ingest queue.
        ledger: Notes which copy of a message is the newest.
        delay_seconds: How long a message rests before it is looked at again; at most 900.
        maximum_age_seconds: After how long it is a dead letter, for nothing has come of it.
        archive: Where that is noted.
        dead_letters: Where it ends.
        telemetry: Where it is counted.
    """

    def __init__(  # noqa: PLR0913 - each by its name
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

    def put_back(self, message: Message, event: ObjectEvent, known_put_backs: int) -> None:
        """Send an object's message to the end of its own queue; once it is there, this delivery may be acknowledged.

        A copy of it ends here: a crash between sending and acknowledging leaves two, S3 may send two, and each would be put
        back for as long as the region is passive. So the region's row notes, once a copy was sent, how often that copy was
        put back, and a copy with fewer is older than one that is on the queue.

        What is too old ends in the dead-letter queue: the active region has not processed it in days, for it cannot, or
        never got the object. It stays in this region's bucket, where the reconciler finds it once this region is active.

        Args:
            message: As it was delivered.
            event: The object that is not settled.
            known_put_backs: What the region's row notes.

        Raises:
            ClientError: SQS or S3 refused; the message is delivered again by itself.
            BotoCoreError: SQS or S3 did not answer; likewise.
        """
        if message.hops < known_put_backs:
            self._telemetry.count("ShadowCopiesDropped")
            return
        age = max(0.0, time.time() - message.first_seen / 1000)
        self._telemetry.shadow_age(age)
        if age > self._maximum_age_seconds:
            self._end(message, event, age)
            return
        self._own_queue.put_back(message, event, delay_seconds=self._delay_seconds)
        put_backs = message.hops + 1
        if put_backs % PUT_BACKS_BETWEEN_NOTES == 0:
            self._ledger.note_put_backs(event.object_id, put_backs)

    def _end(self, message: Message, event: ObjectEvent, age: float) -> None:
        """Keep why a message ends, and send it to the dead-letter queue."""
        problem = UnreadableError(
            Fault.OVERDUE,
            f"this passive region has waited {age:.0f} s for a RESULT of the active one and all its records; see whether "
            "the active region has the object, and why it did not process it. If this region is promoted, it is sent again",
        )
        logger.warning("an object waits too long for the active region", object_id=event.object_id, age=age)
        self._archive.overdue(
            event.object_id,
            {
                "reason": problem.reason,
                "first_seen": moments.from_epoch(message.first_seen / 1000),
                "hops": message.hops,
                "object_key": event.key,
                "version_id": event.version_id,
                "bucket": event.bucket,
            },
        )
        self._dead_letters.send(message, problem, event.object_id)
        self._telemetry.count("ShadowOverdue")
