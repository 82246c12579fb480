"""The part of a table's replica that the observer uses."""
# ruff: noqa: ANN401, N803 - boto3's own names and types

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from handlers.shared import schema

Row = dict[str, Any]


class ConditionalCheckFailedError(Exception):
    """Raised when the stored row is newer."""


class Table:
    """Rows by key.

    Attributes:
        rows: The rows.
        queries: Number of queries of an index.
        rows_read: Number of rows that they returned.
    """

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedError)

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self._by_state: dict[str, set[tuple[str, str]]] = {}
        self.queries = 0
        self.rows_read = 0
        self.writes: list[tuple[str, str]] = []

    def add(self, *items: Row) -> None:
        """Write rows without a condition."""
        for item in items:
            self.rows[_key(item)] = item
            if schema.STATE_INDEX_PARTITION_KEY in item:
                self._by_state.setdefault(item[schema.STATE_INDEX_PARTITION_KEY]["S"], set()).add(_key(item))

    def query(self, *, KeyConditionExpression: str, ExpressionAttributeValues: Row, **request: Any) -> Row:
        """Read a partition of the state index, a page at a time; DynamoDB may end a page anywhere."""
        assert KeyConditionExpression == "#state_hour = :state_hour"
        assert request["IndexName"] == schema.STATE_INDEX
        wanted = ExpressionAttributeValues[":state_hour"]
        found = sorted(
            (self.rows[key] for key in self._by_state.get(wanted["S"], ()) if key in self.rows),
            key=lambda row: str(row[schema.STATE_INDEX_SORT_KEY]["S"]),
        )
        start = request.get("ExclusiveStartKey")
        begin = next((n + 1 for n, row in enumerate(found) if start and _key(row) == _key(start)), 0)
        page = found[begin : begin + request["Limit"]]
        self.queries += 1
        self.rows_read += len(page)
        is_more = len(page) == request["Limit"]  # as DynamoDB does, also where nothing comes after
        last = {name: page[-1][name] for name in (schema.PARTITION_KEY, schema.SORT_KEY)} if is_more else None
        return {"Items": page} | ({"LastEvaluatedKey": last} if last else {})

    def get_paginator(self, name: str) -> Any:
        """Return a paginator that reads a range of a partition."""
        assert name == "query"
        return SimpleNamespace(paginate=self._range)

    def _range(self, *, ExpressionAttributeValues: Row, **_: Any) -> Iterator[Row]:
        partition, first, last = (ExpressionAttributeValues[name]["S"] for name in (":pk", ":first", ":last"))
        for key in sorted(self.rows):
            if key[0] == partition and first <= key[1] <= last:
                yield {"Items": [self.rows[key]]}

    def put_item(self, *, Item: Row, ExpressionAttributeValues: Row | None = None, **_: Any) -> None:
        """Write a row, unless the stored one is newer."""
        old = self.rows.get(_key(Item))
        if old and ExpressionAttributeValues and float(old["at"]["N"]) > float(ExpressionAttributeValues[":at"]["N"]):
            raise ConditionalCheckFailedError
        self.writes.append(_key(Item))
        self.rows[_key(Item)] = Item

    def get_item(self, *, Key: Row, **_: Any) -> Row:
        """Get a row."""
        row = self.rows.get(_key(Key))
        return {"Item": row} if row else {}


def _key(item: Row) -> tuple[str, str]:
    return item[schema.PARTITION_KEY]["S"], item[schema.SORT_KEY]["S"]
