"""Processes a message: skips a settled object, puts it back, stores its records, or quarantines it."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from aws_lambda_powertools import Logger

from handlers.processor.archive import Archive
from handlers.processor.deadline import RESERVED_SECONDS, Deadline, OutOfTimeError
from handlers.processor.errors import (
    ConflictingRecordsError,
    ConflictingResultError,
    Fault,
    UnreadableError,
    UnrepairableError,
)
from handlers.processor.intake import Intake, Taken, Transform, accepted_of
from handlers.processor.messages import Message, ObjectEvent
from handlers.processor.objects import ObjectFacts, ObjectReader, OpenedObject
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.parsers import Opened, open_object
from handlers.processor.parsers.pins import pinned
from handlers.processor.routes import Decision, Route
from handlers.processor.settings import Settings
from handlers.processor.shadow import Shadow
from handlers.processor.store import Checkpoint, Concluded, Known, Ledger, Result
from handlers.processor.telemetry import Telemetry
from handlers.processor.walk import Place, Walk, in_time
from handlers.shared import object_keys, schema, timestamps
from handlers.shared.control import ControlRegister
from handlers.shared.effect import EffectDigest

_SECONDS_TO_PUT_BACK: Final = 2.0
_SECONDS_TO_HOLD_BACK: Final = 1.0
_PUT_BACKS_BETWEEN_LOOKS: Final = 8
"""Put-backs between two requests to the bucket of a passive region, which keep the number of paid requests small."""
_SECONDS_TO_WRITE: Final = 10.0
"""Reserved for records that were read to be written at once, or for a quarantine: reading may take all of the other time."""
_SECONDS_UNCHECKED: Final = 10.0
"""Within this time of an attempt, no promotion of the other region with another version replaces its records unseen."""
_SECONDS_TO_REPLICATE: Final = 900.0
"""Longest replication lag: items replicate one by one, so RESULT may arrive first. After this time, records are missing."""

_TOO_SLOW: Final = UnreadableError(
    Fault.TOO_SLOW,
    "a whole invocation of the function does not suffice to read one more record. A compressed file, one in UTF-16 and an "
    "upload are read again up to the record where the last invocation stopped. Split it into several files, or send it "
    "uncompressed (or raise the setting limits.processor_timeout_seconds, or make the transform faster)",
)

logger = Logger(child=True)


@dataclass(frozen=True)
class _Attempt:
    """The inputs of one attempt to process an object."""

    event: ObjectEvent
    message: Message
    known: Known
    """State of the object in the ledger before the attempt."""
    epoch: int
    deadline: Deadline
    has_whole_time: bool
    """Whether it began with nearly all of the invocation's time."""
    began: float
    """Epoch seconds."""
    checkpoint: Checkpoint | None
    """How far earlier invocations came, if this one may resume there."""


class _ContinuesError(Exception):
    """Raised when a message was sent for the next invocation, and this one may be acknowledged."""


@dataclass(frozen=True)
class _Reading:
    """An object that is being read."""

    held: Checkpoint
    """Where this invocation began."""
    facts: ObjectFacts
    content: Opened
    walk: Walk


