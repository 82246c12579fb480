"""The part of a table's replica that the observer uses, and RESULT rows as the processor writes them."""
# ruff: noqa: ANN401, N803 - boto3's own names and types

import hashlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from handlers.processor.store import Result
from handlers.shared import schema, timestamps

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


HOUR = "2026-01-31T12"
BEGIN = 1769860800.0
"""Beginning of that hour."""
PROVENANCE = ("region", "epoch", "version_id", "processed_at")


def result(object_id: str, *, hour_begin: float = BEGIN, **changes: Any) -> dict[str, Any]:
    """Return a row of an hour."""
    processed_at = changes.pop("processed_at", "2026-01-31T12:30:00.000Z")
    facts: dict[str, Any] = {
        "state": schema.COMPLETED,
        "object_id": object_id,
        "source": "ingest",
        "file_key": "a.csv",
        "object_key": "incoming/a.csv",
        "received_at": timestamps.from_epoch(hour_begin + int(object_id[-3:], 16) % 3600),
        "accepted": 2,
        "rejected": 0,
        "effect_digest": "0" * 64,
        "region": "us-east-1",
        "epoch": 0,
        "version_id": "v",
        "processing_version": "p",
        "size": 10,
    }
    return Result(**facts | changes).item(processed_at)


object_ids = st.binary(min_size=32, max_size=32).map(bytes.hex)
states = st.sampled_from([schema.COMPLETED, schema.QUARANTINED])
rows = st.builds(
    lambda object_id, state, accepted, reason: result(object_id, state=state, accepted=accepted, reason=reason),
    object_ids,
    states,
    st.integers(0, 10**6),
    st.none() | st.text(max_size=5),
)
hours_of_rows = st.lists(rows, max_size=40, unique_by=lambda row: str(row["pk"]["S"]))


def reckoned(items: list[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    """Return count, sum of identities and sum of effects by prefix, computed without the observer's code."""
    found = {}
    for prefix in "0123456789abcdef":
        of_prefix = [item for item in items if item["pk"]["S"][len("OBJ#") :].startswith(prefix)]
        identities = sum(int(hashlib.sha256(item["pk"]["S"][4:].encode()).hexdigest(), 16) for item in of_prefix)
        effects = 0
        for item in of_prefix:
            kept = sorted((name, item[name]) for name in item if name not in PROVENANCE)
            text = (
                "{"
                + ",".join(f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in kept)
                + "}"
            )
            effects += int(hashlib.sha256(text.encode()).hexdigest(), 16)
        found[prefix] = (len(of_prefix), identities % 2**256, effects % 2**256)
    return found
