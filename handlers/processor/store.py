"""Reads and writes the ledger for the processor: this region's attempts, the records, and RESULT, which is written once."""

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from handlers.processor.batch_requests import BatchRequests, puts
from handlers.processor.deadline import Deadline
from handlers.processor.intake import NOTHING, Taken
from handlers.processor.parsers import Position
from handlers.processor.record_rows import Pruned, RecordRows, of_version
from handlers.processor.record_writer import RecordWriter
from handlers.processor.routes import is_met
from handlers.processor.walk import Place
from handlers.shared import schema, timestamps
from handlers.shared.attribute_values import AttributeValue, canonical_number_text, canonical_text
from handlers.shared.effect import EffectDigest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BEGINNING: Final = Place()
_ATTEMPT: Final = schema.attempt_sort_key("")
_STATE, _ORDER = schema.STATE_INDEX_PARTITION_KEY, schema.STATE_INDEX_SORT_KEY
_DIGEST_RECORDS: Final = 100_000
"""Above this number a replica's records are counted and not hashed: hashing a million takes longer than writing them."""

_LONGEST_INVOCATION_SECONDS: Final = 900.0
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""


@dataclass(frozen=True)
class Concluded:
    """The properties of an object's records that its RESULT row states."""

    accepted: int
    records: int
    """Accepted and rejected."""
    effect_digest: str
    processing_version: str
    region: str = field(default="", compare=False)
    """Region that wrote it; its archive holds the rejected records."""
    reason: str = field(default="", compare=False)
    """Reason of the quarantine; empty for a completed object."""
    expires_at: int | None = field(default=None, compare=False)
    """When DynamoDB may delete the object's rows, in epoch seconds; None keeps them."""
    processed_at: float = field(default=0.0, compare=False)
    """Epoch seconds."""

    @property
    def has_archive(self) -> bool:
        """Whether the archive holds anything about the object."""
        return bool(self.reason) or self.records > self.accepted


