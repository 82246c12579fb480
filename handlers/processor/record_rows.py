"""Counts and removes records of an object in this region's replica, by partition key and in threads."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from handlers.processor.deadline import RESERVED_SECONDS, Deadline, OutOfTimeError
from handlers.processor.record_writer import in_threads
from handlers.processor.routes import is_met
from handlers.shared import schema
from handlers.shared.attribute_values import AttributeValue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass
class Pruned:
    """The outcome of a prune."""

    held: int = 0
    """Records that this replica holds in the attempt's processing version."""
    deleted: int = 0
    is_whole: bool = True
    """Whether every partition key was looked at before time ended."""


class RecordRows:
    """The records of one object in this region's replica.

    DynamoDB charges a query by the bytes that it reads, whether it returns, counts or filters them.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

    Args:
        dynamodb: A low-level client.
        table_name: Name of the table.
        object_id: Identity of the object.
        processing_version: Version of the records that count; empty for those of a release without versions.
        deadline: End of the invocation.
    """

    def __init__(
        self, dynamodb: "DynamoDBClient", table_name: str, object_id: str, processing_version: str, deadline: Deadline
    ) -> None:
        self._dynamodb: Any = dynamodb
        self._table_name = table_name
        self._object_id = object_id
        self._version = processing_version
        self._deadline = deadline
        self._lock = threading.Lock()
        self._pruned = Pruned()
        self._of_version = self._of_all = 0

    def pages(self, records: int) -> Iterator[Any]:
        """Yield the pages of every partition key, with eventually consistent reads; `records` is as in `are_exactly`."""
        for number in range(-(-records // schema.RECORDS_PER_PARTITION_KEY)):
            yield from self._pages(number, ConsistentRead=False)

    def are_exactly(self, accepted: int, records: int) -> bool:
        """Return whether the replica holds so many records, all of the version.

        Args:
            accepted: Expected number.
            records: Number of records in the file, accepted and rejected.

        Raises:
            OutOfTimeError: DynamoDB counts the records too slowly.
        """
        in_threads(self._add_count, iter(range(-(-records // schema.RECORDS_PER_PARTITION_KEY))))
        return self._of_version == self._of_all == accepted

    def prune(self, records: int) -> Pruned:
        """Delete the records of every other version, and count those of this one; without a version delete all.

        Args:
            records: Number of records in the file, accepted and rejected.
        """
        partitions = -(-records // schema.RECORDS_PER_PARTITION_KEY)
        try:
            if partitions > 1:
                in_threads(self._prune_part, iter(range(partitions)))
            elif partitions:
                self._prune_part(0)
            while self._prune_part(partitions):  # an attempt of another version may have found more records
                partitions += 1
        except OutOfTimeError:
            self._pruned.is_whole = False
        return self._pruned

    def _prune_part(self, number: int) -> bool:
        """Prune one partition key; return whether it held records."""
        of_version, of_all = self._count(number)
        if self._version and of_version == of_all:
            self._add(held=of_version)
            return bool(of_all)
        held = 0
        for row in [row for page in self._pages(number, **_KEYS_AND_VERSION) for row in page["Items"]]:
            if self._version and _version(row) == self._version:
                held += 1
                continue
            self._check_time()
            if not self._delete(row):
                return self._prune_part(number)
        self._add(held=held)
        return bool(of_all)

    def _delete(self, row: dict[str, Any]) -> bool:
        """Delete a record; return False if another attempt has written it in another version since it was read."""
        condition, values = of_version(_version(row))
        is_deleted = is_met(
            lambda: self._dynamodb.delete_item(
                TableName=self._table_name,
                Key={name: row[name] for name in (schema.PARTITION_KEY, schema.SORT_KEY)},
                ConditionExpression=condition,
                ExpressionAttributeNames=_VERSION_NAME,
                **({"ExpressionAttributeValues": values} if values else {}),  # DynamoDB refuses an empty map
            )
        )
        self._add(deleted=is_deleted)
        return is_deleted

    def _add(self, *, held: int = 0, deleted: int = 0) -> None:
        with self._lock:
            self._pruned.held += held
            self._pruned.deleted += deleted

    def _add_count(self, number: int) -> None:
        of_version, of_all = self._count(number, ConsistentRead=False)
        with self._lock:
            self._of_version += of_version
            self._of_all += of_all

    def _count(self, number: int, **request: Any) -> tuple[int, int]:  # noqa: ANN401 - arguments of Query
        """Return the number of records of the version, and of all records, under a partition key."""
        condition, values = of_version(self._version)
        request |= {"Select": "COUNT", "FilterExpression": condition, "ExpressionAttributeValues": values}
        pages = list(self._pages(number, ExpressionAttributeNames=_VERSION_NAME, **request))
        return sum(page["Count"] for page in pages), sum(page["ScannedCount"] for page in pages)

    def _pages(self, number: int, **request: Any) -> Iterator[Any]:  # noqa: ANN401 - arguments of Query
        """Yield the pages of one partition key."""
        partition_key, _ = schema.record_keys(self._object_id, number * schema.RECORDS_PER_PARTITION_KEY)
        values = {":records": {"S": partition_key}} | request.pop("ExpressionAttributeValues", {})
        names = {"#pk": schema.PARTITION_KEY} | request.pop("ExpressionAttributeNames", {})
        start: dict[str, Any] = {}
        while True:
            self._check_time()
            page = self._dynamodb.query(
                TableName=self._table_name,
                KeyConditionExpression="#pk = :records",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                **{"ConsistentRead": True, **request, **start},
            )
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _check_time(self) -> None:
        self._deadline.check("the records in the table are checked", reserved_seconds=RESERVED_SECONDS)


_VERSION_NAME: Final = {"#version": schema.PROCESSING_VERSION}
_KEYS_AND_VERSION: Final[dict[str, Any]] = {
    "ProjectionExpression": "#pk, #sk, #version",
    "ExpressionAttributeNames": {"#sk": schema.SORT_KEY, **_VERSION_NAME},
}


def of_version(processing_version: str) -> tuple[str, dict[str, AttributeValue]]:
    """Return the condition that a row's `#version` is this one, and its values; a release without versions wrote none."""
    if not processing_version:
        return "attribute_not_exists(#version)", {}
    return "#version = :version", {":version": {"S": processing_version}}


def _version(row: dict[str, Any]) -> str:
    return str(row.get(schema.PROCESSING_VERSION, {}).get("S", ""))
