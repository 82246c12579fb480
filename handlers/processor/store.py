"""The ledger, as the processor writes it: attempts (own region's), records and RESULT (write-once, deterministic)."""

import base64
import json
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handlers.processor.deadline import Deadline
from handlers.shared import moments, schema
from handlers.shared.attribute_values import AttributeValue, canonical_number_text, canonical_text
from handlers.shared.effect import EffectDigest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITERS: Final = 8
"""Threads; what one connection waits for, another uses."""
_BATCH_ITEMS: Final = 25
_BATCH_BYTES: Final = 4 * 1024 * 1024
"""A request may be 16 MB; smaller ones are cheaper to repeat."""
_ATTEMPT: Final = schema.attempt_sort_key("")
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
_DIGEST_RECORDS: Final = 100_000
"""Above this many records a replica's are counted and not hashed: to hash a million takes longer than to write them."""
_RESERVED_SECONDS: Final = 3.0
"""Of the function's time, for what comes after the records."""


@dataclass(frozen=True)
class Concluded:
    """What a RESULT row says that its records must be."""

    accepted: int
    records: int
    """Accepted and rejected."""
    effect_digest: str
    processing_version: str
    region: str = field(default="", compare=False)
    """Which region wrote it; its archive holds what was rejected."""
    reason: str = field(default="", compare=False)
    """Why the object is quarantined; empty if it is not."""
    expires_at: int | None = field(default=None, compare=False)
    """When DynamoDB may delete the object's rows, in epoch seconds; None keeps them."""
    processed_at: float = field(default=0.0, compare=False)
    """Epoch seconds."""

    @property
    def has_archive(self) -> bool:
        """Whether the archive holds something of the object."""
        return bool(self.reason) or self.records > self.accepted


@dataclass(frozen=True)
class Known:
    """What the ledger knows of an object, as this region's replica sees it."""

    result: Concluded | None = None
    is_settled: bool = False
    """Whether this region has seen its replica hold every record of `result`."""
    is_attempt_unfinished: bool = False
    """Whether this region has begun it and not noted its end."""
    was_begun: bool = False
    """Whether any region has begun it, so that records of another attempt may be there."""
    gone_in: frozenset[str] = frozenset()
    """Regions whose bucket was seen to hold no version of it any more."""
    put_backs: int = 0
    """A message that was put back fewer times is an older copy of another one."""


