"""What becomes of a message: settled already, put back, taken in, or quarantined."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.dead_letters import DeadLetters
from handlers.processor.deadline import Deadline
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.intake import Intake, Transform
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.objects import ObjectFacts, ObjectReader, OpenedObject, facts_of_gone
from handlers.processor.own_queue import OwnQueue
from handlers.processor.parsers import open_object
from handlers.processor.settings import Settings
from handlers.processor.shadow import Shadow
from handlers.processor.store import Ledger, Result
from handlers.processor.telemetry import Telemetry
from handlers.shared import moments, object_keys, schema
from handlers.shared.control import ControlRegister
from handlers.shared.effect import EffectDigest

_SECONDS_TO_END: Final = 5.0
_RECORDS_BETWEEN_LOOKS: Final = 1000

_Any = TypeVar("_Any")

logger = Logger(child=True)


@dataclass(frozen=True)
class Pipeline:
    """Everything that a message may need."""

    settings: Settings
    ledger: Ledger
    control: ControlRegister
    reader: ObjectReader
    archive: Archive
    dead_letters: DeadLetters
    own_queue: OwnQueue
    shadow: Shadow
    telemetry: Telemetry
    transform: Transform

    def process(self, message: Message, deadline: Deadline) -> None:
        """Do all that a message asks for; when this returns, it may be acknowledged.

        Args:
            message: As SQS delivered it.
            deadline: When the function must have ended.

        Raises:
            Exception: Whatever went wrong may go right another time; the message must be delivered again. Of the last
                delivery the archive keeps a note.
        """
        self.telemetry.count("MessagesReceived")
        identities = [message.message_identity]
        try:
            events = self._objects(message)
            identities = [event.object_id for event in events]
            self._settle(message, events, deadline)
        except Exception as problem:
            self.telemetry.count("MessagesFailed")
            is_last = message.receive_count >= self.settings.maximum_receives
            logger.exception("a message failed", receive_count=message.receive_count, is_last_receive=is_last)
            if is_last:
                for identity in identities:
                    self.archive.last_receive(identity, self._note(message, f"{type(problem).__name__}: {problem}"))
            raise

    def _objects(self, message: Message) -> list[ObjectEvent]:
        try:
            return message.objects(self.settings.source)
        except UnreadableError as problem:
            self._refuse(message, problem)
            return []

    def _settle(self, message: Message, events: list[ObjectEvent], deadline: Deadline) -> None:
        waiting = [event for event in events if not self._is_settled(event)]
        if not waiting:
            return
        active = self.control.active()
        if active.region != self.settings.region:
            self.shadow.put_back(message, waiting)
            return
        for event in waiting:
            if deadline.is_too_late_to_begin:  # the objects before it took long, which is no fault of this one
                self.own_queue.put_back(message, delay_seconds=0)
                self.telemetry.count("MessagesPostponed")
                return
            logger.set_correlation_id(event.object_id)
            self._take_in(event, message, active.epoch, deadline)

    def _is_settled(self, event: ObjectEvent) -> bool:
        """Return whether RESULT exists, whichever region wrote it."""
        known = self.ledger.look(event.object_id)
        if known.has_result and known.is_attempt_unfinished:  # it ended between RESULT and its last note
            self.ledger.finish(event.object_id, time.time())
        return known.has_result

    def _take_in(self, event: ObjectEvent, message: Message, epoch: int, deadline: Deadline) -> None:
        began = time.time()
        self.ledger.begin(event.object_id, began)
        try:
            opened = self.reader.open(event)
        except UnreadableError as problem:
            self._quarantine(event, message, problem, facts_of_gone(event), epoch)
        else:
            try:
                self._read(event, opened, epoch, deadline)
            except UnreadableError as problem:
                self._quarantine(event, message, problem, opened.facts, epoch)
            finally:
                opened.close()
        self.ledger.finish(event.object_id, time.time())
        self.telemetry.object_seconds(time.time() - began)

    def _read(self, event: ObjectEvent, opened: OpenedObject, epoch: int, deadline: Deadline) -> None:
        """Read an object to its clean end, and only then write: what was rejected, the records, RESULT."""
        with Intake(event.object_id, self.transform) as intake:
            chunks = opened.chunks(maximum_bytes=self.settings.maximum_object_bytes)
            content = open_object(
                _in_time(chunks, deadline, every=1),
                object_key=event.key,
                maximum_expanded_bytes=self.settings.maximum_expanded_bytes,
            )
            intake.take(_in_time(content.records, deadline, every=_RECORDS_BETWEEN_LOOKS))
            opened.check_digest()
            if intake.rejected:
                self.archive.rejections(event.object_id, intake.rejections())
            self.ledger.write_records(
                event.object_id, intake.prepared(), deadline, expires_at=self._expires_at(event, opened.facts)
            )
            self._conclude(
                event,
                opened.facts,
                epoch,
                state=schema.COMPLETED,
                accepted=intake.accepted,
                rejected=intake.rejected,
                effect_digest=intake.effect_digest,
                format=content.format.value,
                compression=content.compression.value,
            )
            self.telemetry.count("ObjectsCompleted")
            self.telemetry.count("RecordsAccepted", intake.accepted)
            self.telemetry.count("RecordsRejected", intake.rejected)
            logger.info("an object is completed", accepted=intake.accepted, rejected=intake.rejected)

    def _quarantine(
        self, event: ObjectEvent, message: Message, problem: UnreadableError, facts: ObjectFacts, epoch: int
    ) -> None:
        """Keep an object that cannot be taken in, tell the dead-letter queue, and only then write RESULT."""
        copied = facts.size is not None and self.archive.copy(event, facts.size)
        note = self._note(message, problem.reason) | {
            "fault": problem.fault.value,
            "bucket": event.bucket,
            "object_key": event.key,
            "version_id": event.version_id,
            "size": facts.size,
            "object": f"quarantined/{event.object_id}/object" if copied else None,
        }
        self.archive.quarantine(event.object_id, note)
        if problem.fault is not Fault.GONE:  # there is nothing to redrive
            self.dead_letters.send(message, problem, event.object_id)
        self._conclude(
            event,
            facts,
            epoch,
            state=schema.QUARANTINED,
            accepted=0,
            rejected=0,
            effect_digest=EffectDigest().hexdigest(),
            reason=problem.reason,
        )
        self.telemetry.count("ObjectsQuarantined")
        logger.warning("an object is quarantined", fault=problem.fault.value, reason=problem.reason)

    def _refuse(self, message: Message, problem: UnreadableError) -> None:
        """Keep a message that tells of no object, and tell the dead-letter queue."""
        self.archive.quarantine(message.message_identity, self._note(message, problem.reason))
        self.dead_letters.send(message, problem, message.message_identity)
        self.telemetry.count("MessagesRefused")
        logger.warning("a message is no S3 event", reason=problem.reason, message_id=message.message_id)

    def _conclude(self, event: ObjectEvent, facts: ObjectFacts, epoch: int, **outcome: Any) -> None:  # noqa: ANN401
        upload = event.upload
        result = Result(
            object_id=event.object_id,
            source=upload.source if upload else event.source,
            file_key=object_keys.file_key(event.key),
            object_key=event.key,
            received_at=facts.received_at,
            size=facts.size,
            region=self.settings.region,
            epoch=epoch,
            version_id=event.version_id,
            expires_at=self._expires_at(event, facts),
            **outcome,
        )
        if not self.ledger.conclude(result, time.time()):
            logger.info("another attempt wrote the RESULT first; it says the same")

    def _expires_at(self, event: ObjectEvent, facts: ObjectFacts) -> int | None:
        """Return when the rows of a canary may go, the same in both regions; None for every other object."""
        days = self.settings.canary_retention_days
        if not days or event.upload is None or event.upload.source != object_keys.CANARY_SOURCE:
            return None
        return schema.expires_at(datetime.fromisoformat(facts.received_at).timestamp(), days)

    def _note(self, message: Message, reason: str) -> dict[str, Any]:
        return {
            "reason": reason,
            "region": self.settings.region,
            "noted_at": moments.from_epoch(time.time()),
            "message_id": message.message_id,
            "receive_count": message.receive_count,
            "first_seen": moments.from_epoch(message.first_seen / 1000),
            "body": message.body,
        }


def _in_time(things: Iterable[_Any], deadline: Deadline, *, every: int) -> Iterator[_Any]:
    """Yield what there is, while there is time; the clock is looked at once in `every` things."""
    for count, thing in enumerate(things):
        if count % every == 0:
            deadline.check("the object is read", reserved_seconds=_SECONDS_TO_END)
        yield thing
