"""Wrong variants of the processor and its reconciler: the replaced attributes, by the variant's name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from handlers.processor.archive import Archive
from handlers.processor.deadline import Deadline
from handlers.processor.errors import UnreadableError
from handlers.processor.intake import Intake
from handlers.processor.messages import Message
from handlers.processor.objects import ObjectReader, OpenedObject
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.pipeline import Pipeline
from handlers.processor.reconciler import Kind, Notes, Reconciler, ReconcilerRow
from handlers.processor.record_rows import Pruned, RecordRows
from handlers.processor.record_writer import RecordWriter
from handlers.processor.shadow import Shadow
from handlers.processor.store import Checkpoint, Concluded, Known, Ledger, Result
from handlers.processor.walk import Place, Walk
from handlers.shared import timestamps
from handlers.shared.control import ControlRegister
from simulation.plan import SLOW_BATCH

Change = tuple[object, str, Any]

_objects, _kind, _versions = Pipeline._objects, Reconciler._kind, Reconciler._versions  # noqa: SLF001 - replaced
_look, _conclude, _prune, _item = Ledger.look, Ledger.conclude, Ledger.prune, Result.item
_pages = RecordRows.pages
_begin, _write, _settle, _holds = Ledger.begin, RecordWriter.write, Ledger.settle, Ledger.holds
_last, _from_row = Walk.last.fget, Checkpoint.from_row  # type: ignore[attr-defined]
_read_so_far = Pipeline._read_so_far  # noqa: SLF001 - replaced
_from_record: Final[Callable[..., Message]] = vars(Message)["from_record"].__func__


def _nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in place of any method
    return None


def _refuse_all_with_one(self: Any, message: Any, deadline: Any) -> list[Any]:  # noqa: ANN401 - the pipeline
    try:
        judged = message.objects(self.settings.source, self.settings.ingest_bucket)
    except UnreadableError:
        return _objects(self, message, deadline)
    if refused := [one for one in judged if isinstance(one, UnreadableError)]:
        self._refuse(message, refused[0], message.message_identity)
    return [] if refused else judged


def _skip_foreign_records(self: Any, message: Any, _deadline: Any) -> list[Any]:  # noqa: ANN401 - the pipeline
    try:
        return [
            one
            for one in message.objects(self.settings.source, self.settings.ingest_bucket)
            if not isinstance(one, UnreadableError)
        ]
    except UnreadableError:
        return []


def _send_whole_message(self: Any, message: Any, _event: Any, *, delay_seconds: int) -> None:  # noqa: ANN401 - the queue
    numbers = {"first_seen": message.first_seen, "hops": message.hops + 1}
    self._send(message.body, delay_seconds, numbers)


def _send_without(name: str) -> Callable[..., None]:
    def put_back(self: Any, message: Any, event: Any, *, delay_seconds: int) -> None:  # noqa: ANN401 - the queue
        numbers = {"first_seen": message.first_seen, "hops": message.hops + 1}
        self._send(event.body, delay_seconds, {key: value for key, value in numbers.items() if key != name})

    return put_back


def _kind_without(ignored: Kind) -> Callable[..., Kind | None]:
    def judge(self: Any, run: Any, object_id: str, known: Any) -> Kind | None:  # noqa: ANN401 - the reconciler
        found = _kind(self, run, object_id, known)
        return None if found is ignored else found

    return judge


def _conclude_always(self: Any, result: Any, now: float, **_: Any) -> bool:  # noqa: ANN401 - the ledger
    item = result.item(timestamps.from_epoch(now))
    self._dynamodb.put_item(TableName=self._table_name, Item=item)
    return True


def _first_page(self: Any, records: int) -> Iterator[Any]:  # noqa: ANN401 - the rows
    yield next(_pages(self, records))


def _holds_by_count(self: Any, object_id: str, result: Any, deadline: Any) -> bool:  # noqa: ANN401 - the ledger
    pages = self._rows(object_id, result.processing_version, deadline).pages(result.records)
    return bool(sum(page["Count"] for page in pages) == result.accepted)


def _read_once(self: Any) -> Any:  # noqa: ANN401 - the register
    self._last = self._last or self.read()
    return self._last


class _ExpectedNumber(int):
    """A number of records that no check finds wrong."""

    def __ne__(self, _other: object) -> bool:
        return False

    __hash__ = int.__hash__


def _prune_all(self: Any, object_id: str, records: int, _version: str, deadline: Any) -> Pruned:  # noqa: ANN401 - the ledger
    return replace(_prune(self, object_id, records, "", deadline), held=_ExpectedNumber())


def _prune_what_was_written(self: Any, object_id: str, *given: Any) -> Pruned:  # noqa: ANN401 - the ledger
    known = self.look(object_id)
    pruned: Pruned = Pruned(held=_ExpectedNumber()) if known.checkpoint else _prune(self, object_id, *given)
    return pruned


def _trust_own(self: Any, object_id: str, result: Any, deadline: Any) -> bool:  # noqa: ANN401 - the ledger
    return bool(result.region == self._region or _holds(self, object_id, result, deadline))


def _valid_despite(*ignored: str) -> Callable[..., Checkpoint | None]:
    """Return a rule by which an attempt uses a checkpoint whatever some fields of it are."""

    def valid(self: Any, held: Checkpoint | None, epoch: int) -> Checkpoint | None:  # noqa: ANN401 - the pipeline
        own = {"processing_version": self.processing_version, "epoch": epoch}
        is_own = held and all(getattr(held, name) == own[name] for name in own.keys() - {*ignored})
        return replace(held, **own) if held and is_own else None

    return valid


def _skip_one(self: Any) -> Place:  # noqa: ANN401 - the walk
    place: Place = _last(self)
    return place._replace(ordinal=place.ordinal - 1)


def _forget_digest(row: dict[str, Any]) -> Checkpoint | None:
    held = _from_row(row)
    return held and replace(held, taken=replace(held.taken, effect_digest="0"))


def _read_so_far_as_whole(self: Any, *given: Any) -> Checkpoint:  # noqa: ANN401 - the pipeline
    return replace(_read_so_far(self, *given), is_read=True, place=Place())


def _write_and_claim_more(self: Any, puts: Any) -> int | None:  # noqa: ANN401 - the writer
    reached = _write(self, puts)
    return None if reached is None else reached + 2 * SLOW_BATCH


def _write_in_time(self: Any, puts: Any) -> None:  # noqa: ANN401 - the writer
    _write(self, puts)


def _keep_checkpoint(self: Any, *given: Any, processing_version: str, **_: Any) -> int:  # noqa: ANN401 - the ledger
    return _begin(self, *given, processing_version=processing_version)


def _settle_always(self: Any, object_id: str, result: Any, now: float, **_: Any) -> bool:  # noqa: ANN401 - the ledger
    return _settle(self, object_id, result, now, withdrawals=self.look(object_id).withdrawals)


def _write_once(self: Any, batch: Any) -> None:  # noqa: ANN401 - the writer
    self._requests.send(batch)


def _settle_before_archive(self: Any, event: Any, message: Any, known: Any, deadline: Any) -> bool:  # noqa: ANN401 - the pipeline
    if known.result is None or not self.ledger.holds(event.object_id, known.result, deadline):
        return False
    self.ledger.settle(event.object_id, known.result, 0.0, withdrawals=known.withdrawals)
    if known.result.has_archive and known.result.region != self.settings.region:
        self._archive_here(event, message, known, deadline)
    return True


def _one_page(self: Any, run: Any, walk: Any, *, since: float) -> Any:  # noqa: ANN401 - the reconciler
    return replace(_versions(self, run, walk, since=since), is_whole=True, cursor=None)


def _message_with(**changes: Any) -> Any:  # noqa: ANN401 - a class method
    return classmethod(lambda cls, record: replace(_from_record(cls, record), **changes))


def _item_of(**changes: Any) -> Callable[..., Any]:  # noqa: ANN401 - of a RESULT
    return lambda self, processed_at: _item(replace(self, **changes), processed_at)


WRONG_PROCESSORS: Final[dict[str, dict[str, list[Change]]]] = {
    "an invocation ends before its timeout": {
        "deadline never checked": [
            (Deadline, "check", _nothing),
            (Deadline, "is_too_late_to_begin", property(lambda _: False)),
        ],
    },
    "a message is acknowledged for what is settled, queued or gone": {
        "one foreign record condemns its event": [(Pipeline, "_objects", _refuse_all_with_one)],
        "first object of an event only": [(Pipeline, "_objects", lambda *given: _objects(*given)[:1])],
        "put-back without its count": [(OwnQueue, "put_back", _send_without("hops"))],
        "gone noted nowhere": [(Ledger, "note_gone", _nothing)],
        "checkpoint noted, and nothing sent": [(OwnQueue, "continue_later", _nothing)],
    },
    "a refused record has its note and its dead letter": {
        "foreign records vanish": [(Pipeline, "_objects", _skip_foreign_records)],
    },
    "the shadow queue is bounded": {
        "whole event put back for each object": [(OwnQueue, "put_back", _send_whole_message)],
    },
    "what waits too long is a dead letter": {
        "put-back without its age": [(OwnQueue, "put_back", _send_without("first_seen"))],
        "overdue message dropped": [(Shadow, "_end", _nothing)],
        "overdue message without its note": [(Archive, "overdue", _nothing)],
    },
    "the last delivery leaves a note": {
        "last delivery without its note": [(Archive, "last_receive", _nothing)],
    },
    "RESULT follows its archive": {
        "no dead letter": [(DeadLetters, "send", _nothing)],
    },
    "RESULT says what the file is": {
        "digest of an upload unchecked": [(OpenedObject, "check_digest", _nothing)],
        "digest of earlier invocations forgotten": [(Checkpoint, "from_row", staticmethod(_forget_digest))],
    },
    "no accepted object is lost": {
        "file written before it is read to its end": [(Pipeline, "_read_so_far", _read_so_far_as_whole)],
        "gone in the active region ignored": [(Ledger, "look", lambda *given: replace(_look(*given), gone_in=frozenset()))],
        "checkpoint never noted": [(Ledger, "note_checkpoint", _nothing)],
        "reconciler ignores a missing RESULT": [(Reconciler, "_kind", _kind_without(Kind.NO_RESULT))],
        "reconciler never sends": [(Reconciler, "_sent", lambda _self, _run, finding: finding)],
        "reconciler reads one page of the bucket": [(Reconciler, "_versions", _one_page)],
        "reconciler ignores the passive region's list": [(Reconciler, "_look_at_waiting", _nothing)],
    },
    "what nobody can repair is listed": {
        "reconciler forgets its findings": [(ReconcilerRow, "recall", lambda _: Notes())],
        "reconciler reads no table": [(Reconciler, "_table_page", lambda _self, _run, walk: replace(walk, is_whole=True))],
    },
    "what is noted as gone is gone": {
        "no other version looked for": [(ObjectReader, "_versions", lambda *_: iter(()))],
    },
    "no note outlasts the records that it is about": {
        "unsettle does nothing": [(Ledger, "unsettle", _nothing)],
        "attempt of another version overtaken unseen": [
            (Ledger, "look", lambda *given: replace(_look(*given), version_at_work=""))
        ],
    },
    "a settled replica holds every record": {
        "settled while another version is written": [(Known, "is_rewritten", lambda *_: False)],
        "settled after a withdrawal": [(Ledger, "settle", _settle_always)],
        "everything pruned": [(Ledger, "prune", _prune_all)],
    },
    "the first RESULT of a version stays": {
        "RESULT written unconditionally": [(Ledger, "conclude", _conclude_always)],
    },
    "what a region holds is settled there": {
        "RESULT never replaced": [(Ledger, "conclude", lambda self, result, now, **_: _conclude(self, result, now))],
        "first page of records only": [(RecordRows, "pages", _first_page)],
        "reconciler ignores the archive": [(Reconciler, "_kind", _kind_without(Kind.NOT_ARCHIVED))],
    },
    "every record of a COMPLETED object is there": {
        "passive region repairs nothing": [(Pipeline, "_may_make_again", lambda *_: False)],
    },
    "each record is there once": {
        "nothing pruned": [(Ledger, "prune", lambda *_: Pruned(held=_ExpectedNumber()))],
        "nothing pruned after a checkpoint": [(Ledger, "prune", _prune_what_was_written)],
    },
    "a checkpoint follows its records": {
        "checkpoint of another epoch": [(Pipeline, "_valid", _valid_despite("epoch")), (Ledger, "begin", _keep_checkpoint)],
        "checkpoint of another version": [
            (Pipeline, "_valid", _valid_despite("processing_version")),
            (Ledger, "begin", _keep_checkpoint),
        ],
        "checkpoint noted before the write": [(RecordWriter, "write", _write_and_claim_more)],
        "RESULT though time has ended": [(RecordWriter, "write", _write_in_time)],
    },
    "RESULT follows its records": {
        "earlier records unchecked": [(Ledger, "prune", lambda *given: replace(_prune(*given), held=_ExpectedNumber()))],
        "unprocessed items dropped": [(RecordWriter, "_write", _write_once)],
    },
    "every record is counted": {
        "record skipped between two invocations": [(Walk, "last", property(_skip_one))],
    },
    "rejected lines are in an archive": {
        "rejections of earlier invocations forgotten": [(Intake, "recall", _nothing)],
    },
    "records follow their attempt": {
        "attempt never begun": [(Ledger, "begin", lambda *_, **__: 0)],
    },
    "what is noted as settled is there": {
        "RESULT of this region trusted": [(Ledger, "holds", _trust_own)],
        "records counted and not compared": [(Ledger, "holds", _holds_by_count)],
        "request to verify ignored": [(Message, "from_record", _message_with(must_verify=False))],
        "reconciler ignores missing records": [(Reconciler, "_kind", _kind_without(Kind.NO_RECORDS))],
    },
    "what is reprocessed has the new version": {
        "request to reprocess ignored": [(Message, "from_record", _message_with(must_reprocess=False))],
    },
    "the queue empties": {
        "control row read once": [(ControlRegister, "active", _read_once)],
    },
    "a passive region begins nothing": {
        "passive region processes": [(Pipeline, "_may_make_again", lambda *_: True)],
    },
    "a settled region's archive holds what was rejected": {
        "settled before archived": [(Pipeline, "_is_settled", _settle_before_archive)],
        "nothing archived for the other region": [(Concluded, "has_archive", property(lambda _: False))],
    },
    "RESULT names its epoch": {
        "epoch 0 in RESULT": [(Result, "item", _item_of(epoch=0))],
    },
    "RESULT names its writer": {
        "wrong region in RESULT": [(Result, "item", _item_of(region="us-east-1"))],
    },
    "the reconciler's work ends": {
        "reconciler keeps what is resolved": [
            (Reconciler, "_look_again", lambda _self, run, finding: run.findings.setdefault(finding.object_id, finding))
        ],
    },
}
