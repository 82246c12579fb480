"""Deliberately wrong variants of the protocol. The simulator must convict each of them.

Each is a context manager that replaces a method of the handlers.
"""

import dataclasses
import itertools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import wraps
from types import FunctionType
from typing import Any, Final
from unittest.mock import patch

import jwt
from botocore.exceptions import ClientError

from client.identity import new_upload_id, object_id
from client.platform import Known, Platform
from client.receipts import Receipts
from client.receipts import State as ClientState
from handlers.issuer import ledger as issuer_ledger
from handlers.issuer.multipart import MultipartUploads
from handlers.issuer.signing_keys import SigningKeys
from handlers.issuer.states import State, StateReader
from handlers.observer import application as observer_application
from handlers.observer import auto_promote, observation
from handlers.observer.auto_promote import Situation
from handlers.observer.peer import PeerReader, PeerView
from handlers.observer.web import is_ready
from handlers.processor import pipeline
from handlers.processor.archive import Archive
from handlers.processor.deadline import Deadline
from handlers.processor.intake import Intake
from handlers.processor.messages import ObjectEvent
from handlers.processor.own_queue import OwnQueue
from handlers.processor.pipeline import Pipeline
from handlers.processor.reconciler import Kind, Reconciler
from handlers.processor.shadow import Shadow
from handlers.processor.store import Ledger, Result
from handlers.shared import claims, object_keys, receipts, schema
from handlers.shared.effect import EffectDigest
from operations import failback_checks
from simulation import alarms, http_api, secrets_manager, watchers
from simulation.plan import PRIMARY
from simulation.scheduler import current_process
from simulation.wrong_processors import WRONG_PROCESSORS, Change


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
        self.ledger.prune(event.object_id, 0, "", Deadline(lambda: 60.0))
    facts = {"object_id": event.object_id, "source": event.source, "file_key": event.key, "object_key": event.key}
    made = {"state": schema.QUARANTINED, "accepted": 0, "rejected": 0, "effect_digest": "", "reason": problem.reason}
    whose = {"region": self.settings.region, "epoch": 0, "version_id": event.version_id, "received_at": _MOMENT}
    self.ledger.conclude(Result(**facts, **made, **whose, processing_version=self.processing_version), 0.0)


def _durable_once_processed(_self: Any, rows: Any, _key: Any = None) -> tuple[State, bool]:  # noqa: ANN401 - the reader
    return State.PROCESSED, rows.result is not None


def _any_note(_self: Any, _result: Any, replicas: Any) -> set[str]:  # noqa: ANN401 - the reader
    return {row["sk"].partition("#")[2] for row in replicas}


def _trust_the_note(_self: Any, _run: Any, _object_id: str, known: Any) -> Kind | None:  # noqa: ANN401 - the reconciler
    return None if known.result else Kind.NO_RESULT


def _nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in place of any method
    return None