@dataclass(frozen=True)
class Result:
    """A RESULT row. All but the provenance is the same whichever region writes it."""

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
    """`schema.TIME_TO_LIVE`: of a canary's alone."""

    def item(self, processed_at: str) -> dict[str, AttributeValue]:
        """Return it as an item; what is None is left out."""
        order = schema.newest_last(self.received_at, self.object_id)
        values: dict[str, Any] = vars(self) | {
            "records": self.accepted + self.rejected,
            "processed_at": processed_at,
            schema.PARTITION_KEY: schema.object_partition_key(self.object_id),
            schema.SORT_KEY: schema.RESULT,
            schema.FILE_INDEX_SORT_KEY: order,
            schema.STATE_INDEX_PARTITION_KEY: schema.state_hour(
                self.state, moments.hour_of(self.received_at), self.object_id
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
        dynamodb: A low-level client; `WRITERS` connections at least.
        table_name: The table.
        region: This region.
        attempt_retention_days: After how long DynamoDB may drop an attempt's row; 0 for never.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str, attempt_retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._region = region
        self._attempt_retention_days = attempt_retention_days

    def look(self, object_id: str) -> Known:
        """Return what is known of an object."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :object",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            ExpressionAttributeValues={":object": {"S": schema.object_partition_key(object_id)}},
            ConsistentRead=True,
        )
        rows = {row[schema.SORT_KEY]["S"]: row for row in answer["Items"]}
        attempt = rows.get(schema.attempt_sort_key(self._region), {})
        replica = rows.get(schema.replica_sort_key(self._region), {})
        result = _concluded(rows[schema.RESULT]) if schema.RESULT in rows else None
        settled = (_text(replica, schema.SETTLED), _text(replica, schema.SETTLED_VERSION))
        return Known(
            result=result,
            is_settled=result is not None and settled == (result.effect_digest, result.processing_version),
            is_attempt_unfinished=schema.STATE_INDEX_PARTITION_KEY in attempt,
            gone_in=frozenset(name.removeprefix(_ATTEMPT) for name, row in rows.items() if schema.GONE in row),
            was_begun=any(name.startswith(_ATTEMPT) for name in rows),
            put_backs=int(replica.get(schema.PUT_BACKS, {"N": "0"})["N"]),
        )

    def holds(self, object_id: str, result: Concluded, deadline: Deadline) -> bool:
        """Return whether this region's replica holds every record that a RESULT counts, as RESULT's digest says.

        DynamoDB charges a query by the bytes that it reads, whether it answers with them or only counts: half a read
        request unit for 4 KB. So the digest costs no more than the count, except time; above `_DIGEST_RECORDS` it counts.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

        Args:
            object_id: Whose records they are.
            result: What RESULT says.
            deadline: When the function must have ended.

        Raises:
            OutOfTimeError: DynamoDB gives them too slowly.
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        if result.accepted > _DIGEST_RECORDS:
            pages = self._record_pages(object_id, result.records, deadline, Select="COUNT")
            return int(sum(page["Count"] for page in pages)) == result.accepted
        digest, count = EffectDigest(), 0
        for page in self._record_pages(object_id, result.records, deadline):
            for row in page["Items"]:
                if _text(row, schema.PROCESSING_VERSION) != result.processing_version:
                    return False
                digest.add(
                    row[schema.PARTITION_KEY]["S"], row[schema.SORT_KEY]["S"], canonical_text(_as_written(row["record"]))
                )
                count += 1
        return count == result.accepted and digest.hexdigest() == result.effect_digest

    def settle(self, object_id: str, result: Concluded, now: float) -> None:
        """Note that this region's replica holds every record of a RESULT, so that nobody here need look again."""
        changes = ["object_id = :object_id", "#digest = :digest", "#version = :version", "settled_at = :now"]
        names = {"#digest": schema.SETTLED, "#version": schema.SETTLED_VERSION}
        values: dict[str, AttributeValue] = {
            ":object_id": {"S": object_id},
            ":digest": {"S": result.effect_digest},
            ":version": {"S": result.processing_version},
            ":now": {"S": moments.from_epoch(now)},
        }
        if result.expires_at is not None:
            changes.append("#expires_at = :expires_at")
            names["#expires_at"] = schema.TIME_TO_LIVE
            values[":expires_at"] = {"N": str(result.expires_at)}
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._replica_key(object_id),
            UpdateExpression=f"SET {', '.join(changes)}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def unsettle(self, object_id: str) -> None:
        """Forget that this region's replica was seen to hold an object's records; the next delivery looks again."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._replica_key(object_id),
            UpdateExpression="REMOVE #digest, #version",
            ExpressionAttributeNames={"#digest": schema.SETTLED, "#version": schema.SETTLED_VERSION},
        )

    def note_put_backs(self, object_id: str, put_backs: int) -> None:
        """Note how often the newest copy of an object's message was put back; call it once that copy was sent."""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=self._replica_key(object_id),
                UpdateExpression="SET object_id = :object_id, #put_backs = :put_backs",
                ConditionExpression="attribute_not_exists(#put_backs) OR #put_backs < :put_backs",
                ExpressionAttributeNames={"#put_backs": schema.PUT_BACKS},
                ExpressionAttributeValues={":object_id": {"S": object_id}, ":put_backs": {"N": str(put_backs)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise  # else a newer copy was noted meanwhile, and this one ends at its next delivery

    def prune(self, object_id: str, kept: Iterable[int], records: int, deadline: Deadline) -> int:
        """Remove the records of earlier attempts that this attempt does not write; return how many there were.

        Args:
            object_id: Whose records they are.
            kept: Ordinals that this attempt writes, in order.
            records: How many records the file has, accepted and rejected.
            deadline: When the function must have ended.
        """
        wanted = set(kept)
        pages = self._record_pages(object_id, records, deadline, beyond=True, ConsistentRead=True)
        strays = [
            {name: row[name] for name in (schema.PARTITION_KEY, schema.SORT_KEY)}
            for page in pages
            for row in page["Items"]
            if int(row[schema.SORT_KEY]["S"]) not in wanted
        ]
        for stray in strays:
            self._dynamodb.delete_item(TableName=self._table_name, Key=stray)
        return len(strays)

    def _record_pages(
        self,
        object_id: str,
        records: int,
        deadline: Deadline,
        *,
        beyond: bool = False,
        **request: Any,  # noqa: ANN401 - Query's
    ) -> Iterator[Any]:
        """Yield the pages of each partition key of an object's records; `beyond`: until one is empty, too."""
        number = 0
        while beyond or number * schema.RECORDS_PER_PARTITION_KEY < records:
            partition_key, _ = schema.record_keys(object_id, number * schema.RECORDS_PER_PARTITION_KEY)
            is_empty = True
            start: dict[str, Any] = {}
            while True:
                deadline.check("all records are read back", reserved_seconds=_RESERVED_SECONDS)
                page = self._dynamodb.query(
                    TableName=self._table_name,
                    KeyConditionExpression="#pk = :records",
                    ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
                    ExpressionAttributeValues={":records": {"S": partition_key}},
                    **request,
                    **start,
                )
                is_empty = is_empty and not page["Count"]
                yield page
                if "LastEvaluatedKey" not in page:
                    break
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
            number += 1
            if is_empty and number * schema.RECORDS_PER_PARTITION_KEY >= records:
                return

    def begin(self, object_id: str, now: float) -> None:
        """Note that this region begins, or begins again; `now` is in epoch seconds."""
        moment = moments.from_epoch(now)
        changes = [
            "started_at = if_not_exists(started_at, :now)",
            "updated_at = :now",
            "object_id = :object_id",
            "#state_hour = if_not_exists(#state_hour, :state_hour)",
            "#state_order = if_not_exists(#state_order, :state_order)",
        ]
        values: dict[str, AttributeValue] = {
            ":one": {"N": "1"},
            ":now": {"S": moment},
            ":object_id": {"S": object_id},
            ":state_hour": {"S": schema.state_hour(schema.UNFINISHED, moments.hour_of(moment), object_id)},
            ":state_order": {"S": schema.newest_last(moment, object_id)},
        }
        self._note_attempt(object_id, changes, values, now, " ADD attempts :one")

    def finish(self, object_id: str, now: float) -> None:
        """Note that this region's attempt has ended, so that it is no longer found as unfinished."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression="SET updated_at = :now REMOVE #state_hour, #state_order, #gone",
            ExpressionAttributeNames=_STATE_NAMES | {"#gone": schema.GONE},
            ExpressionAttributeValues={":now": {"S": moments.from_epoch(now)}},
        )

    def note_gone(self, object_id: str, reason: str, now: float) -> None:
        """Note that this region's bucket holds no version of an object any more, and list it under that state.

        Args:
            object_id: Which object.
            reason: Why, for people.
            now: Epoch seconds.
        """
        moment = moments.from_epoch(now)
        changes = ["#gone = :reason", "object_id = :object_id", "updated_at = :now"]
        changes += ["#state_hour = :state_hour", "#state_order = :state_order"]
        values: dict[str, AttributeValue] = {
            ":reason": {"S": reason},
            ":object_id": {"S": object_id},
            ":now": {"S": moment},
            ":state_hour": {"S": schema.state_hour(schema.GONE_STATE, moments.hour_of(moment), object_id)},
            ":state_order": {"S": schema.newest_last(moment, object_id)},
        }
        self._note_attempt(object_id, changes, values, now, gone=schema.GONE)

    def _note_attempt(
        self,
        object_id: str,
        changes: list[str],
        values: dict[str, AttributeValue],
        now: float,
        more: str = "",
        **names: str,
    ) -> None:
        """Update this region's ATTEMPT row, which DynamoDB may drop after the retention."""
        aliases = _STATE_NAMES | {f"#{name}": attribute for name, attribute in names.items()}
        if self._attempt_retention_days:
            changes = [*changes, "#expires_at = :expires_at"]
            values = values | {":expires_at": {"N": str(schema.expires_at(now, self._attempt_retention_days))}}
            aliases["#expires_at"] = schema.TIME_TO_LIVE
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression=f"SET {', '.join(changes)}{more}",
            ExpressionAttributeNames=aliases,
            ExpressionAttributeValues=values,
        )

    def write_records(
        self,
        object_id: str,
        prepared: Iterable[tuple[int, bytes]],
        processing_version: str,
        deadline: Deadline,
        *,
        expires_at: int | None = None,
    ) -> None:
        """Write all records of an object. Writing them again changes nothing.

        Args:
            object_id: Whose records they are.
            prepared: Ordinal and canonical text of each record's map.
            processing_version: Of the attempt.
            deadline: When the function must have ended.
            expires_at: When DynamoDB may delete them, in epoch seconds; None keeps them.

        Raises:
            OutOfTimeError: DynamoDB takes them too slowly.
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        batches = _Shared(_batches(_record_puts(object_id, prepared, processing_version, expires_at)))
        writer = _BatchWriter(self._dynamodb, self._table_name, deadline)
        first = next(batches, None)
        if first is None:
            return
        second = next(batches, None)
        if second is None:  # threads cost more than they give
            writer.write(first)
            return
        batches.give_back([first, second])
        with ThreadPoolExecutor(WRITERS) as pool:
            for done in [pool.submit(writer.write_all, batches) for _ in range(WRITERS)]:
                done.result()

    def conclude(self, result: Result, now: float, *, instead_of: Concluded | None = None) -> bool:
        """Write RESULT unless there is one; return whether this call wrote it.

        Args:
            result: What became of the object.
            now: Epoch seconds.
            instead_of: A RESULT of another processing version whose records are not to be had any more; it is replaced.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item=result.item(moments.from_epoch(now)),
                **_unless_there(instead_of),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

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


_STATE_NAMES: Final = {
    "#state_hour": schema.STATE_INDEX_PARTITION_KEY,
    "#state_order": schema.STATE_INDEX_SORT_KEY,
}


_Put = dict[str, Any]
"""One request of BatchWriteItem."""


def _epoch_seconds(text: str) -> float:
    """Return when something was, 0 if it does not say: a row that somebody wrote by hand must not stop its object."""
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


def _unless_there(instead_of: Concluded | None) -> Any:  # noqa: ANN401 - the arguments of a put
    if instead_of is None:
        return {
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": schema.PARTITION_KEY},
        }
    values = {":digest": {"S": instead_of.effect_digest}}
    same_version = "attribute_not_exists(#version)"  # of a release before versions
    if instead_of.processing_version:
        same_version = "#version = :version"
        values[":version"] = {"S": instead_of.processing_version}
    return {
        "ConditionExpression": f"#digest = :digest AND {same_version}",
        "ExpressionAttributeNames": {"#digest": "effect_digest", "#version": schema.PROCESSING_VERSION},
        "ExpressionAttributeValues": values,
    }


def _as_written(attribute: AttributeValue) -> AttributeValue:
    """Return an attribute value as `attribute_map` writes it: DynamoDB answers bytes, and numbers in a form of its own."""
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


def _record_puts(
    object_id: str, prepared: Iterable[tuple[int, bytes]], processing_version: str, expires_at: int | None
) -> Iterator[tuple[_Put, int]]:
    """Yield the put of every record, and its length."""
    expiry: dict[str, AttributeValue] = {} if expires_at is None else {schema.TIME_TO_LIVE: {"N": str(expires_at)}}
    for ordinal, text in prepared:
        partition_key, sort_key = schema.record_keys(object_id, ordinal)
        item = {
            schema.PARTITION_KEY: {"S": partition_key},
            schema.SORT_KEY: {"S": sort_key},
            "object_id": {"S": object_id},
            "ordinal": {"N": str(ordinal)},
            schema.PROCESSING_VERSION: {"S": processing_version},
            "record": json.loads(text, object_hook=_binary if b'{"B":"' in text else None),
            **expiry,
        }
        yield {"PutRequest": {"Item": item}}, len(text)


def _binary(attribute: AttributeValue) -> AttributeValue:
    content = attribute.get("B")
    return {"B": base64.b64decode(content)} if isinstance(content, str) else attribute


def _batches(puts: Iterable[tuple[_Put, int]]) -> Iterator[list[_Put]]:
    batch: list[_Put] = []
    size = 0
    for put, length in puts:
        if batch and (len(batch) == _BATCH_ITEMS or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += length
    if batch:
        yield batch


class _Shared:
    """An iterator that threads take from in turn."""

    def __init__(self, batches: Iterator[list[_Put]]) -> None:
        self._batches = batches
        self._given_back: list[list[_Put]] = []
        self._lock = threading.Lock()

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> list[_Put]:
        with self._lock:
            return self._given_back.pop() if self._given_back else next(self._batches)

    def give_back(self, batches: list[list[_Put]]) -> None:
        self._given_back.extend(batches)


class _BatchWriter:
    """Writes batches until DynamoDB has taken every item of them."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, deadline: Deadline) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._deadline = deadline
        self._has_failed = threading.Event()

    def write_all(self, batches: Iterable[list[_Put]]) -> None:
        """Write batches until there are none, or another thread has failed."""
        for batch in batches:
            if self._has_failed.is_set():
                return
            try:
                self.write(batch)
            except BaseException:
                self._has_failed.set()
                raise

    def write(self, batch: list[_Put]) -> None:
        """Write one batch, again and again what DynamoDB leaves unprocessed."""
        pause = _FIRST_PAUSE_SECONDS
        while batch:
            self._deadline.check("all records are written", reserved_seconds=_RESERVED_SECONDS + pause)
            requests: Any = {self._table_name: batch}
            answer: Any = self._dynamodb.batch_write_item(RequestItems=requests)
            batch = answer.get("UnprocessedItems", {}).get(self._table_name, [])
            if batch:
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - to spread retries, not to hide anything
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
