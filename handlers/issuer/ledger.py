"""Writes the issuer's rows of the table, and reads the rows of an object or a file."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from handlers.issuer.validation import UploadRequest
from handlers.shared import schema, timestamps
from handlers.shared.object_keys import CANARY_SOURCE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputPaginateTypeDef

Row = dict[str, Any]

_ROWS_AN_OBJECT: Final = 3
"""Most rows of an object in the index by file: RESULT and an UPLOAD row of each region."""


@dataclass(frozen=True)
class Retention:
    """Days to keep UPLOAD and CLAIM rows; 0 keeps them forever.

    A CLAIM must outlive its upload id, which is valid for seven days (`upload_id`); the settings allow 15 days or more.
    """

    uploads_days: int = 0
    canary_days: int = 0

    def of(self, source: str) -> int:
        """Return the days to keep rows of a source."""
        return self.canary_days if source == CANARY_SOURCE else self.uploads_days


class UploadIdReusedError(Exception):
    """Raised when a request uses the upload id of another file.

    Attributes:
        claimed: The first file: `key`, `size`, `sha256`, `region` and `caller`.
    """

    def __init__(self, claimed: dict[str, str]) -> None:
        super().__init__("the upload id was used for another file")
        self.claimed = claimed


@dataclass(frozen=True)
class ObjectRows:
    """The rows of one object."""

    object_id: str
    result: Row | None
    uploads: Sequence[Row]
    """One for each region whose issuer accepted the upload."""
    attempts: Sequence[Row]
    """One for each region whose processor began the object."""
    replicas: Sequence[Row] = ()
    """One for each region that has verified its replica; empty for rows of the index by file."""

    @property
    def exists(self) -> bool:
        """Whether the table has any row of the object."""
        return bool(self.result or self.uploads or self.attempts)

    def first(self, name: str) -> Any:  # noqa: ANN401 - a row's attribute may be of any type
        """Return an attribute from the first row that has it (RESULT, UPLOAD, ATTEMPT), otherwise None."""
        rows = [*([self.result] if self.result else []), *self.uploads, *self.attempts]
        return next((row[name] for row in rows if row.get(name) is not None), None)


class Ledger:
    """Reads and writes this region's replica of the table.

    Args:
        dynamodb: A low-level client of the region that the function runs in.
        table_name: The table.
        region: This region, which owns the rows that it writes.
        retention: Days to keep the rows.
        clock: Returns epoch seconds.
    """

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        table_name: str,
        region: str,
        retention: Retention,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._region = region

    def claim(self, request: UploadRequest, caller: str) -> None:
        """Bind the upload id to this file, for longer than the id is valid.

        The identity of an object holds the content's hash, so one upload id with two contents makes two objects that
        share no key. Therefore the id has a row of its own in each region. A claim of the other region counts after it
        has replicated. Two clients that use one id at the same time in both regions get two complete objects.

        Args:
            request: The file.
            caller: The principal that sends it; the row holds it.

        Raises:
            UploadIdReusedError: A claim in this region's replica binds the id to another file.
        """
        partition_key = schema.claim_partition_key(request.upload.source, request.upload.upload_id)
        ours = {
            "claimed_key": request.upload.file_key,
            "claimed_size": request.size,
            "claimed_sha256": request.upload.content_sha256,
        }
        claims = self._partition(partition_key)
        if not any(claim[schema.SORT_KEY] == schema.upload_sort_key(self._region) for claim in claims):
            _refuse_if_different(claims, ours)  # before writing: a claim that loses must leave no trace
            row = ours | {"region": self._region, "caller": caller}
            self._put_once(partition_key, request.upload.source, row)
            claims = self._partition(partition_key)
        _refuse_if_different(claims, ours)

    def note_upload(self, request: UploadRequest, caller: str, now: str) -> None:
        """Write the region's UPLOAD row, unless an earlier request with the same upload id wrote it."""
        upload = request.upload
        received = str(timestamps.of_upload(upload.upload_id))  # deterministic: not the time of this clock
        self._put_once(
            schema.object_partition_key(upload.object_id),
            upload.source,
            {
                "object_id": upload.object_id,
                "upload_id": upload.upload_id,
                "source": upload.source,
                "object_key": upload.object_key,
                "size": request.size,
                "sha256": upload.content_sha256,
                "received_at": received,
                "issued_at": now,
                "caller": caller,
                "region": self._region,
                schema.FILE_INDEX_PARTITION_KEY: upload.file_key,
                schema.FILE_INDEX_SORT_KEY: schema.newest_last(received, upload.object_id),
            },
        )

    def object(self, object_id: str) -> ObjectRows:
        """Return the rows of an object in this region's replica."""
        return _object_rows(object_id, self._partition(schema.object_partition_key(object_id)))

    def files(
        self, file_key: str, *, limit: int, before: str | None, may_read: Callable[[str | None], bool]
    ) -> tuple[list[ObjectRows], str | None]:
        """Return the objects of a logical key, newest first, and the `file_order` where the next page continues.

        Objects of sources that the caller may not read are skipped and do not count for the page. Rows of one object have
        the same `file_order`, so they are adjacent and no page ends within an object.
        """
        rows = self._file_rows(file_key, limit=limit, before=before)
        page: list[ObjectRows] = []
        last = None
        for order, group in groupby(rows, key=lambda row: str(row[schema.FILE_INDEX_SORT_KEY])):
            of_object = list(group)
            found = _object_rows(str(of_object[0]["object_id"]), of_object)
            if not may_read(found.first("source")):
                continue
            if len(page) == limit:
                return page, last
            page.append(found)
            last = order
        return page, None

    def _file_rows(self, file_key: str, *, limit: int, before: str | None) -> Iterator[Row]:
        condition = "#file_key = :file_key"
        values = {":file_key": {"S": file_key}}
        names = {"#file_key": schema.FILE_INDEX_PARTITION_KEY}
        if before is not None:
            condition += " AND #file_order < :before"
            values[":before"] = {"S": before}
            names["#file_order"] = schema.FILE_INDEX_SORT_KEY
        yield from self._query(
            {
                "TableName": self._table_name,
                "IndexName": schema.FILE_INDEX,
                "KeyConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
                "ScanIndexForward": False,
            },
            page_size=(limit + 1) * _ROWS_AN_OBJECT,
        )

    def _partition(self, partition_key: str) -> list[Row]:
        return list(
            self._query(
                {
                    "TableName": self._table_name,
                    "KeyConditionExpression": "#pk = :pk",
                    "ExpressionAttributeNames": {"#pk": schema.PARTITION_KEY},
                    "ExpressionAttributeValues": {":pk": {"S": partition_key}},
                    "ConsistentRead": True,
                }
            )
        )

    def _query(self, request: "QueryInputPaginateTypeDef", *, page_size: int = 100) -> Iterator[Row]:
        deserialize = TypeDeserializer().deserialize
        request = {**request, "PaginationConfig": {"PageSize": page_size}}
        for page in self._dynamodb.get_paginator("query").paginate(**request):
            for item in page["Items"]:
                yield {name: deserialize(value) for name, value in item.items()}

    def _put_once(self, partition_key: str, source: str, attributes: Row) -> None:
        row = attributes | {
            schema.PARTITION_KEY: partition_key,
            schema.SORT_KEY: schema.upload_sort_key(self._region),
        }
        if days := self._retention.of(source):
            row[schema.TIME_TO_LIVE] = schema.expires_at(self._clock(), days)
        serialize = TypeSerializer().serialize
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):  # an earlier request wrote it
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item={name: serialize(value) for name, value in row.items()},
                ConditionExpression="attribute_not_exists(#pk)",
                ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            )


def _refuse_if_different(claims: Sequence[Row], ours: Row) -> None:
    for claim in claims:
        if any(claim[name] != value for name, value in ours.items()):
            raise UploadIdReusedError(
                {name: str(claim[f"claimed_{name}"]) for name in ("key", "size", "sha256")}
                | {"region": claim["region"], "caller": claim.get("caller", "")}
            )


def _object_rows(object_id: str, rows: Sequence[Row]) -> ObjectRows:
    def of(kind: str) -> list[Row]:
        return [row for row in rows if row[schema.SORT_KEY].startswith(kind)]

    return ObjectRows(
        object_id=object_id,
        result=next(iter(of(schema.RESULT)), None),
        uploads=of(schema.upload_sort_key("")),
        attempts=of(schema.attempt_sort_key("")),
        replicas=of(schema.replica_sort_key("")),
    )