@dataclass(frozen=True)
class Pipeline:
    """Processes messages; holds every object that this needs."""

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
    processing_version: str
    """Version of the transform and the parsers."""

    def process(self, message: Message, deadline: Deadline) -> None:
        """Process every object of a message; when this returns, the message may be acknowledged.

        Args:
            message: The delivered message.
            deadline: End of the invocation.

        Raises:
            Exception: Any error that may not happen again; SQS must redeliver the message. After the last delivery the
                archive keeps a note.
        """
        identities = [message.message_identity]
        try:
            deadline.check("a message is looked at", reserved_seconds=_SECONDS_TO_PUT_BACK)
            events = self._objects(message, deadline)
            identities = [event.object_id for event in events] or identities
            self._settle(message, events, deadline)
        except Exception as problem:
            self.telemetry.count("MessagesFailed")
            decision = Decision.of(problem)
            is_last = message.receive_count >= self.settings.maximum_receives
            logger.exception("a message failed", receive_count=message.receive_count, is_last_receive=is_last)
            if is_last or decision.route is Route.DEAD_LETTER:
                for place, identity in enumerate(identities):
                    if place and deadline.is_too_late_for(_SECONDS_TO_HOLD_BACK):
                        logger.warning("no time is left for notes about objects", objects=identities[place:])
                        break
                    self.archive.last_receive(identity, self._note(message, f"{type(problem).__name__}: {problem}"))
            if decision.route is Route.DEAD_LETTER:
                self.dead_letters.send(message, UnreadableError(Fault.UNAVAILABLE, decision.advice), identities[0])
                return
            if not deadline.is_too_late_for(_SECONDS_TO_HOLD_BACK):
                self.own_queue.hold_back(message)
            raise

    def _objects(self, message: Message, deadline: Deadline) -> list[ObjectEvent]:
        """Return the objects that a message names; refuse each record that names none."""
        try:
            judged = message.objects(self.settings.source, self.settings.ingest_bucket)
        except UnreadableError as problem:
            self._refuse(message, problem, message.message_identity)
            return []
        for number, one in enumerate(judged):
            if isinstance(one, UnreadableError):
                deadline.check("a record is refused", reserved_seconds=_SECONDS_TO_PUT_BACK)
                identity = message.message_identity
                self._refuse(message, one, f"{identity}-{number}" if len(judged) > 1 else identity)
        return [one for one in judged if isinstance(one, ObjectEvent)]

    def _settle(self, message: Message, events: list[ObjectEvent], deadline: Deadline) -> None:
        for event in events:
            deadline.check("the next object is looked at", reserved_seconds=_SECONDS_TO_PUT_BACK)
            if deadline.is_too_late_for(RESERVED_SECONDS):
                self._postpone(message, event)
                continue
            known = self.ledger.look(event.object_id)
            try:
                is_settled = self._is_settled(event, message, known, deadline)
            except _ContinuesError:
                continue
            if is_settled and not self._is_outdated(message, known):
                continue
            active = self.control.active()
            if is_settled and active.region != self.settings.region:
                continue  # a request to reprocess is for the active region; the records here are complete
            is_passive = active.region != self.settings.region and active.region not in known.gone_in
            if is_passive and not self._may_make_again(message, known):
                self._put_back(event, message, known)
            elif deadline.is_too_late_to_begin:
                self._postpone(message, event)
            else:
                logger.set_correlation_id(event.object_id)
                held = self._valid(known.checkpoint, active.epoch)
                attempt = _Attempt(event, message, known, active.epoch, deadline, deadline.is_whole, time.time(), held)
                self._take_in(attempt)

    def _valid(self, held: Checkpoint | None, epoch: int) -> Checkpoint | None:
        """Return a checkpoint if it is of this version and this epoch."""
        if held is None or (held.processing_version, held.epoch) != (self.processing_version, epoch):
            return None
        return held

    def _postpone(self, message: Message, event: ObjectEvent) -> None:
        """Put an object back because the objects before it used the time; this uses up no receive."""
        self.own_queue.continue_later(message, event)
        self.telemetry.count("MessagesPostponed")

    def _may_make_again(self, message: Message, known: Known) -> bool:
        """Return whether this region, though passive, may write the records of a known RESULT again.

        Its reconciler found, long after RESULT, that this replica lacks records which replication no longer delivers. With
        RESULT's own version, both regions write the same records. While the active region is at work, it waits: that region
        may write another version's.
        """
        is_of_this_version = known.result is not None and known.result.processing_version == self.processing_version
        return message.must_verify and is_of_this_version and not known.is_peer_unfinished

    def _put_back(self, event: ObjectEvent, message: Message, known: Known) -> None:
        """Put a message back in a passive region, or note that its object was deleted there."""
        if known.result is None and message.hops % _PUT_BACKS_BETWEEN_LOOKS == _PUT_BACKS_BETWEEN_LOOKS - 1:
            try:
                self.reader.open(event).close()
            except UnreadableError as problem:
                self._note_gone(event, message, known, problem)
                return
        self.shadow.put_back(message, event, known.put_backs, continued_at=known.continued_at)

    def _is_settled(self, event: ObjectEvent, message: Message, known: Known, deadline: Deadline) -> bool:
        """Return whether this region's replica holds RESULT and every record that it counts.

        A global table replicates each item separately. RESULT may arrive before its records, and they never arrive if the
        region that wrote them is lost in between. So RESULT alone proves nothing here. A complete replica is noted.
        """
        if known.result is None:
            return False
        is_rewritten = known.is_rewritten(time.time())
        # An earlier invocation may have overwritten records with another version's, and crashed or stopped.
        if not known.is_settled or message.may_have_written or message.must_verify:
            if is_rewritten:
                return False
            if not self.ledger.holds(event.object_id, known.result, deadline):
                if known.is_settled:  # the note is no longer true
                    self.ledger.unsettle(event.object_id)
                if time.time() - known.result.processed_at > _SECONDS_TO_REPLICATE:
                    self.telemetry.count("ResultsWithoutRecords")
                return False
            if known.result.has_archive and known.result.region != self.settings.region:
                self._archive_here(event, message, known, deadline)
            if not self.ledger.settle(event.object_id, known.result, time.time(), withdrawals=known.withdrawals):
                return False
        if known.is_attempt_unfinished and not is_rewritten:  # an attempt crashed between RESULT and its last note
            self.ledger.finish(event.object_id, time.time(), attempts=known.attempts)
        return True

    def _is_outdated(self, message: Message, known: Known) -> bool:
        """Return whether an operator wants an object reprocessed whose records have another processing version."""
        is_of_another_version = known.result and known.result.processing_version != self.processing_version
        return message.must_reprocess and bool(is_of_another_version)

    def _archive_here(self, event: ObjectEvent, message: Message, known: Known, deadline: Deadline) -> None:
        """Copy the other region's archive entries of an object to this region's archive, in case that region is lost.

        An object that is not in this region's bucket cannot be read here; RESULT names the region whose archive holds the
        entries.

        Raises:
            OutOfTimeError: This invocation has read no record.
            _ContinuesError: The next invocation reads more of the object.
        """
        assert known.result  # noqa: S101 - for mypy
        try:
            opened = self.reader.open(event)
        except UnreadableError:
            return
        try:
            if known.result.reason:
                self._archive_object(event, message, known.result.reason, opened.facts)
                return
            held = self._from(known.archived, 0, opened)
            with Intake(event.object_id, self.transform, held.taken) as intake, suppress(UnreadableError):
                # with this version's code
                walk = self._take(event, opened, deadline, held, intake, forget=self.ledger.unsettle).walk
                if walk.is_late:
                    self.ledger.note_archived(event.object_id, self._read_so_far(event, held, intake, walk))
                    self.own_queue.continue_later(message, event)
                    raise _ContinuesError
                self.archive.rejections(event.object_id, intake.rejections())
        finally:
            opened.close()

    def _take_in(self, attempt: _Attempt) -> None:
        event, known = attempt.event, attempt.known
        forget = [schema.CHECKPOINT] if known.checkpoint is not None and attempt.checkpoint is None else []
        forget += [schema.GONE] if self.settings.region in known.gone_in else []
        version = self.processing_version
        began = self.ledger.begin(event.object_id, attempt.began, processing_version=version, forget=forget)
        attempt = replace(attempt, known=replace(known, attempts=began))
        is_overtaking = known.version_at_work not in ("", version) or began > known.attempts + 1
        if is_overtaking or (known.result and (known.is_settled or known.result.processing_version != version)):
            # Only now: who reads the count of withdrawals later than this one also finds the attempt.
            self.ledger.unsettle(event.object_id, version)
        try:
            opened = self.reader.open(event)
        except UnreadableError as problem:
            self._note_gone(event, attempt.message, attempt.known, problem)
            return
        try:
            if not self._read(attempt, opened):
                return
        except UnreadableError as problem:
            self._quarantine(attempt, problem, opened.facts)
        except OutOfTimeError:
            if not attempt.has_whole_time:
                self._postpone(attempt.message, event)
                return
            if not self._is_too_slow(attempt):
                raise
            self._quarantine(attempt, _TOO_SLOW, opened.facts)
        finally:
            opened.close()
        self.ledger.finish(event.object_id, time.time(), attempts=began)
        if not _is_canary(event):
            self.telemetry.object_seconds(time.time() - attempt.began)

    def _read(self, attempt: _Attempt, opened: OpenedObject) -> bool:
        """Read an object to its end, and only then write the rejected records, the accepted records and RESULT.

        Returns:
            Whether RESULT is written; otherwise the next invocation continues.

        Raises:
            OutOfTimeError: This invocation came no further than the ones before it.
        """
        event, held = attempt.event, self._from(attempt.checkpoint, attempt.epoch, opened)
        if held.is_read:
            reading = self._reading(event, opened, attempt.deadline, held)
            return self._write(attempt, reading, held, accepted_of(reading.walk, self.transform))
        with Intake(event.object_id, self.transform, held.taken) as intake:
            forget = self.ledger.forget_checkpoint
            reading = self._take(event, opened, attempt.deadline, held, intake, forget=forget)
            if reading.walk.is_late:
                self._continue(attempt, self._read_so_far(event, held, intake, reading.walk))
                return False
            if intake.taken.rejected:
                self.archive.rejections(event.object_id, intake.rejections())
            read = replace(held, is_read=True, taken=intake.taken, place=Place())
            if not intake.is_spooled:  # the next invocation reads the records again to write them
                self._continue(attempt, read)
                return False
            return self._write(attempt, reading, read, intake.prepared())

    def _reading(self, event: ObjectEvent, opened: OpenedObject, deadline: Deadline, held: Checkpoint) -> _Reading:
        """Return an object's format, and the walk through its records from a checkpoint on.

        The digest of an upload is of all its bytes, so they are all requested until it was read to its end.
        """
        content = open_object(
            in_time(opened.chunks(maximum_bytes=self.settings.maximum_object_bytes), deadline),
            object_key=event.key,
            maximum_expanded_bytes=self.settings.maximum_expanded_bytes,
            position=held.place.position,
            seek=(lambda at: in_time(opened.chunks_from(at), deadline)) if held.is_read or not event.upload else None,
            pin=pinned(self.settings.formats, event.key),
        )
        seconds = _SECONDS_TO_WRITE if held.is_read else 0.0
        walk = Walk(content.records, held.place, held.first, deadline, seconds_to_write=seconds)
        return _Reading(held, opened.facts, content, walk)

    def _from(self, held: Checkpoint | None, epoch: int, opened: OpenedObject) -> Checkpoint:
        """Return a checkpoint if it is of this processing version and of the same bytes, otherwise one of the beginning.

        Another version of an upload may hold other bytes.
        """
        if held and (held.processing_version, held.version_id) == (self.processing_version, opened.version_id):
            return held
        return Checkpoint(self.processing_version, epoch, opened.version_id)

    def _take(  # noqa: PLR0913 - two callers
        self,
        event: ObjectEvent,
        opened: OpenedObject,
        deadline: Deadline,
        held: Checkpoint,
        intake: Intake,
        *,
        forget: Callable[[str], object],
    ) -> _Reading:
        """Take the records from a checkpoint on, and before them the rejected ones that earlier invocations have archived.

        Raises:
            LookupError: Some are missing; the next delivery reads the object from its beginning.
        """
        if held.taken.rejected:
            try:
                intake.recall(self.archive.recall(event.object_id, self.processing_version))
            except LookupError:
                forget(event.object_id)
                raise
        reading = self._reading(event, opened, deadline, held)
        try:
            intake.take(reading.walk)
            if not reading.walk.is_late:
                opened.check_digest()
        except UnreadableError:
            # Too little time is left to quarantine it. The next invocation begins where this one failed, with all its time.
            if intake.taken.records == held.taken.records or not deadline.is_too_late_for(_SECONDS_TO_WRITE):
                raise
            reading.walk.is_late = True
        return reading

    def _read_so_far(self, event: ObjectEvent, held: Checkpoint, intake: Intake, walk: Walk) -> Checkpoint:
        """Archive the rejected records that were read, and return the checkpoint from which the next invocation reads.

        Raises:
            OutOfTimeError: No record was read.
        """
        taken = intake.taken
        if taken.records == held.taken.records:
            raise OutOfTimeError("no record of the object is read before the function's time ends")
        if taken.rejected > held.taken.rejected:
            self.archive.first_rejections(event.object_id, self.processing_version, intake.rejections())
        return replace(held, taken=taken, place=walk.last)

    def _write(self, attempt: _Attempt, reading: _Reading, read: Checkpoint, left: Iterable[tuple[int, bytes]]) -> bool:
        """Write the records that are left, check all of the object's, and write RESULT.

        The check reads each record's processing version, not its content: it finds what another attempt replaced or deleted
        since this version wrote it. A first attempt that takes seconds needs none: it has just written every record.

        Args:
            attempt: The attempt.
            reading: The object; `left` reads it, or it was read.
            read: Checkpoint of the object at its end; the records below `read.ordinal` were written.
            left: Ordinal and text of each other accepted record.

        Returns:
            Whether RESULT is written; otherwise the next invocation continues.

        Raises:
            OutOfTimeError: This invocation came no further than the ones before it.
            ConflictingRecordsError: This replica lacks records that this version has written.
        """
        object_id, deadline, taken = attempt.event.object_id, attempt.deadline, read.taken
        walk, expires_at = reading.walk, self._expires_at(attempt.event, reading.facts)
        reached = self.ledger.write_records(object_id, left, self.processing_version, deadline, expires_at=expires_at)
        if reached is None and walk.is_late:
            reached = walk.next
        has_deleted = False
        is_short = time.time() - attempt.began < _SECONDS_UNCHECKED
        if reached is None and not (is_short and not (attempt.known.was_begun or attempt.known.result)):
            found = self.ledger.prune(object_id, taken.records, self.processing_version, deadline)
            if not found.is_whole:
                reached, has_deleted = taken.records, found.deleted > 0
            elif found.held != taken.accepted:
                self.ledger.forget_checkpoint(object_id)
                raise ConflictingRecordsError(object_id, found.held, taken.accepted)
        if reached is None:
            self._complete(attempt, reading, taken)
            return True
        if reading.held.is_read and reached == read.ordinal and not has_deleted:
            raise OutOfTimeError(
                "reading the object leaves too little of a whole invocation to write records; split it into several files "
                "(or raise the setting limits.processor_timeout_seconds)"
            )
        self._continue(attempt, replace(read, ordinal=reached, place=walk.place_of(reached)))
        return False

    def _complete(self, attempt: _Attempt, reading: _Reading, taken: Taken) -> None:
        self._conclude(
            attempt,
            reading.facts,
            state=schema.COMPLETED,
            accepted=taken.accepted,
            rejected=taken.rejected,
            effect_digest=taken.effect_digest,
            format=reading.content.format.value,
            compression=reading.content.compression.value,
        )
        if not _is_canary(attempt.event):
            self.telemetry.count("ObjectsCompleted")
            self.telemetry.count("RecordsAccepted", taken.accepted)
            self.telemetry.count("RecordsRejected", taken.rejected)
        logger.info("an object is completed", accepted=taken.accepted, rejected=taken.rejected)

    def _continue(self, attempt: _Attempt, checkpoint: Checkpoint) -> None:
        """Note how far the attempt came, and only then send the message for the next invocation."""
        event = attempt.event
        self.ledger.note_checkpoint(event.object_id, checkpoint, time.time())
        self.own_queue.continue_later(attempt.message, event, has_written=True)
        self.telemetry.count("ObjectsContinued")
        logger.info("an object continues in the next invocation", read=checkpoint.taken.records, written=checkpoint.ordinal)

    def _is_too_slow(self, attempt: _Attempt) -> bool:
        """Return whether whole invocations did not suffice to read a record of an object, the last receive's too.

        Nothing is written while an object is read, so DynamoDB does not slow it down; another attempt takes as long.
        """
        is_last = attempt.message.receive_count >= self.settings.maximum_receives
        held = attempt.known.checkpoint
        return is_last and not (held and held.is_read)

    def _quarantine(self, attempt: _Attempt, problem: UnreadableError, facts: ObjectFacts) -> None:
        """Archive an unreadable object, send its message to the dead-letter queue, and only then write RESULT."""
        event, message = attempt.event, attempt.message
        self._archive_object(event, message, problem.reason, facts)
        self.dead_letters.send(message, problem, event.object_id)
        if attempt.known.was_begun or attempt.known.result:  # RESULT will count no record
            found = self.ledger.prune(event.object_id, 0, "", attempt.deadline)
            if not found.is_whole:
                raise OutOfTimeError("the function's time ends before the records of earlier attempts are deleted")
        # Counted before RESULT: a repeated attempt may count twice, but none that finds RESULT would count at all.
        self.telemetry.count("ObjectsQuarantined")
        self._conclude(
            attempt,
            facts,
            state=schema.QUARANTINED,
            accepted=0,
            rejected=0,
            effect_digest=EffectDigest().hexdigest(),
            reason=problem.reason,
        )
        logger.warning("an object is quarantined", fault=problem.fault.value, reason=problem.reason)

    def _note_gone(self, event: ObjectEvent, message: Message, known: Known, problem: UnreadableError) -> None:
        """Note that this region's bucket holds no version of an object, so there is nothing to process or redrive.

        This writes no RESULT: the other region's bucket may hold a version, and may have processed it. A RESULT written
        here could replace that region's, and deleting records here could delete the ones that it wrote.

        Raises:
            UnrepairableError: RESULT counts records that this replica does not hold.
        """
        if known.result:
            raise UnrepairableError(event.object_id)
        self._archive_note(event, message, problem.reason)
        self.ledger.note_gone(event.object_id, problem.reason, time.time())
        self.telemetry.count("ObjectsQuarantined")
        logger.warning("an object is gone", reason=problem.reason)

    def _archive_object(self, event: ObjectEvent, message: Message, reason: str, facts: ObjectFacts) -> None:
        """Archive a quarantined object's bytes and its reason, which begins with the fault."""
        copied = self.archive.copy(event, facts.size)
        self._archive_note(
            event, message, reason, size=facts.size, object=f"quarantined/{event.object_id}/object" if copied else None
        )

    def _archive_note(self, event: ObjectEvent, message: Message, reason: str, **copy: Any) -> None:  # noqa: ANN401
        where = {"bucket": event.bucket, "object_key": event.key, "version_id": event.version_id}
        note = self._note(message, reason) | {"fault": reason.partition(":")[0], "size": None, "object": None}
        self.archive.quarantine(event.object_id, note | where | copy)

    def _refuse(self, message: Message, problem: UnreadableError, identity: str) -> None:
        """Archive a message, or a record of one, that names no object, and send it to the dead-letter queue."""
        self.archive.quarantine(identity, self._note(message, problem.reason))
        self.dead_letters.send(message, problem, identity)
        self.telemetry.count("MessagesRefused")
        logger.warning("a message is not an S3 event", reason=problem.reason, message_id=message.message_id)

    def _conclude(self, attempt: _Attempt, facts: ObjectFacts, **outcome: Any) -> None:  # noqa: ANN401
        """Write RESULT, and note that this region's replica holds its records, which this attempt has just written.

        The first RESULT wins. Another processing version replaces it only if its records no longer exist: the region that
        wrote them is lost, and this region's attempt wrote different ones.

        The note may be refused: an attempt of another version has withdrawn it meanwhile. That attempt has a delivery of its
        own, which ends only when the object is settled. If both have the same message and that attempt crashes, the object
        stays unsettled until the reconciler verifies it, and the issuer reports it as accepted until then.
        """
        event, known = attempt.event, attempt.known
        upload = event.upload
        result = Result(
            object_id=event.object_id,
            source=upload.source if upload else event.source,
            file_key=object_keys.file_key(event.key),
            object_key=event.key,
            received_at=facts.received_at,
            size=facts.size,
            region=self.settings.region,
            epoch=attempt.epoch,
            version_id=event.version_id,
            expires_at=self._expires_at(event, facts),
            processing_version=self.processing_version,
            **outcome,
        )
        made = Concluded(
            accepted=result.accepted,
            records=result.accepted + result.rejected,
            effect_digest=result.effect_digest,
            processing_version=result.processing_version,
            expires_at=result.expires_at,
        )
        is_of_another_version = known.result and known.result.processing_version != self.processing_version
        instead_of = known.result if is_of_another_version else None
        if (
            not self.ledger.conclude(result, time.time(), instead_of=instead_of)
            and self.ledger.look(event.object_id).result != made
        ):
            self.ledger.unsettle(event.object_id)  # this attempt has overwritten the records that the note is about
            raise ConflictingResultError(event.object_id)
        self.ledger.settle(event.object_id, made, time.time(), withdrawals=known.withdrawals)

    def _expires_at(self, event: ObjectEvent, facts: ObjectFacts) -> int | None:
        """Return when a canary's rows may be deleted, the same in both regions; None for every other object."""
        days = self.settings.canary_retention_days
        if not days or not _is_canary(event):
            return None
        return schema.expires_at(datetime.fromisoformat(facts.received_at).timestamp(), days)

    def _note(self, message: Message, reason: str) -> dict[str, Any]:
        return {
            "reason": reason,
            "region": self.settings.region,
            "noted_at": timestamps.from_epoch(time.time()),
            "message_id": message.message_id,
            "receive_count": message.receive_count,
            "first_seen": timestamps.from_epoch(message.first_seen / 1000),
            "body": message.body,
        }


def _is_canary(event: ObjectEvent) -> bool:
    """Return whether an object is an observer's canary, which the metrics of users' objects do not count."""
    return event.upload is not None and event.upload.source == object_keys.CANARY_SOURCE