@dataclass(frozen=True)
class Checkpoint:
    """This region's note of how far it has read an object and written its records, in one processing version.

    An object is read to its end first; only then records are written.
    """

    processing_version: str
    epoch: int
    """Epoch in which records were written; after a promotion, the other region may have written records of its own."""
    version_id: str
    """Version of the object that was read."""
    ordinal: int = 0
    """This region has written every record below it."""
    is_read: bool = False
    """Whether the object was read to its end and can be written."""
    taken: Taken = NOTHING
    """The records that were read."""
    place: Place = _BEGINNING
    """Where the next invocation begins to read; it skips the records that were taken, or written if `is_read`."""

    @property
    def first(self) -> int:
        """Ordinal of the first record that the next invocation takes or writes."""
        return self.ordinal if self.is_read else self.taken.records

    @property
    def attribute(self) -> AttributeValue:
        """The note as an attribute value."""
        numbers = {
            "ordinal": self.ordinal,
            "epoch": self.epoch,
            "accepted": self.taken.accepted,
            "rejected": self.taken.rejected,
            "place": self.place.ordinal,
            "start": self.place.position.start,
            "line": self.place.position.line,
        }
        texts = {
            schema.PROCESSING_VERSION: self.processing_version,
            "version_id": self.version_id,
            "effect_digest": self.taken.effect_digest,
        }
        return {
            "M": {name: {"N": str(number)} for name, number in numbers.items()}
            | {name: {"S": text} for name, text in texts.items()}
            | {"is_read": {"BOOL": self.is_read}}
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Checkpoint | None":
        """Return the checkpoint of an ATTEMPT row; None if there is none or it is malformed: then all is read again."""
        try:
            held = row[schema.CHECKPOINT]["M"]

            def number(name: str) -> int:
                return int(held[name]["N"])

            return cls(
                processing_version=held[schema.PROCESSING_VERSION]["S"],
                epoch=number("epoch"),
                version_id=held["version_id"]["S"],
                ordinal=number("ordinal"),
                is_read=held["is_read"]["BOOL"],
                taken=Taken(number("accepted"), number("rejected"), held["effect_digest"]["S"]),
                place=Place(number("place"), Position(number("start"), number("line"))),
            )
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Known:
    """The state of an object in this region's replica of the ledger."""

    result: Concluded | None = None
    is_settled: bool = False
    """Whether this region has verified that its replica holds every record of `result`."""
    is_attempt_unfinished: bool = False
    """Whether this region has begun an attempt and not noted its end."""
    was_begun: bool = False
    """Whether any region has begun an attempt, so that records of it may exist."""
    rewritten_at: float = 0.0
    """When this region last began an attempt of another version than RESULT's that has not ended, in epoch seconds."""
    version_at_work: str = ""
    """Processing version of this region's attempt that has not ended; empty if none is at work."""
    attempts: int = 0
    """Number of attempts that this region has begun."""
    withdrawals: int = 0
    """Number of times that this region has withdrawn its note of a settled RESULT."""
    is_peer_unfinished: bool = False
    """Whether the other region has begun an attempt and not noted its end."""
    gone_in: frozenset[str] = frozenset()
    """Regions whose bucket holds no version of the object any more."""
    checkpoint: Checkpoint | None = None
    """How far this region's attempt has come."""
    archived: Checkpoint | None = None
    """How far this region has read an object to archive what the other one has rejected."""
    continued_at: float = 0.0
    """When an attempt of either region that has a checkpoint was last continued, in epoch seconds."""
    put_backs: int = 0
    """Put-backs of the newest copy of the message; a message with fewer is an older copy."""

    def is_rewritten(self, now: float) -> bool:
        """Return whether another invocation of this region may be replacing RESULT's records with another version's.

        Until it ends, no count of RESULT's records proves anything: the next call may delete one of them.
        """
        return now - self.rewritten_at < _LONGEST_INVOCATION_SECONDS


@dataclass(frozen=True)
class Result:
    """A RESULT row. Both regions write the same attributes, except those that name the writer."""

    state: str
    object_id: str
    source: str
    file_key: str
    object_key: str
    received_at: str
    accepted: int
    rejected: int
    effect_digest: str
    region: str
    epoch: int
    version_id: str
    processing_version: str
    size: int | None = None
    format: str | None = None
    compression: str | None = None
    reason: str | None = None
    expires_at: int | None = None
    """`schema.TIME_TO_LIVE`; set only for a canary."""

    def item(self, processed_at: str) -> dict[str, AttributeValue]:
        """Return the row as an item without the attributes that are None."""
        order = schema.newest_last(self.received_at, self.object_id)
        values: dict[str, Any] = vars(self) | {
            "records": self.accepted + self.rejected,
            "processed_at": processed_at,
            schema.PARTITION_KEY: schema.object_partition_key(self.object_id),
            schema.SORT_KEY: schema.RESULT,
            schema.FILE_INDEX_SORT_KEY: order,
            schema.STATE_INDEX_PARTITION_KEY: schema.state_hour(
                self.state, timestamps.hour_of(self.received_at), self.object_id
            ),
            schema.STATE_INDEX_SORT_KEY: order,
        }
        return {
            name: {"N": str(value)} if isinstance(value, int) else {"S": str(value)}
            for name, value in values.items()
            if value is not None
        }


class Ledger:
    """Reads and writes the table through this region's replica.

    Args:
        dynamodb: A low-level client with at least `record_writer.WRITERS` connections.
        table_name: Name of the table.
        region: This region.
        attempt_retention_days: Days after which DynamoDB may delete an ATTEMPT row; 0 for never.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str, attempt_retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._region = region
        self._attempt_retention_days = attempt_retention_days

    def look(self, object_id: str) -> Known:
        """Return the state of an object in this region's replica."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :object",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            ExpressionAttributeValues={":object": {"S": schema.object_partition_key(object_id)}},
            ConsistentRead=True,
        )
        rows = {row[schema.SORT_KEY]["S"]: row for row in answer["Items"]}
        attempts = {name.removeprefix(_ATTEMPT): row for name, row in rows.items() if name.startswith(_ATTEMPT)}
        attempt = attempts.get(self._region, {})
        replica = rows.get(schema.replica_sort_key(self._region), {})
        result = _concluded(rows[schema.RESULT]) if schema.RESULT in rows else None
        settled = (_text(replica, schema.SETTLED), _text(replica, schema.SETTLED_VERSION))
        at_work = _text(attempt, schema.PROCESSING_VERSION) if _is_unfinished(attempt) else None
        is_rewritten = result is not None and at_work not in (None, result.processing_version)
        return Known(
            result=result,
            is_settled=result is not None and settled == (result.effect_digest, result.processing_version),
            is_attempt_unfinished=_STATE in attempt or schema.CHECKPOINT in attempt,
            rewritten_at=_epoch_seconds(_text(attempt, "updated_at")) if is_rewritten else 0.0,
            version_at_work=at_work or "",
            attempts=_number(attempt, "attempts"),
            withdrawals=_number(replica, schema.WITHDRAWALS),
            is_peer_unfinished=any(_is_unfinished(row) for region, row in attempts.items() if region != self._region),
            gone_in=frozenset(region for region, row in attempts.items() if schema.GONE in row),
            was_begun=bool(attempts),
            checkpoint=Checkpoint.from_row(attempt),
            archived=Checkpoint.from_row(replica),
            continued_at=max(
                (_epoch_seconds(_text(row, "updated_at")) for row in attempts.values() if schema.CHECKPOINT in row),
                default=0.0,
            ),
            put_backs=_number(replica, schema.PUT_BACKS),
        )

    def holds(self, object_id: str, result: Concluded, deadline: Deadline) -> bool:
        """Return whether this region's replica holds exactly the records of a RESULT, by their number and digest.

        DynamoDB charges a query by the bytes that it reads, whether it returns or only counts them: half a read request
        unit for 4 KB. So the digest costs only more time than the count. Above `_DIGEST_RECORDS` the records of RESULT's
        processing version are counted.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

        Args:
            object_id: Identity of the object.
            result: The object's RESULT.
            deadline: End of the invocation.

        Raises:
            OutOfTimeError: DynamoDB returns the records too slowly.
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        rows = self._rows(object_id, result.processing_version, deadline)
        if result.accepted > _DIGEST_RECORDS:
            return rows.are_exactly(result.accepted, result.records)
        digest, count = EffectDigest(), 0
        for page in rows.pages(result.records):
            for row in page["Items"]:
                if _text(row, schema.PROCESSING_VERSION) != result.processing_version:
                    return False
                digest.add(
                    row[schema.PARTITION_KEY]["S"],
                    row[schema.SORT_KEY]["S"],
                    canonical_text(_as_written(row["record"])).encode(),
                )
                count += 1
        return count == result.accepted and digest.hexdigest() == result.effect_digest

    def settle(self, object_id: str, result: Concluded, now: float, *, withdrawals: int) -> bool:
        """Note that this region's replica holds every record of a RESULT, so that no later delivery verifies it again.

        Args:
            object_id: Identity of the object.
            result: The object's RESULT.
            now: Epoch seconds.
            withdrawals: Number of withdrawals before the records were read or written.

        Returns:
            Whether it is noted. It is not after a withdrawal for an attempt of another version: records may be gone.
        """
        changes = ["object_id = :object_id", "#digest = :digest", "#version = :version", "settled_at = :now"]
        names = {"#digest": schema.SETTLED, "#version": schema.SETTLED_VERSION, "#checkpoint": schema.CHECKPOINT}
        values: dict[str, AttributeValue] = {
            ":object_id": {"S": object_id},
            ":digest": {"S": result.effect_digest},
            ":version": {"S": result.processing_version},
            ":now": {"S": timestamps.from_epoch(now)},
        }
        if result.expires_at is not None:
            changes.append("#expires_at = :expires_at")
            names["#expires_at"] = schema.TIME_TO_LIVE
            values[":expires_at"] = {"N": str(result.expires_at)}
        condition, seen = _still(withdrawals)
        return is_met(
            lambda: self._dynamodb.update_item(
                TableName=self._table_name,
                Key=self._replica_key(object_id),
                UpdateExpression=f"SET {', '.join(changes)} REMOVE #checkpoint",
                ConditionExpression=f"{condition} OR #for = :version",
                ExpressionAttributeNames=names | {"#counter": schema.WITHDRAWALS, "#for": schema.WITHDRAWN_FOR},
                ExpressionAttributeValues=values | seen,
            )
        )

    def note_archived(self, object_id: str, checkpoint: Checkpoint) -> None:
        """Note how far this region has read an object to archive what the other region has rejected."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._replica_key(object_id),
            UpdateExpression="SET object_id = :object_id, #checkpoint = :checkpoint",
            ExpressionAttributeNames={"#checkpoint": schema.CHECKPOINT},
            ExpressionAttributeValues={":object_id": {"S": object_id}, ":checkpoint": checkpoint.attribute},
        )

    def unsettle(self, object_id: str, processing_version: str = "") -> None:
        """Withdraw the note that this region's replica holds an object's records; the next delivery verifies them again.

        Args:
            object_id: Identity of the object.
            processing_version: The version that an attempt writes: a note of this version stays, because the attempt writes
                the same records. Empty to withdraw any note, because records are missing.
        """
        is_met(
            lambda: self._dynamodb.update_item(
                TableName=self._table_name,
                Key=self._replica_key(object_id),
                UpdateExpression="SET #for = :for REMOVE #digest, #version, #checkpoint ADD #counter :one",
                ConditionExpression="attribute_not_exists(#version) OR #version <> :for",
                ExpressionAttributeNames={
                    "#digest": schema.SETTLED,
                    "#version": schema.SETTLED_VERSION,
                    "#checkpoint": schema.CHECKPOINT,
                    "#counter": schema.WITHDRAWALS,
                    "#for": schema.WITHDRAWN_FOR,
                },
                ExpressionAttributeValues={":one": {"N": "1"}, ":for": {"S": processing_version}},
            )
        )

    def note_put_backs(self, object_id: str, put_backs: int) -> None:
        """Note the number of put-backs of the newest copy of an object's message; call it after that copy was sent."""
        is_met(  # otherwise a newer copy is noted already, and this one is dropped at its next delivery
            lambda: self._dynamodb.update_item(
                TableName=self._table_name,
                Key=self._replica_key(object_id),
                UpdateExpression="SET object_id = :object_id, #put_backs = :put_backs",
                ConditionExpression="attribute_not_exists(#put_backs) OR #put_backs < :put_backs",
                ExpressionAttributeNames={"#put_backs": schema.PUT_BACKS},
                ExpressionAttributeValues={":object_id": {"S": object_id}, ":put_backs": {"N": str(put_backs)}},
            )
        )

    def prune(self, object_id: str, records: int, processing_version: str, deadline: Deadline) -> Pruned:
        """Delete the records of every other processing version, and count those of this one.

        One version of a file gives one set of records, so a record of this version is one that this attempt writes.

        Args:
            object_id: Identity of the object.
            records: Number of records in the file, accepted and rejected.
            processing_version: The version of this attempt; empty to delete every record.
            deadline: End of the invocation.
        """
        return self._rows(object_id, processing_version, deadline).prune(records)

    def _rows(self, object_id: str, processing_version: str, deadline: Deadline) -> RecordRows:
        return RecordRows(self._dynamodb, self._table_name, object_id, processing_version, deadline)

    def begin(self, object_id: str, now: float, *, processing_version: str, forget: Collection[str] = ()) -> int:
        """Note that this region begins an attempt, begins again, or continues; return the number of attempts, with it.

        The row has a state and no place in the index of states: nothing reads unfinished attempts there, and to enter and
        leave it would cost two of an object's write units in each replica.

        Args:
            object_id: Identity of the object.
            now: Epoch seconds.
            processing_version: The version of this attempt.
            forget: Notes to remove: the checkpoint, because this attempt writes every record again, or that the object is
                gone, because it may have arrived late. The other region processes it as long as it sees that note.
        """
        moment = timestamps.from_epoch(now)
        changes = [
            "started_at = if_not_exists(started_at, :now)",
            "updated_at = :now",
            "object_id = :object_id",
            "#version = :version",
            "#state_hour = :state_hour"
            if schema.GONE in forget
            else "#state_hour = if_not_exists(#state_hour, :state_hour)",
        ]
        values: dict[str, AttributeValue] = {
            ":one": {"N": "1"},
            ":now": {"S": moment},
            ":object_id": {"S": object_id},
            ":version": {"S": processing_version},
            ":state_hour": {"S": schema.UNFINISHED},
        }
        names = {f"forgotten{place}": name for place, name in enumerate(forget)}
        if schema.GONE in forget:
            names["state_order"] = _ORDER
        more = " ADD attempts :one" + (f" REMOVE #{', #'.join(names)}" if names else "")
        names |= {"version": schema.PROCESSING_VERSION, "state_hour": _STATE}
        return _number(self._note_attempt(object_id, changes, values, now, more, **names), "attempts")

    def note_checkpoint(self, object_id: str, checkpoint: Checkpoint, now: float) -> None:
        """Note how far this region's attempt came; call it after DynamoDB has accepted every record below its ordinal."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression="SET updated_at = :now, #checkpoint = :checkpoint",
            ExpressionAttributeNames={"#checkpoint": schema.CHECKPOINT},
            ExpressionAttributeValues={":now": {"S": timestamps.from_epoch(now)}, ":checkpoint": checkpoint.attribute},
        )

    def forget_checkpoint(self, object_id: str) -> None:
        """Remove this region's checkpoint; the next attempt writes every record again."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression="REMOVE #checkpoint",
            ExpressionAttributeNames={"#checkpoint": schema.CHECKPOINT},
        )

    def finish(self, object_id: str, now: float, *, attempts: int) -> None:
        """Note that this region's attempt has ended; an index entry of an earlier release, or of a lost object, goes.

        Args:
            object_id: Identity of the object.
            now: Epoch seconds.
            attempts: Number of attempts with this one. A later one, of another message, may be at work: it stays listed.
        """
        condition, seen = _still(attempts)
        names = {"#state_hour": _STATE, "#state_order": _ORDER, "#gone": schema.GONE}
        is_met(
            lambda: self._dynamodb.update_item(
                TableName=self._table_name,
                Key=self._attempt_key(object_id),
                UpdateExpression="SET updated_at = :now REMOVE #state_hour, #state_order, #gone, #checkpoint",
                ConditionExpression=condition,
                ExpressionAttributeNames=names | {"#checkpoint": schema.CHECKPOINT, "#counter": "attempts"},
                ExpressionAttributeValues={":now": {"S": timestamps.from_epoch(now)}} | seen,
            )
        )

    def note_gone(self, object_id: str, reason: str, now: float) -> None:
        """Note that this region's bucket holds no version of an object any more, and list it under that state.

        Args:
            object_id: Identity of the object.
            reason: The reason, for operators.
            now: Epoch seconds.
        """
        moment = timestamps.from_epoch(now)
        changes = ["#gone = :reason", "object_id = :object_id", "updated_at = :now"]
        changes += ["#state_hour = :state_hour", "#state_order = :state_order"]
        values: dict[str, AttributeValue] = {
            ":reason": {"S": reason},
            ":object_id": {"S": object_id},
            ":now": {"S": moment},
            ":state_hour": {"S": schema.state_hour(schema.GONE_STATE, timestamps.hour_of(moment), object_id)},
            ":state_order": {"S": schema.newest_last(moment, object_id)},
        }
        self._note_attempt(object_id, changes, values, now, gone=schema.GONE, state_hour=_STATE, state_order=_ORDER)

    def _note_attempt(
        self,
        object_id: str,
        changes: list[str],
        values: dict[str, AttributeValue],
        now: float,
        more: str = "",
        **names: str,
    ) -> dict[str, Any]:
        """Update this region's ATTEMPT row, which DynamoDB may delete after its retention; return what it changed."""
        aliases = {f"#{name}": attribute for name, attribute in names.items()}
        if self._attempt_retention_days:
            changes = [*changes, "#expires_at = :expires_at"]
            values = values | {":expires_at": {"N": str(schema.expires_at(now, self._attempt_retention_days))}}
            aliases["#expires_at"] = schema.TIME_TO_LIVE
        answer: dict[str, Any] = self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression=f"SET {', '.join(changes)}{more}",
            ExpressionAttributeNames=aliases,
            ExpressionAttributeValues=values,
            ReturnValues="UPDATED_NEW",
        )["Attributes"]
        return answer

    def write_records(
        self,
        object_id: str,
        prepared: Iterable[tuple[int, bytes]],
        processing_version: str,
        deadline: Deadline,
        *,
        expires_at: int | None = None,
    ) -> int | None:
        """Write records of an object; return None if all are written, otherwise the ordinal below which all are.

        Writing them again changes nothing.

        Args:
            object_id: Identity of the object.
            prepared: Ordinal and canonical text of each record's map, in order.
            processing_version: The version of this attempt.
            deadline: End of the invocation.
            expires_at: When DynamoDB may delete them, in epoch seconds; None keeps them.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        writer = RecordWriter(BatchRequests(self._dynamodb, self._table_name), deadline)
        return writer.write(puts(object_id, prepared, processing_version, expires_at))

    def conclude(self, result: Result, now: float, *, instead_of: Concluded | None = None) -> bool:
        """Write RESULT unless the object has one; return whether this call wrote it.

        Args:
            result: The row to write.
            now: Epoch seconds.
            instead_of: A RESULT of another processing version to replace, because its records no longer exist.
        """
        item, condition = result.item(timestamps.from_epoch(now)), _unless_there(instead_of)
        return is_met(lambda: self._dynamodb.put_item(TableName=self._table_name, Item=item, **condition))

    def _replica_key(self, object_id: str) -> dict[str, AttributeValue]:
        return {
            schema.PARTITION_KEY: {"S": schema.object_partition_key(object_id)},
            schema.SORT_KEY: {"S": schema.replica_sort_key(self._region)},
        }

    def _attempt_key(self, object_id: str) -> dict[str, AttributeValue]:
        return {
            schema.PARTITION_KEY: {"S": schema.object_partition_key(object_id)},
            schema.SORT_KEY: {"S": schema.attempt_sort_key(self._region)},
        }


def _epoch_seconds(text: str) -> float:
    """Return a time in epoch seconds, 0 if it is malformed: a row written by hand must not block its object."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _concluded(row: dict[str, Any]) -> Concluded:
    accepted, rejected = int(row["accepted"]["N"]), int(row["rejected"]["N"])
    return Concluded(
        accepted=accepted,
        records=accepted + rejected,
        effect_digest=row["effect_digest"]["S"],
        processing_version=_text(row, schema.PROCESSING_VERSION),
        region=_text(row, "region"),
        reason=_text(row, "reason"),
        expires_at=int(row[schema.TIME_TO_LIVE]["N"]) if schema.TIME_TO_LIVE in row else None,
        processed_at=_epoch_seconds(_text(row, "processed_at")),
    )


