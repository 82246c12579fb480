"""The ledger, as the processor writes it: attempts (own region's), records and RESULT (write-once, deterministic)."""

import base64
import json
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handlers.processor.deadline import Deadline
from handlers.shared import moments, schema
from handlers.shared.attribute_values import AttributeValue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITERS: Final = 8
"""Threads; what one connection waits for, another uses."""
_BATCH_ITEMS: Final = 25
_BATCH_BYTES: Final = 4 * 1024 * 1024
"""A request may be 16 MB; smaller ones are cheaper to repeat."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
_RESERVED_SECONDS: Final = 3.0
"""Of the function's time, for what comes after the records."""


@dataclass(frozen=True)
class Known:
    """What the ledger knows of an object, as this region's replica sees it."""

    has_result: bool
    is_attempt_unfinished: bool
    """Whether this region has begun it and not noted its end."""


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
            ProjectionExpression="#sk, #state_hour",
            ExpressionAttributeNames={
                "#pk": schema.PARTITION_KEY,
                "#sk": schema.SORT_KEY,
                "#state_hour": schema.STATE_INDEX_PARTITION_KEY,
            },
            ExpressionAttributeValues={":object": {"S": schema.object_partition_key(object_id)}},
            ConsistentRead=True,
        )
        rows = {row[schema.SORT_KEY]["S"]: row for row in answer["Items"]}
        attempt = rows.get(schema.attempt_sort_key(self._region), {})
        return Known(
            has_result=schema.RESULT in rows,
            is_attempt_unfinished=schema.STATE_INDEX_PARTITION_KEY in attempt,
        )

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
        names = _STATE_NAMES
        if self._attempt_retention_days:
            changes.append("#expires_at = :expires_at")
            values[":expires_at"] = {"N": str(schema.expires_at(now, self._attempt_retention_days))}
            names = names | {"#expires_at": schema.TIME_TO_LIVE}
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression=f"SET {', '.join(changes)} ADD attempts :one",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def finish(self, object_id: str, now: float) -> None:
        """Note that this region's attempt has ended, so that it is no longer found as unfinished."""
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=self._attempt_key(object_id),
            UpdateExpression="SET updated_at = :now REMOVE #state_hour, #state_order",
            ExpressionAttributeNames=_STATE_NAMES,
            ExpressionAttributeValues={":now": {"S": moments.from_epoch(now)}},
        )

    def write_records(
        self, object_id: str, prepared: Iterable[tuple[int, bytes]], deadline: Deadline, *, expires_at: int | None = None
    ) -> None:
        """Write all records of an object. Writing them again changes nothing.

        Args:
            object_id: Whose records they are.
            prepared: Ordinal and canonical text of each record's map.
            deadline: When the function must have ended.
            expires_at: When DynamoDB may delete them, in epoch seconds; None keeps them.

        Raises:
            OutOfTimeError: DynamoDB takes them too slowly.
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        batches = _Shared(_batches(_record_puts(object_id, prepared, expires_at)))
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

    def conclude(self, result: Result, now: float) -> bool:
        """Write RESULT unless there is one; return whether this call wrote it. The other's says the same."""
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item=result.item(moments.from_epoch(now)),
                ConditionExpression="attribute_not_exists(#pk)",
                ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

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


def _record_puts(
    object_id: str, prepared: Iterable[tuple[int, bytes]], expires_at: int | None
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
