"""What becomes of a message: settled already, put back, taken in, or quarantined."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.dead_letters import DeadLetters
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.intake import Intake, Transform
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.objects import ObjectFacts, ObjectReader, OpenedObject, facts_of_gone
from handlers.processor.parsers import Outcome, open_object
from handlers.processor.settings import Settings
from handlers.processor.shadow import Shadow
from handlers.processor.store import Ledger, OutOfTimeError, Result
from handlers.processor.telemetry import Telemetry
from handlers.shared import moments, object_keys, schema
from handlers.shared.control import ControlRegister
from handlers.shared.effect import EffectDigest

_SECONDS_TO_BEGIN = 10.0
"""With less of the function's time left, a message is not begun but given back."""
_SECONDS_TO_END = 5.0
_RECORDS_BETWEEN_LOOKS = 1000

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
    shadow: Shadow
    telemetry: Telemetry
    transform: Transform

    def process(self, message: Message, remaining_seconds: Callable[[], float]) -> None:
        """Do all that a message asks for; when this returns, it may be acknowledged.

        Args:
            message: As SQS delivered it.
            remaining_seconds: How long the function may still run.

        Raises:
            Exception: Whatever went wrong may go right another time; the message must be delivered again. Of the last
                delivery the archive keeps a note.
        """
        self.telemetry.count("MessagesReceived")
        identities = [message.message_identity]
        try:
            events = self._objects(message)
            identities = [event.object_id for event in events]
            self._settle(message, events, remaining_seconds)
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

    def _settle(self, message: Message, events: list[ObjectEvent], remaining_seconds: Callable[[], float]) -> None:
        waiting = [event for event in events if not self._is_settled(event)]
        if not waiting:
            return
        active = self.control.active()
        if active.region != self.settings.region:
            self.shadow.put_back(message, waiting)
            return
        for event in waiting:
            logger.set_correlation_id(event.object_id)
            if remaining_seconds() < _SECONDS_TO_BEGIN:
                raise OutOfTimeError("too little of the function's time is left to begin an object")
            self._take_in(event, message, active.epoch, remaining_seconds)

    def _is_settled(self, event: ObjectEvent) -> bool:
        """Return whether RESULT exists, whichever region wrote it."""
        known = self.ledger.look(event.object_id)
        if known.has_result and known.is_attempt_unfinished:  # it ended between RESULT and its last note
            self.ledger.finish(event.object_id, time.time())
        return known.has_result

    def _take_in(self, event: ObjectEvent, message: Message, epoch: int, remaining_seconds: Callable[[], float]) -> None:
        began = time.time()
        self.ledger.begin(event.object_id, began)
        try:
            opened = self.reader.open(event)
        except UnreadableError as problem:
            self._quarantine(event, message, problem, facts_of_gone(event), epoch)
        else:
            try:
                self._read(event, opened, epoch, remaining_seconds)
            except UnreadableError as problem:
                self._quarantine(event, message, problem, opened.facts, epoch)
            finally:
                opened.close()
        self.ledger.finish(event.object_id, time.time())
        self.telemetry.object_seconds(time.time() - began)

    def _read(self, event: ObjectEvent, opened: OpenedObject, epoch: int, remaining_seconds: Callable[[], float]) -> None:
        """Read an object to its clean end, and only then write: what was rejected, the records, RESULT."""
        with Intake(event.object_id, self.transform) as intake:
            content = open_object(
                opened.chunks(maximum_bytes=self.settings.maximum_object_bytes),
                object_key=event.key,
                maximum_expanded_bytes=self.settings.maximum_expanded_bytes,
            )
            intake.take(_in_time(content.records, remaining_seconds))
            opened.check_digest()
            if intake.rejected:
                self.archive.rejections(event.object_id, intake.rejections())
            self.ledger.write_records(event.object_id, intake.prepared(), remaining_seconds=remaining_seconds)
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
            **outcome,
        )
        if not self.ledger.conclude(result, time.time()):
            logger.info("another attempt wrote the RESULT first; it says the same")

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


def _in_time(records: Iterator[Outcome], remaining_seconds: Callable[[], float]) -> Iterator[Outcome]:
    """Yield records while there is time: better an error that is noted than a function that is stopped."""
    for count, record in enumerate(records):
        if count % _RECORDS_BETWEEN_LOOKS == 0 and remaining_seconds() < _SECONDS_TO_END:
            raise OutOfTimeError("the function's time ends before the object is read")
        yield record