def _text(row: dict[str, Any], name: str) -> str:
    return str(row.get(name, {}).get("S", ""))


def _number(row: dict[str, Any], name: str) -> int:
    return int(row.get(name, {"N": "0"})["N"])


def _is_unfinished(attempt: dict[str, Any]) -> bool:
    return _text(attempt, _STATE).startswith(schema.UNFINISHED)


def _still(count: int) -> tuple[str, dict[str, AttributeValue]]:
    """Return the condition that a row's `#counter` is what it was, and its values."""
    if not count:
        return "attribute_not_exists(#counter)", {}
    return "#counter = :seen", {":seen": {"N": str(count)}}


def _unless_there(instead_of: Concluded | None) -> Any:  # noqa: ANN401 - the arguments of a put
    if instead_of is None:
        return {
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": schema.PARTITION_KEY},
        }
    same_version, values = of_version(instead_of.processing_version)
    return {
        "ConditionExpression": f"#digest = :digest AND {same_version}",
        "ExpressionAttributeNames": {"#digest": "effect_digest", "#version": schema.PROCESSING_VERSION},
        "ExpressionAttributeValues": {":digest": {"S": instead_of.effect_digest}} | values,
    }


def _as_written(attribute: AttributeValue) -> AttributeValue:
    """Return an attribute value as `attribute_map` writes it: DynamoDB returns raw bytes and reformatted numbers."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return {"N": canonical_number_text(value)}
    if kind == "B":
        return {"B": base64.b64encode(value).decode()}
    if kind == "M":
        return {"M": {name: _as_written(inner) for name, inner in value.items()}}
    if kind == "L":
        return {"L": [_as_written(inner) for inner in value]}
    return attribute
