"""Variants of the protocol that are wrong on purpose: the simulator must convict each of them.

Each replaces a method of the handlers for as long as it is entered.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from handlers.issuer.states import State, StateReader
from handlers.processor.archive import Archive
from handlers.processor.deadline import Deadline
from handlers.processor.intake import Intake
from handlers.processor.messages import ObjectEvent
from handlers.processor.own_queue import OwnQueue
from handlers.processor.pipeline import Pipeline
from handlers.processor.reconciler import Kind, Reconciler
from handlers.processor.shadow import Shadow
from handlers.processor.store import Ledger, Result
from handlers.shared import claims, object_keys, schema
from handlers.shared.control import ControlRegister
from simulation.plan import PRIMARY

Change = tuple[object, str, Callable[..., Any] | property]


def _acknowledge_on_result(_pipeline: Any, _event: Any, _message: Any, known: Any, _deadline: Any) -> bool:  # noqa: ANN401
    return known.result is not None


_MOMENT: Final = "2026-01-01T00:00:00.000Z"
_write_records, _conclude = Ledger.write_records, Ledger.conclude


def _keep_records_back(self: Any, object_id: str, prepared: Any, *given: Any, **named: Any) -> None:  # noqa: ANN401 - the ledger
    vars(self)["kept_back"] = (object_id, list(prepared), given, named)


def _conclude_first(self: Any, *given: Any, **named: Any) -> bool:  # noqa: ANN401 - the ledger
    is_first = _conclude(self, *given, **named)
    if kept := vars(self).pop("kept_back", None):
        object_id, prepared, others, others_named = kept
        _write_records(self, object_id, prepared, *others, **others_named)
    return is_first


def _mutable_status(self: Any, result: Any, now: float, **_: Any) -> bool:  # noqa: ANN401 - the ledger
    item = result.item(f"{now}") | {"state": {"S": "PROCESSED" if now % 2 < 1 else "COMPLETED"}}
    self._dynamodb.put_item(TableName=self._table_name, Item=item)
    return True


def _conclude_gone(self: Any, event: Any, _message: Any, known: Any, problem: Any) -> None:  # noqa: ANN401 - the pipeline
    if known.was_begun:
        self.ledger.prune(event.object_id, (), 0, Deadline(lambda: 60.0))
    facts = {"object_id": event.object_id, "source": event.source, "file_key": event.key, "object_key": event.key}
    made = {"state": schema.QUARANTINED, "accepted": 0, "rejected": 0, "effect_digest": "", "reason": problem.reason}
    whose = {"region": self.settings.region, "epoch": 0, "version_id": event.version_id, "received_at": _MOMENT}
    self.ledger.conclude(Result(**facts, **made, **whose, processing_version=self.processing_version), 0.0)


def _durable_once_processed(_self: Any, rows: Any, _key: Any = None) -> tuple[State, bool]:  # noqa: ANN401 - the reader
    return State.PROCESSED, rows.result is not None


def _trust_the_note(_self: Any, _run: Any, _object_id: str, known: Any) -> Kind | None:  # noqa: ANN401 - the reconciler
    return None if known.result else Kind.NO_RESULT


def _nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in place of any method
    return None


def _fail(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in place of any method
    raise RuntimeError("waiting is a failed delivery")


def _claim_the_shared_row(self: Any, region: str, *, claimed_by: str, claimed_at: str) -> None:  # noqa: ANN401 - the register
    regions, table = self._regions, self._table_name
    rows = claims.read_rows(self._dynamodb, table, regions)
    epoch = claims.next_epoch(claims.parse(rows.values(), regions).epochs)
    item = {"pk": {"S": schema.control_partition_key(regions[0])}, "sk": {"S": schema.ACTIVE}, "epoch": {"N": str(epoch)}}
    whose = {"active": {"S": region}, "claimed_by": {"S": claimed_by}, "claimed_at": {"S": claimed_at}}
    self._dynamodb.put_item(TableName=table, Item=item | whose)


def _claim_after_one_region(epochs: Any, *_: Any) -> int:  # noqa: ANN401 - a mapping
    return int(epochs.get(PRIMARY, 0)) + 1


def _conclude_and(more: Callable[[Any, Any], None]) -> Callable[..., bool]:
    def conclude(self: Any, result: Any, *given: Any, **named: Any) -> bool:  # noqa: ANN401 - the ledger
        more(self, result)
        return _conclude(self, result, *given, **named)

    return conclude


def _count(self: Any, result: Any) -> None:  # noqa: ANN401 - the ledger
    self._dynamodb.update_item(
        TableName=self._table_name,
        Key={"pk": {"S": "TOTALS"}, "sk": {"S": "ALL"}},
        UpdateExpression="ADD objects :one, records :records",
        ExpressionAttributeValues={":one": {"N": "1"}, ":records": {"N": str(result.accepted)}},
    )


def _point_to_latest(self: Any, result: Any) -> None:  # noqa: ANN401 - the ledger
    key = {"pk": {"S": f"FILE#{result.source}"}, "sk": {"S": "LATEST"}}
    self._dynamodb.put_item(TableName=self._table_name, Item=key | {"object_id": {"S": result.object_id}})


_calls = itertools.count()


def _transform_by_chance(self: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - an intake
    _init(self, *given, **named)
    transform = vars(self)["_transform"]
    vars(self)["_transform"] = lambda record: transform(record) | {"drawn": next(_calls)}


_init = Intake.__init__

VARIANTS: Final[dict[str, list[Change]]] = {
    "acknowledge on RESULT alone": [(Pipeline, "_is_settled", _acknowledge_on_result)],
    "acknowledge before write": [(Ledger, "write_records", _nothing)],
    "RESULT before the last record": [
        (Ledger, "write_records", _keep_records_back),
        (Ledger, "conclude", _conclude_first),
    ],
    "version in an upload's identity": [
        (
            ObjectEvent,
            "object_id",
            property(lambda self: object_keys.digest("object", self.source, self.key, self.version_id)),
        )
    ],
    "bucket name in the identity": [
        (
            ObjectEvent,
            "object_id",
            property(lambda self: object_keys.digest("object", self.bucket, self.key, self.version_id)),
        )
    ],
    "mutable status": [(Ledger, "conclude", _mutable_status)],
    "shared control row": [(ControlRegister, "claim", _claim_the_shared_row)],
    "epoch from the wrong region": [(claims, "next_epoch", _claim_after_one_region)],
    "shared counter": [(Ledger, "conclude", _conclude_and(_count))],
    "latest as a row": [(Ledger, "conclude", _conclude_and(_point_to_latest))],
    "non-deterministic transform": [(Intake, "__init__", _transform_by_chance)],
    "region in the identity": [
        (
            ObjectEvent,
            "object_id",
            property(lambda self: object_keys.digest("object", self.record["awsRegion"], self.key, self.version_id)),
        )
    ],
    "drop instead of put back": [(OwnQueue, "put_back", _nothing)],
    "passive drops everything": [(Shadow, "put_back", _nothing)],
    "receive count used up by waiting": [(Shadow, "put_back", _fail)],
    "put-back without generation": [(Ledger, "note_put_backs", _nothing)],
    "promotion that claims nothing": [(ControlRegister, "claim", _nothing)],
    "archive in one region only": [(Pipeline, "_archive_here", _nothing)],
    "a deleted version is a RESULT": [(Pipeline, "_note_gone", _conclude_gone)],
    "quarantine without its note": [(Archive, "quarantine", _nothing)],
    "durable from processed": [(StateReader, "judge", _durable_once_processed)],
    "reconciler that trusts what was noted": [(Reconciler, "_kind", _trust_the_note)],
    "no reconciler": [(Reconciler, "run", _nothing)],
    "trust RESULT without reading the replica": [(Ledger, "holds", lambda *_: True)],
}
"""What is wrong, by name."""


@contextmanager
def sabotaged(name: str) -> Iterator[None]:
    """Run the handlers with a variant."""
    changes = [patch.object(owner, attribute, change) for owner, attribute, change in VARIANTS[name]]
    for change in changes:
        change.start()
    try:
        yield
    finally:
        for change in reversed(changes):
            change.stop()