def _fail(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in place of any method
    raise RuntimeError("waiting is a failed delivery")


def _claim_the_shared_row(table_name: str, region: str, epoch: int, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - a row, notes
    item = {"pk": {"S": schema.control_partition_key(PRIMARY)}, "sk": {"S": schema.ACTIVE}, "epoch": {"N": str(epoch)}}
    return {"TableName": table_name, "Item": item | {"active": {"S": region}}}


_claim_request = claims.claim_request


def _claim_nothing(table_name: str, region: str, _epoch: int, *, held: Any, **named: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    epoch = int((held or {}).get("epoch", {"N": "0"})["N"])
    return _claim_request(table_name, region, epoch, held=held, **named)


def _reader_of_own_replica(**given: Any) -> PeerReader:  # noqa: ANN401 - a client, names
    own = next(region for region in given["regions"] if region != given["region"])
    return PeerReader(**given | {"dynamodb": vars(observer_application)["boto3"].client("dynamodb", region_name=own)})


def _ask_own_api(http: Any, api_url: str) -> bool:  # noqa: ANN401 - a session
    process = current_process()
    return is_ready(http, http_api.api_url(process.region) if process else api_url)


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


_grant, _put, _state, _read = Platform.grant, Platform.put, Platform.state, SigningKeys.read


def _forget_the_journal(self: Any) -> int:  # noqa: ANN401 - the receipts
    os.ftruncate(vars(self)["_descriptor"], 0)
    return 0


def _grant_a_new_id(self: Any, endpoint: Any, upload: Any, part_size: int) -> Any:  # noqa: ANN401 - the platform
    upload_id = new_upload_id(vars(self)["_clock"].now())
    identity = object_id(upload.source, upload_id, upload.sha256)
    return _grant(self, endpoint, dataclasses.replace(upload, upload_id=upload_id, id=identity), part_size)


def _durable_once_processed_by_the_client(self: Any, endpoint: Any, upload: Any) -> Known:  # noqa: ANN401 - the platform
    known = _state(self, endpoint, upload)
    return dataclasses.replace(known, durable=known.state is ClientState.PROCESSED)


def _accepted_before_it_is_put(self: Any, endpoint: Any, grant: Any, body: Any) -> bool:  # noqa: ANN401 - the platform
    try:
        return _put(self, endpoint, grant, body)
    except Exception:  # noqa: BLE001 - whatever became of it
        return True


def _accepted_if_any_began(_self: Any, rows: Any) -> State:  # noqa: ANN401 - the reader
    return State.ACCEPTED if rows.attempts else State.UNKNOWN


_calls = itertools.count()


def _transform_by_chance(self: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - an intake
    _init(self, *given, **named)
    transform = vars(self)["_transform"]
    vars(self)["_transform"] = lambda record: transform(record) | {"drawn": next(_calls)}


_init = Intake.__init__
_item, _put_back, _process, _add = Result.item, Shadow.put_back, Pipeline.process, EffectDigest.add
_send = OwnQueue._send  # noqa: SLF001 - replaced


def _item_with(**more: str) -> Callable[..., Any]:
    return lambda self, processed_at: _item(self, processed_at) | {name: {"N": value} for name, value in more.items()}


def _write_expiring(self: Any, *given: Any, **named: Any) -> None:  # noqa: ANN401 - the ledger
    _write_records(self, *given, **named | {"expires_at": 1_800_000_000})


def _drop_equal_generation(self: Any, message: Any, event: Any, known_put_backs: int, **_: Any) -> None:  # noqa: ANN401 - the shadow
    if message.hops != known_put_backs or not known_put_backs:
        _put_back(self, message, event, known_put_backs)


def _note_before_send(self: Any, message: Any, event: Any, known_put_backs: int, **_: Any) -> None:  # noqa: ANN401 - the shadow
    if message.hops >= known_put_backs:
        vars(self)["_ledger"].note_put_backs(event.object_id, message.hops + 1)
        vars(self)["_own_queue"].put_back(message, event, delay_seconds=vars(self)["_delay_seconds"])


def _forget_generation_when_throttled(self: Any, body: str, delay: int, numbers: Any) -> None:  # noqa: ANN401 - the queue
    try:
        _send(self, body, delay, numbers)
    except ClientError:
        _send(self, body, delay, {})


def _acknowledge_failures(self: Any, *given: Any) -> None:  # noqa: ANN401 - the pipeline
    with suppress(Exception):
        _process(self, *given)


def _add_keys_only(self: Any, partition_key: str, sort_key: str, _record: bytes) -> None:  # noqa: ANN401 - the digest
    _add(self, partition_key, sort_key, b"")


def _copy_nothing(self: Any, event: Any, _size: int) -> bool:  # noqa: ANN401 - the archive
    key = f"quarantined/{event.object_id}/object"
    vars(self)["_s3"].put_object(Bucket=vars(self)["_bucket"], Key=key, Body=b"")
    return True


def _keep_no_rejections(self: Any, object_id: str, _ndjson: Any) -> None:  # noqa: ANN401 - the archive
    key = f"rejected/{object_id}.ndjson"
    vars(self)["_s3"].put_object(Bucket=vars(self)["_bucket"], Key=key, Body=b"")


def _unequal_results(statuses: Any, **_: Any) -> list[Any]:  # noqa: ANN401 - the regions' statuses
    return [failback_checks.Reason(text) for text in vars(failback_checks)["_digests"](statuses)]  # digests are of RESULTs


_grant_parts = MultipartUploads.parts


def _grant_one_part(self: Any, *given: Any) -> dict[str, Any]:  # noqa: ANN401 - the uploads
    answer = _grant_parts(self, *given)
    return answer | {"parts": answer["parts"][:1]}


def _complete_what_is_there(self: Any, receipt: Any, _parts_sha256: str) -> None:  # noqa: ANN401 - the uploads
    key = receipt.upload.object_key
    for multipart_id in self._begun(key):
        parts = {"Parts": list(self._held(key, multipart_id, 1, receipt.parts))}
        self.completing.complete_multipart_upload(Bucket="", Key=key, UploadId=multipart_id, MultipartUpload=parts)


def _accept_any_receipt(_self: Any, token: str) -> Any:  # noqa: ANN401 - the keys
    return vars(receipts)["_receipt"](jwt.decode(token, options={"verify_signature": False}))


def _identity_with(place: Callable[[Any], str]) -> list[Change]:
    identity = property(lambda self: object_keys.digest("object", place(self), self.key, self.version_id))
    return [(ObjectEvent, "object_id", identity)]


class StaleVariantError(BaseException):
    """Raised where a variant no longer fits the handlers: it would be convicted for its own fault."""


def _strict(change: Any) -> Any:  # noqa: ANN401 - a replaced attribute
    if not isinstance(change, FunctionType):
        return change

    @wraps(change)
    def called(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the attribute takes
        try:
            return change(*given, **named)
        except TypeError as error:
            raise StaleVariantError(f"{change.__qualname__}: {error}") from error

    return called


def _by_name(*tables: dict[str, dict[str, list[Change]]]) -> dict[str, tuple[str, list[Change]]]:
    return {
        name: (invariant, changes)
        for table in tables
        for invariant, variants in table.items()
        for name, changes in variants.items()
    }


VARIANTS: Final[dict[str, tuple[str, list[Change]]]] = _by_name(
    WRONG_PROCESSORS,
    {
        "every record of a COMPLETED object is there": {
            "acknowledge on RESULT alone": [(Pipeline, "_is_settled", _acknowledge_on_result)],
        },
        "RESULT follows its records": {
            "acknowledge before write": [(Ledger, "write_records", _nothing)],
            "RESULT before the last record": [
                (Ledger, "write_records", _keep_records_back),
                (Ledger, "conclude", _conclude_first),
            ],
        },
        "no record comes from nowhere": {
            "version in an upload's identity": _identity_with(lambda self: self.source),
            "bucket name in the identity": _identity_with(lambda self: self.bucket),
            "region in the identity": _identity_with(lambda self: self.record["awsRegion"]),
        },
        "RESULT says what the file is": {
            "mutable status": [(Ledger, "conclude", _mutable_status)],
            "RESULT of another size": [(Result, "item", _item_with(size="0"))],
            "digest of keys alone": [(EffectDigest, "add", _add_keys_only)],
            "completion that accepts a missing part": [
                (MultipartUploads, "parts", _grant_one_part),
                (MultipartUploads, "complete", _complete_what_is_there),
            ],
        },
        "a region writes its own rows only": {
            "shared control row": [(claims, "claim_request", _claim_the_shared_row)],
        },
        "a claim is above every epoch that is visible": {
            "epoch from the wrong region": [(claims, "next_epoch", _claim_after_one_region)],
            "promotion that claims nothing": [(claims, "claim_request", _claim_nothing)],
        },
        "a row has one writer or one content": {
            "shared counter": [(Ledger, "conclude", _conclude_and(_count))],
            "latest as a row": [(Ledger, "conclude", _conclude_and(_point_to_latest))],
        },
        "no record is changed": {
            "non-deterministic transform": [(Intake, "__init__", _transform_by_chance)],
        },
        "a message is acknowledged for what is settled, queued or gone": {
            "drop instead of put back": [(OwnQueue, "put_back", _nothing)],
            "passive drops everything": [(Shadow, "put_back", _nothing)],
            "acknowledge failures": [(Pipeline, "process", _acknowledge_failures)],
            "newest copy is dropped": [(Shadow, "put_back", _drop_equal_generation)],
            "note before send": [(Shadow, "put_back", _note_before_send)],
            "generation lost when throttled": [(OwnQueue, "_send", _forget_generation_when_throttled)],
        },
        "no message dies": {
            "receive count used up by waiting": [(Shadow, "put_back", _fail)],
        },
        "the shadow queue is bounded": {
            "put-back without generation": [(Ledger, "note_put_backs", _nothing)],
        },
        "a settled region's archive holds what was rejected": {
            "archive in one region only": [(Pipeline, "_archive_here", _nothing)],
        },
        "RESULT follows its archive": {
            "a deleted version is a RESULT": [(Pipeline, "_note_gone", _conclude_gone)],
            "quarantine without its note": [(Archive, "quarantine", _nothing)],
        },
        "durable never lies": {
            "durable by a withdrawn note": [(StateReader, "_settled_in", _any_note)],
            "durable from processed": [(StateReader, "judge", _durable_once_processed)],
            "durable from processed, in the client": [(Platform, "state", _durable_once_processed_by_the_client)],
        },
        "what is noted as settled is there": {
            "reconciler that trusts what was noted": [(Reconciler, "_kind", _trust_the_note)],
        },
        "no accepted object is lost": {
            "no reconciler": [(Reconciler, "run", _nothing)],
        },
        "what must last does not expire": {
            "TTL on RESULT": [(Result, "item", _item_with(expires_at="1800000000"))],
            "TTL on records": [(Ledger, "write_records", _write_expiring)],
        },
        "no processed object is listed as unfinished": {
            "attempt never finished": [(Ledger, "finish", _nothing)],
        },
        "rejected lines are in an archive": {
            "rejected lines are dropped": [(Archive, "rejections", _keep_no_rejections)],
        },
        "a quarantined object has its note and its copy": {
            "quarantined copy is empty": [(Archive, "copy", _copy_nothing)],
        },
        "what both regions hold is durable": {
            "durable never": [(StateReader, "judge", lambda *_: (State.PROCESSED, False))],
        },
        "a settled replica holds every record": {
            "trust RESULT without reading the replica": [(Ledger, "holds", lambda *_: True)],
        },
        "a receipt verifies in each region": {
            "signing keys that differ between regions": [(secrets_manager, "is_granted", lambda *_: False)],
            "receipts of the current key only": [(SigningKeys, "read", lambda self: _read(self)[:1])],
        },
        "a forged receipt is refused": {
            "receipts of any key": [(SigningKeys, "verify", _accept_any_receipt)],
        },
        "an upload id is for one content": {
            "issuer that accepts an id for other content": [(issuer_ledger, "_refuse_if_different", _nothing)],
        },
        "every upload of a client ends": {
            "accepted because another region began": [(StateReader, "_begun", _accepted_if_any_began)],
        },
        "what is processed is there": {
            "processed on RESULT alone": [(StateReader, "_state_of_unsettled", lambda *_: State.PROCESSED)],
        },
        "a file of a client is one object": {
            "client that forgets its journal": [(Receipts, "_load", _forget_the_journal)],
            "client with a new id for each try": [(Platform, "grant", _grant_a_new_id)],
        },
        "a failback loses nothing": {
            "failback that checks nothing": [(failback_checks, "unmet", lambda *_, **__: [])],
            "failback that looks at RESULT alone": [(failback_checks, "unmet", _unequal_results)],
            "failback that compares no digests": [(failback_checks, "_digests", lambda _: [])],
            "failback that ignores what S3 replicates": [(failback_checks, "_pending", lambda *_: [])],
            "failback by a number of before the decision": [(failback_checks, "SECONDS_OF_METRICS", -math.inf)],
            "failback that takes files for canaries": [(failback_checks, "CANARIES_ON_THE_WAY", 2)],
        },
        "a failback leaves no backlog": {
            "failback that ignores the backlog": [(failback_checks, "_backlog", lambda *_: [])],
            "failback that takes every message for young": [(failback_checks, "MOST_SECONDS_OF_SHADOW", math.inf)],
        },
        "a quiet platform allows a failback": {
            "failback that waits for the canaries": [
                (failback_checks, "CANARIES_ON_THE_WAY", -1),
                (failback_checks, "SECONDS_OF_REPLICATION", math.inf),
            ],
        },
        "what is accepted was put": {
            "client that treats a lost answer as a success": [(Platform, "put", _accepted_before_it_is_put)],
        },
    },
)
"""The invariant that must convict each variant, and its replaced attributes, by its name."""
WATCHED: Final[dict[str, tuple[str, list[Change]]]] = _by_name(
    {
        "the loss of a region alarms in the other": {
            "observer that reports every peer as healthy": [(PeerView, "problems", property(lambda _self: []))],
        },
        "the secondary promotes itself": {
            "observer that checks its own region only": [
                (observer_application, "PeerReader", _reader_of_own_replica),
                (observation, "is_ready", _ask_own_api),
            ],
        },
        "silence alarms": {
            "alarm that treats missing data as healthy": [
                (watchers, "ALARMS", tuple(replace(alarm, missing=alarms.OK_IF_MISSING) for alarm in alarms.ALARMS))
            ],
        },
        "no region promotes itself too early": {
            "auto_promote without the health history": [(auto_promote, "RUNS", 1)],
            "observer that promotes as soon as its peer fails": [
                (Situation, "must_promote", property(lambda self: self.is_enabled and self.streak.runs > 0))
            ],
        },
        "a canary is not a user's record": {
            "canary that counts as a user's file": [(pipeline, "_is_canary", lambda _event: False)],
        },
    },
)
"""Variants that only histories with observers can convict."""


@contextmanager
def sabotaged(name: str) -> Iterator[None]:
    """Run the handlers with a variant.

    Raises:
        StaleVariantError: The handlers call a replaced function with other arguments than it takes.
    """
    _, changes = (VARIANTS | WATCHED)[name]
    with ExitStack() as stack:
        for owner, attribute, change in changes:
            stack.enter_context(patch.object(owner, attribute, _strict(change)))
        yield
